"""Engines as processes: start one, watch its progress in Redis, take CPU time and memory from the kernel.

Every engine adds what it has stored to a counter in Redis, in the same write as what it stores. The clock runs from the
first such write to the one that reaches the last event, so start-up, joining a group and compiling do not count.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import redis

from stream.settings import ENV_PREFIX, Settings
from stream.storage.overview import Overview

__all__ = ["PEERS", "PROGRESS", "Measurement", "cpu_s", "measure", "median_of", "peak_rss_mb"]

PEERS = {
    "faust": "faust_app.py",
    "quix": "quix.py",
    "bytewax": "bytewax_flow.py",
    "bare": "bare.py",
    "floor": "floor.py",
}
PROGRESS = "bench:progress"

_LOOK_EVERY_S = 0.01
_STARTS_WITHIN_S = 240.0
_MOVES_WITHIN_S = 60.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Measurement:
    """``events``: the number of events over which the rate was measured."""

    events_per_s: float
    cpu_us_per_event: float
    peak_rss_mb: float
    events: int


def median_of(rounds: list[Measurement]) -> dict[str, float]:
    """The median of each figure on its own, and the lowest and highest rate."""
    rows = [asdict(one) for one in rounds]
    medians = {name: round(statistics.median(row[name] for row in rows), 2) for name in rows[0]}
    rates = [one.events_per_s for one in rounds]
    return medians | {"rounds": len(rounds), "min_events_per_s": min(rates), "max_events_per_s": max(rates)}


def measure(engine: str, settings: Settings, events: int, python: Path | None, directory: Path) -> Measurement:
    """Run ``engine`` over the first ``events`` of the log. ``python``: interpreter of the peers' environment."""
    log_path = directory / f"{engine}.log"
    if engine == "stream":
        command = [sys.executable, "-m", "stream", "worker"]
        environment = {**_inherited(), **settings.to_env()}
        with Overview(settings) as overview:
            return _watch(command, environment, lambda: overview.totals().counters.events_in, events, log_path)
    script = Path(__file__).parent / "peers" / PEERS[engine]
    environment = {
        **_inherited(),
        "BENCH_BROKER": settings.kafka_bootstrap,
        "BENCH_REDIS": settings.redis_url,
        "BENCH_TOPICS": ",".join(settings.event_topics),
        "BENCH_GROUP": f"bench-{engine}-{time.time_ns()}",
        "BENCH_STATE": str(directory / f"{engine}-state"),
    }
    with redis.Redis.from_url(settings.redis_url) as client:
        client.delete(PROGRESS)
        return _watch([str(python), str(script)], environment, lambda: int(client.get(PROGRESS) or 0), events, log_path)


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith((ENV_PREFIX, "PYTHONPATH"))}


def _watch(
    command: list[str], environment: dict[str, str], progress: Callable[[], int], events: int, log_path: Path
) -> Measurement:
    with log_path.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - scripts of this repository
            command, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        first = _until(process, progress, 1, _STARTS_WITHIN_S, log_path)
        began, cpu_began = time.perf_counter(), cpu_s(process.pid)
        last = _until(process, progress, events, _MOVES_WITHIN_S, log_path)
        elapsed_s, used_s = time.perf_counter() - began, cpu_s(process.pid) - cpu_began
        peak_mb = peak_rss_mb(process.pid)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    counted = last - first
    if counted <= 0:
        raise RuntimeError(f"{command}: all {events:,} events were stored in one write; take more events")
    return Measurement(round(counted / elapsed_s, 1), round(used_s / counted * 1e6, 2), round(peak_mb, 1), counted)


def _until(
    process: subprocess.Popen[bytes], progress: Callable[[], int], least: int, patience_s: float, log_path: Path
) -> int:
    """Wait until progress reaches ``least``; fail when it does not change for ``patience_s``."""
    seen, moved_at = 0, time.perf_counter()
    while (now := progress()) < least:
        if now != seen:
            seen, moved_at = now, time.perf_counter()
        if process.poll() is not None or time.perf_counter() - moved_at > patience_s:
            tail = log_path.read_text(errors="replace")[-3000:]
            raise RuntimeError(
                f"{process.args!r} stands at {now:,} of {least:,} events, status {process.poll()}:\n{tail}"
            )
        time.sleep(_LOOK_EVERY_S)
    return now


def cpu_s(pid: int) -> float:
    """User and system time of a process with all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def peak_rss_mb(pid: int) -> float:
    """The peak resident memory of a process (MiB)."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
