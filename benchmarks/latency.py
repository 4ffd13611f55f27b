"""How long an event takes to its features in Redis, and to an alert in Kafka: ``python -m benchmarks.latency``.

A worker runs with its default settings; events are published at 10, 50 and 80 % of its capacity (from
``build/throughput.json`` unless given), evenly in time. Every so often one of them is a probe, the first event of a
customer of its own, which raises an alert. One clock runs from just before a probe is handed to the producer until a
client that looks all the time sees the customer's document in Redis, the other until a consumer has read the alert.
Publisher, worker, broker, Redis and the lookers share this machine, so the figures include waiting for a core.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import redis
from confluent_kafka import OFFSET_END, Consumer, Producer, TopicPartition

from benchmarks.workload import seed_model, stack
from stream.events.partition import partition_of
from stream.local.workers import WorkerProcesses
from stream.settings import Settings
from stream.storage.keys import Keys
from stream.storage.overview import Overview

LEVELS = (0.1, 0.5, 0.8)
_PROBES_PER_S = 50
_LOOK_EVERY_S = 0.001
_PUBLISH_EVERY_S = 0.005
_STARTS_WITHIN_S = 240.0
_ARRIVES_WITHIN_S = 30.0


@dataclass(slots=True)
class Probes:
    """When each probe was sent, stored and alerted, by customer; in seconds of the performance counter."""

    sent: dict[str, float] = field(default_factory=dict)
    stored: dict[str, float] = field(default_factory=dict)
    alerted: dict[str, float] = field(default_factory=dict)

    def quantiles_ms(self, arrived: dict[str, float]) -> dict[str, float]:
        """p50, p95 and p99 of the time from sent to arrived."""
        waits = [(arrived[customer] - sent) * 1000 for customer, sent in self.sent.items()]
        return {f"p{q}_ms": round(float(np.percentile(waits, q)), 1) for q in (50, 95, 99)}


@contextmanager
def looking(settings: Settings, probes: Probes) -> Iterator[None]:
    """Two threads that note when probes arrive."""
    over = threading.Event()
    threads = [
        threading.Thread(target=look, args=(settings, probes, over), daemon=True)
        for look in (_look_at_redis, _look_at_alerts)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(10.0)


def _look_at_redis(settings: Settings, probes: Probes, over: threading.Event) -> None:
    keys = Keys(settings.namespace)
    with redis.Redis.from_url(settings.redis_url) as client:
        while not over.is_set():
            waiting = [customer for customer in tuple(probes.sent) if customer not in probes.stored]
            pipeline = client.pipeline(transaction=False)
            for customer in waiting:
                pipeline.exists(keys.customer(partition_of(customer, settings.partitions), customer))
            found = pipeline.execute()
            now = time.perf_counter()
            probes.stored.update({customer: now for customer, there in zip(waiting, found, strict=True) if there})
            time.sleep(_LOOK_EVERY_S)


def _look_at_alerts(settings: Settings, probes: Probes, over: threading.Event) -> None:
    consumer = Consumer({**settings.librdkafka(), "group.id": "latency", "fetch.wait.max.ms": 10})
    consumer.assign([TopicPartition(settings.alerts, p, OFFSET_END) for p in range(settings.partitions)])
    while not over.is_set():
        for message in consumer.consume(500, 0.005):
            key = message.key()
            if key is not None and key.decode() in probes.sent:
                probes.alerted.setdefault(key.decode(), time.perf_counter())
    consumer.close()


def publish(
    settings: Settings, rate: float, duration_s: float, customers: int, probes: Probes | None, tag: str
) -> None:
    """Publish ``rate`` events a second, every event at its time; ``probes``: note those that are (None: send none)."""
    producer = Producer(
        {**settings.librdkafka(), "partitioner": "murmur2_random", "linger.ms": 1, "compression.type": "lz4"}
    )
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, customers, int(rate * duration_s) + 1).tolist()
    topic = settings.events_click
    probe_every = max(int(rate / _PROBES_PER_S), 1)
    began, sent = time.perf_counter(), 0
    while (elapsed_s := time.perf_counter() - began) < duration_s:
        due = min(int(rate * elapsed_s), len(drawn))
        at_s = time.time()
        for k in range(sent, due):
            probing = probes is not None and k % probe_every == 0
            customer = f"probe-{tag}-{k}" if probing else f"c{drawn[k]:06d}"
            event = (
                f'{{"event_id":"{tag}-{k}","customer_id":"{customer}","occurred_at":{at_s:.3f},"name":"page_viewed"}}'
            )
            if probes is not None and probing:
                probes.sent[customer] = time.perf_counter()
            producer.produce(topic, key=customer, value=event)
        sent = due
        producer.poll(0)
        time.sleep(_PUBLISH_EVERY_S)
    if left := producer.flush(30.0):
        raise RuntimeError(f"the broker did not confirm {left:,} events")


def measure_level(settings: Settings, rate: float, duration_s: float, customers: int) -> dict[str, dict[str, float]]:
    """Latencies at one rate."""
    probes = Probes()
    with looking(settings, probes):
        time.sleep(0.5)
        publish(settings, rate, duration_s, customers, probes, f"{rate:.0f}")
        deadline = time.perf_counter() + _ARRIVES_WITHIN_S
        while len(probes.alerted) < len(probes.sent) or len(probes.stored) < len(probes.sent):
            if time.perf_counter() > deadline:
                raise RuntimeError(
                    f"of {len(probes.sent)} probes {len(probes.stored)} were stored and {len(probes.alerted)} alerted"
                )
            time.sleep(0.05)
    return {
        "features": probes.quantiles_ms(probes.stored),
        "alert": probes.quantiles_ms(probes.alerted),
        "probes": {"count": len(probes.sent)},
    }


def _catch_up(overview: Overview, least: int) -> None:
    """Wait until so many events are stored and no more come."""
    seen, deadline = -1, time.monotonic() + _STARTS_WITHIN_S
    while (now := overview.totals().counters.events_in) < least or now != seen:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{now:,} of at least {least:,} events are stored")
        seen = now
        time.sleep(0.5)


def _capacity(path: Path) -> float:
    if not path.is_file():
        sys.exit(f"{path} is not there: run python -m benchmarks.throughput first, or give --capacity")
    return float(json.loads(path.read_text())["engines"]["stream"]["events_per_s"])


def main() -> None:
    """Measure every level, print a table, write ``build/latency.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--capacity", type=float, help="events/s of one worker (from build/throughput.json)")
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each level")
    parser.add_argument("--out", type=Path, default=Path("build"))
    options = parser.parse_args()
    capacity = options.capacity or _capacity(options.out / "throughput.json")
    levels = {}
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        stack(Path(name), options.partitions, freeze_model=True, min_purchases=0) as (_, given),
    ):
        settings = Settings.from_env(given.to_env(), {"clock": "auto", "log_level": "INFO"})
        seed_model(settings)
        with WorkerProcesses(settings, 1, Path(name)) as workers, Overview(settings) as overview:
            deadline = time.monotonic() + _STARTS_WITHIN_S
            while not workers.own_everything(overview.totals(), overview.trainer()):
                workers.check()
                if time.monotonic() > deadline:
                    raise RuntimeError(f"the worker owns nothing: {workers.log_tails()}")
                time.sleep(0.1)
            publish(settings, capacity / 2, 10.0, options.customers, None, "warm-up")
            _catch_up(overview, int(capacity / 2 * 10.0 * 0.9))
            for level in LEVELS:
                levels[f"{level:.0%}"] = found = measure_level(
                    settings, capacity * level, options.seconds, options.customers
                )
                print(f"{level:4.0%} of {capacity:,.0f}/s  {found}", flush=True)
                workers.check()
    report = {"capacity_events_per_s": capacity, "levels": levels, "seconds": options.seconds}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "latency.json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
