"""What a second worker adds: ``python -m benchmarks.workers`` (Linux, as root: it makes CPU control groups).

Broker, Redis and two workers at full speed need more cores than many machines have, and the benchmark would measure the
lack of cores. So every worker gets the same small share of one core (``--share``), in a control group of its own, and
broker and Redis have the rest of the machine to spare. With the same events, one worker and two are measured in turn:
each time the workers own all partitions before the events are published and before they are slowed down. Written to
``build/workers.json``: events/s of either, and their ratio.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.workload import Workload, produce, seed_model, stack, synthetic
from stream.local.workers import WorkerProcesses
from stream.settings import Settings
from stream.storage.overview import Overview

_V1, _V2 = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")
_PERIOD_US = 20_000
_PATIENCE_S = 240.0


@contextmanager
def slowed(pids: Sequence[int], share: float) -> Iterator[None]:
    """Give each of the processes ``share`` of one core at most."""
    quota_us = int(share * _PERIOD_US)
    groups = []
    try:
        for pid in pids:
            group = (_V1 if _V1.is_dir() else _V2) / f"bench-{pid}"
            group.mkdir()
            groups.append(group)
            if _V1.is_dir():
                (group / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
                (group / "cpu.cfs_quota_us").write_text(str(quota_us))
            else:
                (group / "cpu.max").write_text(f"{quota_us} {_PERIOD_US}")
            (group / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        for group, pid in zip(groups, pids, strict=False):
            (group.parent / "cgroup.procs").write_text(str(pid))
            group.rmdir()


def until(
    overview: Overview, workers: WorkerProcesses, *, owners: int = 0, partitions: int = 0, events: int = 0
) -> int:
    """Wait for so many owners of so many partitions and so many events stored; return the events stored."""
    until = time.perf_counter() + _PATIENCE_S
    while True:
        totals = overview.totals()
        if len(totals.owners) >= owners and totals.claimed >= partitions and totals.counters.events_in >= events:
            return totals.counters.events_in
        workers.check()
        if time.perf_counter() > until:
            raise RuntimeError(f"not within {_PATIENCE_S:.0f} s: {totals}")
        time.sleep(0.01)


def measure(count: int, workload: Workload, partitions: int, share: float) -> float:
    """Events/s of ``count`` workers."""
    now_ms = time.time_ns() // 1_000_000
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        stack(Path(name), partitions, freeze_model=True) as running,
        Overview(running.settings) as overview,
    ):
        settings = Settings.from_env(running.settings.to_env())
        seed_model(settings)
        with WorkerProcesses(settings, count, Path(name)) as workers:
            until(overview, workers, owners=count, partitions=partitions)
            with slowed(workers.pids, share):
                produce(settings, synthetic(workload, now_ms))
                # the first events went through while the others were still being published
                first = until(overview, workers, events=workload.events // 10)
                began = time.perf_counter()
                until(overview, workers, events=workload.events)
                return (workload.events - first) / (time.perf_counter() - began)


def main() -> None:
    """Measure in turn, print, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--share", type=float, default=0.3, help="of a core, for each worker (0.3)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("build"))
    options = parser.parse_args()
    workload = Workload(events=options.events, customers=options.customers)
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(options.rounds):
        for count, found in rates.items():
            found.append(measure(count, workload, options.partitions, options.share))
            print(f"{count} at {options.share:.0%} of a core: {found[-1]:,.0f} events/s", flush=True)
    one, two = (statistics.median(rates[count]) for count in (1, 2))
    report = {"share": options.share, "one_events_per_s": one, "two_events_per_s": two, "ratio": two / one}
    print(f"two are {report['ratio']:.2f} times one")
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "workers.json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
