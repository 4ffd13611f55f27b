"""Bytewax: Kafka source, a stateful map keyed by customer, a batching sink to Redis; no recovery store."""

from typing import Any

import bytewax.operators as op
import orjson
import redis
from bytewax.connectors.kafka import KafkaSinkMessage
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main
from job import ALERTS, BROKER, PROGRESS, REDIS, TOPICS, Job, alert, document

BATCH = 1000

job = Job()


class FeatureWriter(StatelessSinkPartition[tuple[str, Any]]):
    """Writes the last features of each customer of a batch."""

    def __init__(self) -> None:
        self._client = redis.Redis.from_url(REDIS)

    def write_batch(self, items: list[tuple[str, Any]]) -> None:
        """One pipeline a batch."""
        pipeline = self._client.pipeline(transaction=False)
        for customer, (text, _) in dict(items).items():
            pipeline.set(f"bytewax:{customer}", text)
        pipeline.incrby(PROGRESS, len(items))
        pipeline.execute()


class FeatureSink(DynamicSink[tuple[str, Any]]):
    """The store of the features."""

    def build(self, _step_id: str, _worker_index: int, _worker_count: int) -> FeatureWriter:
        """One writer a worker."""
        return FeatureWriter()


def process(state: dict | None, event: dict) -> tuple[dict, tuple[bytes, bytes | None]]:
    """Apply one event to the state of its key."""
    new, crossed = job.apply(state, event)
    return new, (document(new), alert(event["customer_id"], new) if crossed else None)


flow = Dataflow("peer")
source = kop.input("events", flow, brokers=[BROKER], topics=TOPICS, batch_size=BATCH)
decoded = op.map("decode", source.oks, lambda message: orjson.loads(message.value))
keyed = op.key_on("customer", decoded, lambda event: event["customer_id"])
scored = op.stateful_map("process", keyed, process)
op.output("features", scored, FeatureSink())
alerts = op.filter_map(
    "alerts", scored, lambda item: KafkaSinkMessage(item[0].encode(), item[1][1]) if item[1][1] else None
)
kop.output("publish", alerts, brokers=[BROKER], topic=ALERTS)

if __name__ == "__main__":
    run_main(flow)
