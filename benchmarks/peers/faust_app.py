"""Plain Faust: one agent over the three topics, one event at a time, the features written to Redis for each.

State stays in the process; a Faust table with its changelog topic would cost more.
"""

import sys

import faust
import orjson
import redis.asyncio
from job import ALERTS, BROKER, GROUP, PROGRESS, REDIS, STATE_DIRECTORY, TOPICS, Job, alert, document

app = faust.App(
    GROUP,
    broker=f"kafka://{BROKER}",
    web_enabled=False,
    datadir=STATE_DIRECTORY,
    broker_session_timeout=10.0,
    broker_heartbeat_interval=3.0,
    topic_disable_leader=True,
    topic_allow_declare=False,
    value_serializer="raw",
)
events = app.topic(*TOPICS, value_serializer="raw", key_serializer="raw")
alerts = app.topic(ALERTS, value_serializer="raw", key_serializer="raw")
job = Job()
states = {}
client = redis.asyncio.Redis.from_url(REDIS)


@app.agent(events)
async def process(stream):  # noqa: ANN001, ANN201 - as Faust's documentation writes agents
    """Handle one event after the other."""
    async for value in stream:
        event = orjson.loads(value)
        customer = event["customer_id"]
        state, crossed = job.apply(states.get(customer), event)
        states[customer] = state
        pipeline = client.pipeline(transaction=False)
        pipeline.set(f"faust:{customer}", document(state))
        pipeline.incr(PROGRESS)
        await pipeline.execute()
        if crossed:
            await alerts.send(key=customer.encode(), value=alert(customer, state))


if __name__ == "__main__":
    sys.argv = ["faust", "worker", "-l", "warn"]
    app.main()
