"""No engine: librdkafka's consumer, the job, one Redis pipeline for 500 records."""

import orjson
import redis
from confluent_kafka import Consumer, Producer
from job import ALERTS, BROKER, GROUP, PROGRESS, REDIS, TOPICS, Job, alert, document

BATCH = 500


def main() -> None:
    """Run until killed."""
    consumer = Consumer(
        {
            "bootstrap.servers": BROKER,
            "group.id": GROUP,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "session.timeout.ms": 6000,
        }
    )
    consumer.subscribe(TOPICS)
    producer = Producer({"bootstrap.servers": BROKER})
    client = redis.Redis.from_url(REDIS)
    job, states = Job(), {}
    while True:
        messages = consumer.consume(BATCH, timeout=0.2)
        if not messages:
            continue
        touched = {}
        for message in messages:
            event = orjson.loads(message.value())
            customer = event["customer_id"]
            state, crossed = job.apply(states.get(customer), event)
            states[customer] = touched[customer] = state
            if crossed:
                producer.produce(ALERTS, key=customer, value=alert(customer, state))
        pipeline = client.pipeline(transaction=False)
        for customer, state in touched.items():
            pipeline.set(f"bare:{customer}", document(state))
        pipeline.incrby(PROGRESS, len(messages))
        pipeline.execute()
        producer.poll(0)
        consumer.commit(asynchronous=True)


if __name__ == "__main__":
    main()
