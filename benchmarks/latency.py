"""How long events take to features in Redis, and to changes of stage in Kafka: ``python -m benchmarks.latency``.

A worker runs with its default settings. Once every customer has had some events, the benchmark searches the sustainable
throughput: the highest rate of events, published evenly in time, at which everything is stored half a second after
publishing ends. (The term, and why latencies belong to a share of it: Karimov et al., "Benchmarking Distributed Stream
Data Processing Systems", ICDE 2018.) Then latencies are measured at 10, 50 and 80 % of that, and at 50 % while Redis
rewrites its append-only file, which it does at no other time. Some events are probes: each is the first event of a new
customer, who comes into a stage. One clock runs from just before a probe is handed to the producer until a client that
polls without pause sees the customer's document in Redis; the other until a consumer has read the change of stage.
A third clock runs until the publisher has heard that the broker has the probe.
Publisher, worker, broker, Redis and the observers share this machine; the report says how busy each of them keeps it,
and how busy other programs do: where these take more than a tenth of a core, their share is in the latencies.
Written to ``build/latency.json``.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import redis
from confluent_kafka import OFFSET_END, Consumer, TopicPartition

from benchmarks.engines import cpu_s, machine_cpu_s
from benchmarks.live import Load, publish
from benchmarks.workload import Workload, produce, rewrite, seed_model, stack, synthetic
from stream.events.partitioner import partition_of
from stream.local.workers import WorkerProcesses
from stream.settings import Settings
from stream.storage.keys import Keys
from stream.storage.overview import Overview

#: Name, share of the sustainable throughput, seconds (None: as given), whether Redis rewrites its file meanwhile.
LEVELS = (
    ("10%", 0.1, None, False),
    ("50%", 0.5, None, False),
    ("80%", 0.8, None, False),
    ("50%, rewriting", 0.5, 5.0, True),
)
_PROBES_PER_S = 50
_LOOK_EVERY_S = 0.003
_STARTS_WITHIN_S = 240.0
_ARRIVES_WITHIN_S = 60.0
#: A rate is sustainable if all its events are stored so soon after the last one is published.
_STORED_WITHIN_S = 0.5
_TRIAL_S = 8.0
#: Bounds of the search in events/s, and its number of bisections (of the logarithm).
_MIN_RATE, _MAX_RATE, _HALVINGS = 10_000.0, 160_000.0, 5


@dataclass(slots=True)
class Probes:
    """When each probe was sent, stored and told of, by customer; in seconds of the monotonic clock."""

    sent: dict[str, float] = field(default_factory=dict)
    confirmed: dict[str, float] = field(default_factory=dict)
    stored: dict[str, float] = field(default_factory=dict)
    told: dict[str, float] = field(default_factory=dict)

    def quantiles_ms(self, arrived: Mapping[str, float]) -> dict[str, float]:
        """p50, p95 and p99 of the time from sent to arrived."""
        waits = [(arrived[customer] - sent) * 1000 for customer, sent in self.sent.items()]
        return {f"p{q}_ms": round(float(np.percentile(waits, q)), 1) for q in (50, 95, 99)}


@contextmanager
def looking(settings: Settings, probes: Probes) -> Iterator[None]:
    """Two threads that record when probes arrive."""
    over = threading.Event()
    threads = [
        threading.Thread(target=look, args=(settings, probes, over), daemon=True)
        for look in (_look_at_redis, _look_at_stages)
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
            if waiting:
                pipeline = client.pipeline(transaction=False)
                for customer in waiting:
                    pipeline.exists(keys.customer(partition_of(customer, settings.partitions), customer))
                found = pipeline.execute()
                now = time.monotonic()
                probes.stored.update({customer: now for customer, there in zip(waiting, found, strict=True) if there})
            time.sleep(_LOOK_EVERY_S)


def _look_at_stages(settings: Settings, probes: Probes, over: threading.Event) -> None:
    consumer = Consumer({**settings.librdkafka(), "group.id": "latency", "fetch.wait.max.ms": 10})
    consumer.assign([TopicPartition(settings.stages, p, OFFSET_END) for p in range(settings.partitions)])
    while not over.is_set():
        for message in consumer.consume(500, 0.005):
            key = message.key()
            if key is not None:
                probes.told.setdefault(key.decode(), time.monotonic())
    consumer.close()


class Bench:
    """A worker on a stack of its own, ready to be fed."""

    def __init__(self, settings: Settings, workers: WorkerProcesses, pids: Mapping[str, int], customers: int) -> None:
        self._settings = settings
        self._workers = workers
        self._pids = {"worker": workers.pids[0], **pids}
        self._customers = customers
        self._overview = Overview(settings)
        self._loads = 0

    def wait_until_owned(self) -> None:
        """Wait until the worker owns every partition."""
        until = time.monotonic() + _STARTS_WITHIN_S
        while not self._workers.own_everything(self._overview.totals(), self._overview.trainer()):
            self._workers.check()
            if time.monotonic() > until:
                raise RuntimeError(f"the worker owns nothing: {self._workers.log_tails()}")
            time.sleep(0.1)

    def fill(self, events: int) -> None:
        """Publish a number of events of every customer at full speed, and wait until they are stored."""
        history = Workload(events=events * self._customers, customers=self._customers, prefix="fill")
        produce(self._settings, synthetic(history, time.time_ns() // 1_000_000))
        self._wait_until_stored(history.events, _STARTS_WITHIN_S)

    def sustainable(self) -> tuple[float, list[dict[str, Any]]]:
        """The highest rate that the worker keeps up with, and the rates tried."""
        low, high, trials = _MIN_RATE, _MAX_RATE, []
        for _ in range(_HALVINGS):
            found = self.level((low * high) ** 0.5, _TRIAL_S)
            kept_up = max(found["left_s"], found["publisher_behind_s"]) <= _STORED_WITHIN_S
            trials.append({**found, "kept_up": kept_up})
            print(f"  {trials[-1]}", flush=True)
            low, high = (found["events_per_s"], high) if kept_up else (low, found["events_per_s"])
        return low, trials

    def level(self, rate: float, seconds: float, *, rewriting: bool = False) -> dict[str, Any]:
        """Latencies at one rate; ``left_s``: how long after the last event was published the last one was stored."""
        rewrite(self._settings, wait=True)
        self._loads += 1
        load = Load(
            rate=rate,
            seconds=seconds,
            customers=self._customers,
            tag=f"l{self._loads}",
            probes_per_s=_PROBES_PER_S,
        )
        probes = Probes()
        before = self._overview.totals().counters.events_in
        with looking(self._settings, probes):
            time.sleep(0.5)
            used, began = self._used_s(), time.monotonic()

            def note(customer: str, at: float) -> None:
                probes.sent[customer] = at
                if rewriting and len(probes.sent) == _PROBES_PER_S:
                    rewrite(self._settings, wait=False)

            published = publish(self._settings, load, note, probes.confirmed.__setitem__)
            took_s = time.monotonic() - began
            # the machine counts in ticks: nobody may have used less than nothing of it
            busy = {name: max(round((s - used[name]) / took_s, 2), 0.0) for name, s in self._used_s().items()}
            self._wait_until_stored(before + published.events, _ARRIVES_WITHIN_S)
            left_s = max(time.monotonic() - published.ended, 0.0)
            until = time.monotonic() + _ARRIVES_WITHIN_S
            while not probes.sent.keys() <= probes.told.keys() & probes.stored.keys():
                if time.monotonic() > until:
                    raise RuntimeError(
                        f"of {len(probes.sent)} probes {len(probes.stored)} were stored, {len(probes.told)} told of"
                    )
                time.sleep(0.02)
        return {
            "events_per_s": round(rate),
            "broker": probes.quantiles_ms(probes.confirmed),
            "features": probes.quantiles_ms(probes.stored),
            "stage": probes.quantiles_ms(probes.told),
            "probes": len(probes.sent),
            "left_s": round(left_s, 2),
            "publisher_behind_s": round(published.behind_s, 2),
            "cores": busy,
        }

    def _wait_until_stored(self, events: int, within_s: float) -> None:
        until = time.monotonic() + within_s
        while (stored := self._overview.totals().counters.events_in) < events:
            self._workers.check()
            if time.monotonic() > until:
                raise RuntimeError(f"of {events:,} events {stored:,} are stored")
            time.sleep(0.02)

    def _used_s(self) -> dict[str, float]:
        used = {name: cpu_s(pid) for name, pid in self._pids.items()}
        # the publisher was waited for, so it is one of the children
        own = [resource.getrusage(of) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        used["measuring"] = sum(one.ru_utime + one.ru_stime for one in own)
        used["others"] = machine_cpu_s() - sum(used.values())
        return used


def main() -> None:
    """Search the sustainable rate, measure every level, print, write ``build/latency.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, help="take this as the sustainable rate instead of searching for it")
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--history", type=int, default=10, help="events of each customer before (10)")
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--broker", choices=("embedded", "kafka"), default="kafka", help="kafka needs a JDK and Maven")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each level")
    parser.add_argument("--out", type=Path, default=Path("build"))
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        stack(Path(name), options.partitions, broker=options.broker, freeze_model=True, min_purchases=0) as running,
    ):
        settings = Settings.from_env(running.settings.to_env(), {"clock": "auto", "log_level": "INFO"})
        seed_model(settings)
        with WorkerProcesses(settings, 1, Path(name)) as workers:
            bench = Bench(settings, workers, running.pids, options.customers)
            bench.wait_until_owned()
            bench.fill(options.history)
            rate, trials = (options.rate, []) if options.rate else bench.sustainable()
            levels = {}
            for level, share, seconds, rewriting in LEVELS:
                found = bench.level(rate * share, seconds or options.seconds, rewriting=rewriting)
                levels[level] = found
                print(f"{level} of {rate:,.0f}/s  {found}", flush=True)
    report = {
        "sustainable_events_per_s": round(rate),
        "broker": options.broker,
        "trials": trials,
        "levels": levels,
        "seconds": options.seconds,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "latency.json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
