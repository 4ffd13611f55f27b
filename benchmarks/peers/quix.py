"""Quix Streams: three topics concatenated, a stateful function with RocksDB, a batching sink to Redis."""

import redis
from job import ALERTS, BROKER, GROUP, PROGRESS, REDIS, STATE_DIRECTORY, TOPICS, Job, alert, document
from quixstreams import Application, State
from quixstreams.sinks import BatchingSink, SinkBatch

COMMIT_EVERY = 2000

job = Job()


class Features(BatchingSink):
    """Writes the last features of each customer of a batch."""

    def setup(self) -> None:
        """Connect."""
        self._client = redis.Redis.from_url(REDIS)

    def write(self, batch: SinkBatch) -> None:
        """One pipeline a batch."""
        last = {item.value["customer_id"]: item.value["document"] for item in batch}
        pipeline = self._client.pipeline(transaction=False)
        for customer, text in last.items():
            pipeline.set(f"quix:{customer}", text)
        pipeline.incrby(PROGRESS, batch.size)
        pipeline.execute()


def process(event: dict, state: State) -> dict:
    """Apply one event to the stored state of its key."""
    customer = event["customer_id"]
    new, crossed = job.apply(state.get("profile"), event)
    state.set("profile", new)
    return {
        "customer_id": customer,
        "document": document(new),
        "alert": alert(customer, new) if crossed else None,
    }


def main() -> None:
    """Run until killed."""
    app = Application(
        broker_address=BROKER,
        consumer_group=GROUP,
        auto_offset_reset="earliest",
        commit_every=COMMIT_EVERY,
        commit_interval=1.0,
        state_dir=STATE_DIRECTORY,
        auto_create_topics=False,
        use_changelog_topics=False,
        loglevel="WARNING",
        consumer_extra_config={"session.timeout.ms": 6000},
    )
    topics = [app.topic(topic, value_deserializer="json") for topic in TOPICS]
    for topic in topics:  # the embedded broker does not tell its retention
        topic.broker_config.extra_config.setdefault("retention.ms", "-1")
    inputs = [app.dataframe(topic) for topic in topics]
    frame = inputs[0].concat(inputs[1]).concat(inputs[2])
    frame = frame.apply(process, stateful=True)
    alerts = frame.filter(lambda row: row["alert"] is not None).apply(lambda row: row["alert"])
    alerts.to_topic(app.topic(ALERTS, value_serializer="bytes"))
    frame.sink(Features())
    app.run()


if __name__ == "__main__":
    main()
