"""The events that every benchmark feeds, the broker and Redis they go through, and a model that scores them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import redis
from confluent_kafka import Producer
from confluent_kafka.cimpl import NewTopic

from stream.catalogue.events import KERNEL_TYPES, EventType
from stream.cli.kafka import admin_client
from stream.cli.topics import create_topics
from stream.events.log_event import LogRecord
from stream.features.registry import COLUMN, DAY_MS, FEATURES, INPUT_SCALE
from stream.local.redis import EmbeddedRedis
from stream.local.stack import LocalStack
from stream.online_models.example import Label
from stream.online_models.learner import Learner, LearnerSettings
from stream.online_models.snapshot import encode_snapshot
from stream.settings import Settings
from stream.storage.keys import Keys
from tests.kafka.cluster import KafkaCluster

__all__ = [
    "LAWS",
    "NAMES",
    "TYPES",
    "Running",
    "Workload",
    "produce",
    "rewrite",
    "seed_model",
    "slice_of",
    "stack",
    "synthetic",
]

TYPES = KERNEL_TYPES
NAMES = {
    EventType.CLICK: ("product_viewed", "product_added", "page_viewed"),
    EventType.EMAIL: ("sent", "opened", "clicked"),
    EventType.PURCHASE: ("completed",),
}
SHARES = (0.6, 0.2, 0.2)
#: How often customers come: see `Workload`.
LAWS = ("uniform", "zipf", "each")
#: Exponent of the Zipf law: the first of 20,000 customers has 6 % of all events.
ZIPF_EXPONENT = 0.9

#: Where the peers publish their alerts.
PEERS_ALERTS = "peers-alerts"

_LABELS = 800


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """``law``: one of `LAWS`: customers are drawn uniformly or by Zipf's law; "each" is an order of every one.

    ``days``: event time from first to last event. ``prefix``: of the ids of events and orders.
    """

    events: int
    customers: int
    law: str = "uniform"
    days: float = 1.0
    seed: int = 0
    prefix: str = ""


def synthetic(workload: Workload, now_ms: int) -> list[list[LogRecord]]:
    """Records by type, up to ``now_ms``: 60 % clicks, 20 % e-mails, 20 % orders, evenly in event time."""
    rng = np.random.default_rng(workload.seed)
    events, customers = workload.events, workload.customers
    of_type = rng.choice(len(TYPES), events, p=SHARES)
    if workload.law == "each":
        of_type[:] = TYPES.index(EventType.PURCHASE)
    if workload.law == "each":
        of_customer = rng.permutation(customers)[:events]
    elif workload.law == "zipf":
        weights = 1.0 / np.arange(1, customers + 1) ** ZIPF_EXPONENT
        of_customer = rng.choice(customers, events, p=weights / weights.sum())
    else:
        of_customer = rng.integers(0, customers, events)
    span_ms = int(workload.days * DAY_MS)
    logs: list[list[LogRecord]] = [[] for _ in TYPES]
    for k, (source, customer_number) in enumerate(zip(of_type.tolist(), of_customer.tolist(), strict=True)):
        event_type, customer = TYPES[source], f"c{customer_number:06d}"
        at_ms = now_ms - span_ms + k * span_ms // events
        event: dict[str, object] = {
            "event_id": f"{workload.prefix}e{k}",
            "customer_id": customer,
            "occurred_at": at_ms / 1000,
            "name": NAMES[event_type][k % len(NAMES[event_type])],
        }
        if event_type is EventType.PURCHASE:
            event |= {"order_id": f"{workload.prefix}o{k}", "amount": float(k % 100), "currency": "USD"}
        logs[source].append(LogRecord(customer.encode(), json.dumps(event).encode(), at_ms, len(logs[source])))
    return logs


def slice_of(logs: Sequence[list[LogRecord]], begin: int, end: int, total: int) -> list[list[LogRecord]]:
    """The records of each log at positions begin to end of all records."""
    return [log[begin * len(log) // total : end * len(log) // total] for log in logs]


def produce(settings: Settings, logs: list[list[LogRecord]]) -> None:
    """Publish the records in event-time order, keyed by customer."""
    producer = Producer(
        {
            **settings.librdkafka(),
            "partitioner": "murmur2_random",
            "linger.ms": 20,
            "compression.type": "lz4",
            "enable.idempotence": True,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    of_topic = zip(settings.event_topics, logs, strict=True)
    merged = sorted(((record.timestamp, topic, record) for topic, log in of_topic for record in log), key=_time)
    for at, (timestamp, topic, record) in enumerate(merged):
        producer.produce(topic, key=record.key, value=record.value, timestamp=timestamp)
        if at % 10_000 == 0:
            producer.poll(0)
    if left := producer.flush(120.0):
        raise RuntimeError(f"the broker did not confirm {left:,} of {len(merged):,} events")


def _time(item: tuple[int, str, LogRecord]) -> int:
    return item[0]


@dataclass(frozen=True, slots=True)
class Running:
    """A broker and a Redis that run: how to use them, and their process ids by name."""

    settings: Settings
    pids: Mapping[str, int]


@contextmanager
def stack(directory: Path, partitions: int, *, broker: str = "embedded", **options: object) -> Iterator[Running]:
    """A broker and a Redis of their own, with topics; ``options`` are settings.

    ``broker``: "embedded", or "kafka" for Apache Kafka, which needs a JDK and, the first time, Maven.
    """
    settings = replace(Settings(), log_level="WARNING", **options)  # type: ignore[arg-type]
    with ExitStack() as running:
        if broker == "kafka":
            server = running.enter_context(EmbeddedRedis(directory / "redis"))
            kafka = running.enter_context(KafkaCluster(directory / "kafka"))
            pids = {"broker": kafka.pids[0], "redis": server.pid}
            settings = replace(
                settings,
                kafka_bootstrap=kafka.bootstrap,
                redis_url=server.url,
                partitions=partitions,
                clock="event",
            )
        else:
            local = running.enter_context(LocalStack(directory, settings, partitions=partitions))
            pids = {"broker": local.broker.pid, "redis": local.redis.pid}
            settings = replace(local.settings, log_level="WARNING")
        create_topics(settings)
        created = admin_client(settings).create_topics([NewTopic(PEERS_ALERTS, partitions, 1)])
        created[PEERS_ALERTS].result(30.0)
        yield Running(settings, pids)


def rewrite(settings: Settings, *, wait: bool) -> None:
    """Let Redis rewrite its append-only file now, and never again by itself, because a rewrite takes a core."""
    with redis.Redis.from_url(settings.redis_url) as client:
        client.config_set("auto-aof-rewrite-percentage", 0)
        _until_rewritten(client)
        client.bgrewriteaof()
        if wait:
            _until_rewritten(client)


def _until_rewritten(client: redis.Redis) -> None:
    while client.info("persistence")["aof_rewrite_in_progress"]:
        time.sleep(0.1)


def seed_model(settings: Settings, *, typical_risk: float = 0.05) -> None:
    """Store a model that is ready, so that every event is scored: long silence and few orders mean churn.

    It is learned from made-up labels, as a trainer would learn it. ``typical_risk`` shifts its scores: by default about
    one customer in three of the benchmarks gets an alert.
    """
    rng = np.random.default_rng(0)
    learner = Learner(LearnerSettings(min_labels=_LABELS // 2))
    now_ms = time.time_ns() // 1_000_000
    for k in range(_LABELS):
        x = rng.gamma(1.0, 0.8, len(FEATURES)) * INPUT_SCALE
        silence = x[COLUMN["days_since_purchase"]] - x[COLUMN["purchases_total"]]
        at_ms = now_ms - (_LABELS - k) * 60_000 - 60 * DAY_MS
        learner.learn(
            Label(
                example_id=f"seed{k}",
                customer_id=f"seed{k}",
                at_ms=at_ms,
                matured_at_ms=at_ms + 28 * DAY_MS,
                x=x.astype(int).tolist(),
                risk=None,
                model_version=0,
                churned=bool(silence + rng.normal(0, INPUT_SCALE) > (0.5 - typical_risk) * INPUT_SCALE),
                purchases=0,
                spend=0.0,
            )
        )
    encoded = encode_snapshot(learner.snapshot(now_ms))
    with redis.Redis.from_url(settings.redis_url) as client:
        client.set(Keys(settings.namespace).snapshot(), encoded)
