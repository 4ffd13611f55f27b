"""What more customers cost: ``python -m benchmarks.scale``.

For 10 thousand, 100 thousand and 1 million customers: first every customer gets an order, by the same path. Then the
worker is replaced, and the same number of events of the same 10 thousand customers is measured: this shows the cost of
the number of customers alone. Then follow as many events of all customers, evenly: ten thousand customers have many
events each in a step and are written once; of a million hardly one has two. Written to ``build/scale.json``: events/s
of one worker in both cases, Redis bytes of a customer, memory of the worker, seconds from the start of a worker until
it owns every partition, timers fired a second when all customers are due at a time; and years of real events, replayed.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import redis

from benchmarks.engines import peak_rss_mb
from benchmarks.option_types import number_list
from benchmarks.workload import Workload, produce, rewrite, seed_model, stack, synthetic
from stream.cli.produce import EventProducer
from stream.events.log import LogEvent, read_log
from stream.features.registry import DAY_MS
from stream.local.workers import WorkerProcesses
from stream.online_models.snapshot import decode_snapshot
from stream.processing.learned import has_learned
from stream.settings import Settings
from stream.storage.keys import Keys
from stream.storage.overview import Overview

_PATIENCE_S = 240.0
_SAMPLED = 2000
_ACTIVE = 10_000
_LIVE_DAYS = 14


def _until(done: Callable[[], bool], workers: WorkerProcesses, what: str) -> float:
    """Wait; return how many seconds it took. Fails when it takes too long or a worker has ended."""
    began = time.perf_counter()
    while not done():
        workers.check()
        if time.perf_counter() - began > _PATIENCE_S:
            raise RuntimeError(f"{what}: not within {_PATIENCE_S:.0f} s; {workers.log_tails()}")
        time.sleep(0.02)
    return time.perf_counter() - began


def memory(settings: Settings) -> dict[str, float]:
    """Bytes of Redis, keys and overhead included, for a document, a whole customer, and the id of a learned example.

    A whole customer is Redis' memory without those ids over the number of customers; the ids expire after some weeks.
    """
    keys = Keys(settings.namespace)
    with redis.Redis.from_url(settings.redis_url) as client:
        documents = list(islice(client.scan_iter(match=keys.customer_pattern(), count=1000), _SAMPLED))
        learned = list(client.scan_iter(match=keys.learned_pattern(), count=1000))
        pipeline = client.pipeline(transaction=False)
        for key in documents:
            pipeline.memory_usage(key)
        sizes = pipeline.execute()
        for key in learned:
            pipeline.memory_usage(key, samples=0)
            pipeline.scard(key)
        of_ids = pipeline.execute()
        customers = sum(client.zcard(keys.timers(p)) for p in range(settings.partitions))
        total = client.info("memory")["used_memory"] - sum(of_ids[::2])
    return {
        "document_bytes_median": statistics.median(sizes),
        "redis_bytes_per_customer": round(total / customers),
        "bytes_per_learned_id": round(sum(of_ids[::2]) / max(sum(of_ids[1::2]), 1), 1),
    }


@dataclass(frozen=True, slots=True)
class Spent:
    """Redis' CPU seconds and received bytes so far."""

    cpu_s: float
    raw: int

    @classmethod
    def by_now(cls, settings: Settings) -> Spent:
        """Ask Redis."""
        with redis.Redis.from_url(settings.redis_url) as client:
            info = client.info()
        return cls(info["used_cpu_sys"] + info["used_cpu_user"], info["total_net_input_bytes"])


def _documents_per_event(workers: WorkerProcesses) -> float:
    """Documents written per event, from the workers' metrics over all their steps so far."""
    sums = {b"customers": 0.0, b"events": 0.0}
    for address in workers.metrics_addresses:
        with urllib.request.urlopen(address, timeout=5.0) as response:  # noqa: S310 - a worker of ours
            found = re.findall(rb"^stream_batch_(customers|events)_sum (\S+)", response.read(), re.MULTILINE)
        for of, total in found:
            sums[of] += float(total)
    return sums[b"customers"] / sums[b"events"]


