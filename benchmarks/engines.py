"""Engines as processes: start one, watch its progress in Redis, take CPU time and memory from the kernel.

Every engine adds what it has stored to a counter in Redis, in the same write as what it stores. The clock runs from the
first such write, or from the one that reaches a share of the events, to the one that reaches the last event. So
start-up, joining a group and compiling do not count.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import redis

from benchmarks.jvm_peer import JVM_PEERS, jvm_command
from benchmarks.workload import Running
from stream.settings import ENV_PREFIX
from stream.storage.overview import Overview

__all__ = [
    "PEERS",
    "PROGRESS",
    "Measurement",
    "cpu_s",
    "finish",
    "machine_cpu_s",
    "measure",
    "median_of",
    "peak_rss_mb",
]

PEERS = {
    "faust": "faust_app.py",
    "quix": "quix.py",
    "bytewax": "bytewax_flow.py",
    "bare": "bare.py",
    "floor": "floor.py",
}
PROGRESS = "bench:progress"

_SCRIPTS = Path(__file__).parent / "peers"

_LOOK_EVERY_S = 0.01
_STARTS_WITHIN_S = 240.0
_MOVES_WITHIN_S = 60.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Measurement:
    """CPU time of the engine and of Redis, the rate and its fall from the first quarter of the run to the last.

    ``events``: the number of events over which rate and CPU time were measured. ``last_over_first``: the rate over the
    last quarter of the events by that over the first, None when the writes are too few to tell.
    """

    events_per_s: float
    cpu_us_per_event: float
    redis_us_per_event: float
    peak_rss_mb: float
    events: int
    last_over_first: float | None


def median_of(rounds: list[Measurement]) -> dict[str, float]:
    """The median of each figure on its own, and the lowest and highest rate."""
    rows = [asdict(one) for one in rounds]
    medians = {
        name: round(statistics.median(known), 2)
        for name in rows[0]
        if (known := [row[name] for row in rows if row[name] is not None])
    }
    rates = [one.events_per_s for one in rounds]
    return medians | {"rounds": len(rounds), "min_events_per_s": min(rates), "max_events_per_s": max(rates)}


def measure(
    engine: str, running: Running, events: int, python: Path | None, directory: Path, skip: float = 0.0
) -> Measurement:
    """Run ``engine`` over the first ``events`` of the log.

    ``python``: interpreter of the peers' environment. ``skip``: the share of the events before the clock starts, for
    engines that are compiled while they run.
    """
    with _running(engine, running, python, directory) as run:
        return run.watch(events, skip)


def finish(
    engine: str, running: Running, events: int, python: Path | None, directory: Path, before_kill: Callable[[], None]
) -> None:
    """Run ``engine`` until it has stored the first ``events``; nothing is measured, so they may come in one write.

    ``before_kill`` is called then: what an engine still has to commit is lost with it.
    """
    with _running(engine, running, python, directory) as run:
        run.reach(events)
        before_kill()


@contextmanager
def _running(engine: str, running: Running, python: Path | None, directory: Path) -> Iterator[_Run]:
    settings, log_path = running.settings, directory / f"{engine}.log"
    if engine == "stream":
        command = [sys.executable, "-m", "stream", "worker"]
        environment = {**_inherited(), **settings.to_env()}
        with Overview(settings) as overview, _process(command, environment, log_path) as process:
            yield _Run(process, running.pids["redis"], log_path, lambda: overview.totals().counters.events_in)
        return
    environment = {
        **_inherited(),
        "BENCH_BROKER": settings.kafka_bootstrap,
        "BENCH_REDIS": settings.redis_url,
        "BENCH_TOPICS": ",".join(settings.event_topics),
        "BENCH_GROUP": f"bench-{engine}-{time.time_ns()}",
        "BENCH_STATE": str(directory / f"{engine}-state"),
        **JVM_PEERS.get(engine, {}),
    }
    command = jvm_command() if engine in JVM_PEERS else [str(python), str(_SCRIPTS / PEERS[engine])]
    with redis.Redis.from_url(settings.redis_url) as client:
        client.delete(PROGRESS)
        with _process(command, environment, log_path) as process:
            yield _Run(process, running.pids["redis"], log_path, lambda: int(client.get(PROGRESS) or 0))


@contextmanager
def _process(command: list[str], environment: dict[str, str], log_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An engine; it is killed at the end, because an orderly end is not part of the measurement."""
    with log_path.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - programs of this repository
            command, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith((ENV_PREFIX, "PYTHONPATH"))}


