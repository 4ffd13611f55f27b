"""Two workers and a Redis Cluster of two nodes: ``python -m benchmarks.cluster`` (Linux, as root: see `workers`).

A million customers, sixteen partitions, an order of each first, so that every event then finds a document. The same
events go through one worker with one Redis and through two workers with a cluster of two nodes, in turn; each worker
has the same share of a core, so that broker and Redis are no bottleneck. Written to ``build/cluster.json``: events/s,
CPU time (us an event) of the workers and of each Redis, and the share of a core that each Redis took. What a Redis does
at full speed follows from them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.engines import cpu_s
from benchmarks.workers import slowed, until
from benchmarks.workload import Workload, produce, seed_model, synthetic
from stream.cli.topics import create_topics
from stream.features.registry import DAY_MS
from stream.local.broker import EmbeddedBroker
from stream.local.redis import EmbeddedRedis
from stream.local.workers import WorkerProcesses
from stream.settings import Settings
from stream.storage.overview import Overview
from tests.faults.redis_cluster import RedisCluster

COUNTS = (1, 2)
#: Event time of the orders, and of the events: in a day a seventh of all landmarks would be due, and in ten days all.
_DAYS = 0.01


@dataclass(frozen=True, slots=True)
class Servers:
    """A broker and as many Redis nodes as workers: how to use them, and the process ids of the nodes."""

    settings: Settings
    redis_pids: Sequence[int]


@contextmanager
def servers(directory: Path, nodes: int, partitions: int) -> Iterator[Servers]:
    """A broker, and one Redis or a cluster of ``nodes``; with topics."""
    with ExitStack() as running:
        broker = running.enter_context(EmbeddedBroker(directory / "broker"))
        settings = replace(
            Settings(),
            kafka_bootstrap=broker.bootstrap,
            partitions=partitions,
            clock="event",
            log_level="WARNING",
            freeze_model=True,
        )
        if nodes == 1:
            alone = running.enter_context(EmbeddedRedis(directory / "redis"))
            url, pids = alone.url, [alone.pid]
        else:
            cluster = RedisCluster(directory / "redis", nodes, appendfsync="everysec")
            cluster.start()
            running.callback(cluster.kill)
            url, pids = cluster.url, [node.pid for node in cluster.nodes]
        settings = replace(settings, redis_url=url, redis_cluster=nodes > 1)
        create_topics(settings)
        yield Servers(settings, pids)


def measure(count: int, options: argparse.Namespace) -> dict[str, Any]:
    """So many workers with as many Redis nodes."""
    now_ms = time.time_ns() // 1_000_000
    known = Workload(events=options.customers, customers=options.customers, days=_DAYS, law="each", prefix="k")
    fresh = Workload(events=options.events, customers=options.customers, days=_DAYS, prefix="f")
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        servers(Path(name), count, options.partitions) as found,
        Overview(found.settings) as overview,
    ):
        settings = Settings.from_env(found.settings.to_env())
        seed_model(settings)
        with WorkerProcesses(settings, count, Path(name)) as workers:
            until(overview, workers, owners=count, partitions=options.partitions)
            produce(settings, synthetic(known, now_ms - round(_DAYS * DAY_MS)))
            until(overview, workers, events=options.customers)
            with slowed(workers.pids, options.share):
                produce(settings, synthetic(fresh, now_ms))
                # the first events went through while the others were still being published
                first = until(overview, workers, events=options.customers + options.events // 4)
                began, spent = time.perf_counter(), [*map(cpu_s, (*workers.pids, *found.redis_pids))]
                last = until(overview, workers, events=options.customers + options.events)
                took_s = time.perf_counter() - began
                spent = [
                    now - then for now, then in zip(map(cpu_s, (*workers.pids, *found.redis_pids)), spent, strict=True)
                ]
    counted = last - first
    return {
        "events_per_s": counted / took_s,
        "worker_us": sum(spent[:count]) / counted * 1e6,
        "redis_us": sum(spent[count:]) / counted * 1e6,
        "redis_cores": [one / took_s for one in spent[count:]],
    }


def main() -> None:
    """Measure in turn, print, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--partitions", type=int, default=16)
    parser.add_argument("--share", type=float, default=0.3, help="of a core, for each worker (0.3)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("build"))
    options = parser.parse_args()
    rounds: dict[int, list[dict[str, Any]]] = {count: [] for count in COUNTS}
    for _ in range(options.rounds):
        for count, measured in rounds.items():
            measured.append(measure(count, options))
            print(count, json.dumps(measured[-1]), flush=True)
    medians = {
        count: {
            **{name: statistics.median(one[name] for one in of) for name in ("events_per_s", "worker_us", "redis_us")},
            "busiest_redis_core": statistics.median(max(one["redis_cores"]) for one in of),
            "idlest_redis_core": statistics.median(min(one["redis_cores"]) for one in of),
        }
        for count, of in rounds.items()
    }
    report = {
        "share": options.share,
        "customers": options.customers,
        "partitions": options.partitions,
        "events": options.events,
        "rounds": options.rounds,
        "one": medians[1],
        "two": medians[2],
        "ratio": medians[2]["events_per_s"] / medians[1]["events_per_s"],
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "cluster.json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