def measure(customers: int, events: int, partitions: int, cache: int) -> dict[str, float]:
    """All figures for one number of customers."""
    now_ms = time.time_ns() // 1_000_000
    known = Workload(events=customers, customers=customers, law="each", prefix="k")
    # so short that hardly a timer is due: timers are measured on their own below
    active = Workload(events=events, customers=min(customers, _ACTIVE), days=0.01, prefix="a")
    fresh = Workload(events=events, customers=customers, days=0.01, prefix="f")
    last = Workload(events=100 * partitions, customers=customers, days=0.001, prefix="l")
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        stack(Path(name), partitions, freeze_model=True, cache_mb=cache) as running,
        Overview(running.settings) as overview,
    ):
        settings = Settings.from_env(running.settings.to_env(), {"log_level": "INFO"})
        seed_model(settings)
        produce(settings, synthetic(known, now_ms - 10 * DAY_MS))
        with WorkerProcesses(settings, 1, Path(name)) as workers:
            _until_stored(overview, known.events, workers)
        before = overview.totals().owners
        rewrite(settings, wait=True)
        produce(settings, synthetic(active, now_ms - 10 * DAY_MS + DAY_MS // 100))
        with WorkerProcesses(settings, 1, Path(name)) as workers:
            took_over_s = _until(lambda: _is_taken_over(overview, before, partitions), workers, "taking over")
            active_events_per_s = _caught_up(overview, known.events, active.events, workers)
        produce(settings, synthetic(fresh, now_ms - 10 * DAY_MS + 2 * DAY_MS // 100))
        with WorkerProcesses(settings, 1, Path(name)) as workers:
            stored = known.events + active.events
            _until_stored(overview, stored + 1, workers)
            first, before_steady = overview.totals().counters.events_in, Spent.by_now(settings)
            steady_s = _until_stored(overview, stored + events, workers)
            spent = Spent.by_now(settings)
            documents_per_event = _documents_per_event(workers)
            rss_mb = peak_rss_mb(workers.pids[0])
            fired_before = _fired(overview)
            # ten days later: every customer's next landmark has passed
            produce(settings, synthetic(last, now_ms))
            due_s = _until_stored(overview, stored + events + last.events, workers)
            due_s += _until(lambda: overview.totals().due == 0, workers, "the timers")
            fired = _fired(overview) - fired_before
            _until(lambda: overview.totals().outbox == 0, workers, "publishing")
            used = memory(settings)
    counted = stored + events - first
    return {
        "customers": customers,
        "active_events_per_s": round(active_events_per_s, 1),
        "events_per_s": round(counted / steady_s, 1),
        "documents_per_s": round(counted / steady_s * documents_per_event, 1),
        "redis_cpu_us_per_event": round((spent.cpu_s - before_steady.cpu_s) / counted * 1e6, 2),
        "redis_bytes_in_per_event": round((spent.raw - before_steady.raw) / counted),
        "took_over_s": round(took_over_s, 1),
        "peak_rss_mb": round(rss_mb, 1),
        "timers_per_s": round(fired / due_s, 1),
        "timers_fired": fired,
        **used,
    }


def _until_stored(overview: Overview, events: int, workers: WorkerProcesses) -> float:
    return _until(lambda: overview.totals().counters.events_in >= events, workers, f"storing {events:,} events")


def _caught_up(overview: Overview, stored: int, events: int, workers: WorkerProcesses) -> float:
    """Events a second, from the first of ``events`` after those stored to the last."""
    _until_stored(overview, stored + 1, workers)
    first = overview.totals().counters.events_in
    return (stored + events - first) / _until_stored(overview, stored + events, workers)


def _is_taken_over(overview: Overview, before: frozenset[str], partitions: int) -> bool:
    totals = overview.totals()
    return totals.claimed == partitions and not totals.owners & before


def _fired(overview: Overview) -> int:
    counters = overview.totals().counters
    return counters.landmarks + counters.labels


def replay_year(log: Path, partitions: int) -> dict[str, float | str]:
    """A year of real events at full speed, learning included: events a second, and the size of a customer afterwards.

    The last two weeks wait until the trainer has learned everything before them, so that documents are scored as they
    are with live events.
    """
    events = list(read_log(log))
    held_back = max(event.at_ms for event in events) - _LIVE_DAYS * DAY_MS
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        stack(Path(name), partitions) as running,
        Overview(running.settings) as overview,
    ):
        settings = Settings.from_env(running.settings.to_env(), {"log_level": "INFO"})
        history = _publish(settings, (event for event in events if event.at_ms < held_back))
        with WorkerProcesses(settings, 1, Path(name)) as workers:
            _until_stored(overview, 1, workers)
            first = overview.totals().counters.events_in
            taken_s = _until_stored(overview, history, workers)
            fired_s = taken_s + _until(lambda: overview.totals().due == 0, workers, "the timers")
            fired = _fired(overview)
            _until(lambda: _has_learned(overview), workers, "learning")
            live = _publish(settings, (event for event in events if event.at_ms >= held_back))
            _until_stored(overview, history + live, workers)
            _until(lambda: overview.totals().due == 0, workers, "the timers")
            return {
                "log": log.name,
                "events": history,
                "events_per_s": round((history - first) / taken_s, 1),
                "landmarks_and_labels": fired,
                "seconds": round(fired_s, 1),
                **memory(settings),
            }


def _publish(settings: Settings, events: Iterable[LogEvent]) -> int:
    producer = EventProducer(settings)
    producer.publish(events, rate=None)
    producer.close()
    producer.check()
    return producer.confirmed


def _has_learned(overview: Overview) -> bool:
    counters, offset, encoded = overview.totals().counters, overview.trainer().offset, overview.snapshot()
    return has_learned(counters, offset, None if encoded is None else decode_snapshot(encoded))


def main() -> None:
    """Measure every size, print, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--customers", type=number_list, default=[10_000, 100_000, 1_000_000], help="sizes, comma-separated"
    )
    parser.add_argument("--events", type=int, default=300_000, help="measured on top of the history (300,000)")
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--cache", type=int, default=400, help="the worker's cache_mb (400)")
    parser.add_argument("--logs", type=Path, nargs="*", default=sorted(Path("examples").glob("*_events.csv.gz")))
    parser.add_argument("--out", type=Path, default=Path("build"))
    options = parser.parse_args()
    sizes: list[dict[str, float]] = []
    for customers in options.customers:
        sizes.append(measure(customers, options.events, options.partitions, options.cache))
        print(sizes[-1], flush=True)
    years = [replay_year(log, options.partitions) for log in options.logs]
    print(*years, sep="\n")
    report = {"sizes": sizes, "cache_mb": options.cache, "years": years}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "scale.json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