@dataclass(frozen=True, slots=True)
class _Point:
    """How far an engine was, when (s), and the CPU time until then (s)."""

    events: int
    at_s: float
    engine_s: float
    redis_s: float


@dataclass(frozen=True, slots=True)
class _Run:
    """An engine that runs, and what tells how many events it has stored."""

    process: subprocess.Popen[bytes]
    redis_pid: int
    log_path: Path
    progress: Callable[[], int]

    def reach(self, events: int) -> None:
        """Wait until ``events`` are stored."""
        self._until(1, _STARTS_WITHIN_S)
        self._until(events, _MOVES_WITHIN_S)

    def watch(self, events: int, skip: float) -> Measurement:
        """Wait until ``events`` are stored, and note when and at what cost it has come how far."""
        points = [self._point(self._until(1, _STARTS_WITHIN_S))]
        shares = sorted({skip, 0.25, 0.75, 1.0} - {0.0})
        points += [self._point(self._until(int(events * share), _MOVES_WITHIN_S)) for share in shares]
        return _measured(points, events, skip, peak_rss_mb(self.process.pid), f"{self.process.args!r}")

    def _until(self, least: int, patience_s: float) -> int:
        """Wait until progress reaches ``least``; fail when it does not change for ``patience_s``."""
        seen, moved_at = 0, time.perf_counter()
        while (now := self.progress()) < least:
            if now != seen:
                seen, moved_at = now, time.perf_counter()
            status = self.process.poll()
            if status is not None or time.perf_counter() - moved_at > patience_s:
                tail = self.log_path.read_text(errors="replace")[-3000:]
                command = self.process.args
                raise RuntimeError(f"{command!r} stands at {now:,} of {least:,} events, status {status}:\n{tail}")
            time.sleep(_LOOK_EVERY_S)
        return now

    def _point(self, events: int) -> _Point:
        return _Point(events, time.perf_counter(), cpu_s(self.process.pid), cpu_s(self.redis_pid))


def _measured(points: list[_Point], events: int, skip: float, peak_mb: float, command: str) -> Measurement:
    first = next(point for point in points if point.events >= events * skip)
    last = points[-1]
    counted = last.events - first.events
    if counted <= 0:
        raise RuntimeError(f"{command}: all {events:,} events were stored in one write; take more events")
    early = _rate(points[0], next(point for point in points if point.events >= events * 0.25))
    late = _rate(next(point for point in points if point.events >= events * 0.75), last)
    return Measurement(
        events_per_s=round(counted / (last.at_s - first.at_s), 1),
        cpu_us_per_event=round((last.engine_s - first.engine_s) / counted * 1e6, 2),
        redis_us_per_event=round((last.redis_s - first.redis_s) / counted * 1e6, 2),
        peak_rss_mb=round(peak_mb, 1),
        events=counted,
        last_over_first=round(late / early, 3) if early and late else None,
    )


def _rate(begin: _Point, end: _Point) -> float | None:
    """Events a second between two points, None where one write reached both."""
    return (end.events - begin.events) / (end.at_s - begin.at_s) if end.events > begin.events else None


def cpu_s(pid: int) -> float:
    """User and system time of a process with all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def machine_cpu_s() -> float:
    """Time that all processors have spent on anything, together."""
    user, nice, system, _, _, interrupts, soft = Path("/proc/stat").read_text().split()[1:8]
    return sum(map(int, (user, nice, system, interrupts, soft))) / _TICKS_PER_S


def peak_rss_mb(pid: int) -> float:
    """The peak resident memory of a process (MiB)."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
