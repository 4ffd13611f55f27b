"""Memory of one worker process that catches up at full speed: ``python -m benchmarks.memory``.

A broker and a Redis are started anew and loaded with events; then a worker reads them from the beginning. What it keeps
resident is noted before it owns a partition, at its peak, and when it has been idle for a while after the last event.
``--set`` gives the worker other settings, ``--environment`` other variables. Results go to ``build/memory.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.engines import cpu_s, peak_rss_mb
from benchmarks.option_types import changed_setting, variable
from benchmarks.workload import Workload, produce, seed_model, stack, synthetic
from stream.settings import ENV_PREFIX, Settings
from stream.storage.overview import Overview

_LOOK_EVERY_S = 0.02
_PATIENCE_S = 240.0
_KB = 1024

#: Before the worker owns a partition; when most was resident; at the end.
MOMENTS = ("started", "peak", "idle")


def resident_mb(pid: int) -> dict[str, float]:
    """Resident memory of a process (MiB): all, anonymous, and pages of files, which are shared."""
    kb = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, value = line.partition(":")
        kb[name] = int(value.split()[0])
    return {
        "all": kb["Rss"] / _KB,
        "anonymous": kb["Anonymous"] / _KB,
        "files": (kb["Rss"] - kb["Anonymous"]) / _KB,
    }


def measure(
    workload: Workload, options: argparse.Namespace, changed: Mapping[str, object], environment: Mapping[str, str]
) -> dict[str, Any]:
    """One worker over all events: memory (MiB) at each of `MOMENTS`, and its CPU time (us an event)."""
    now_ms = time.time_ns() // 1_000_000
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        stack(Path(name), options.partitions, freeze_model=True, broker=options.broker) as running,
        Overview(running.settings) as overview,
    ):
        settings = Settings.from_env(running.settings.to_env(), changed)
        produce(settings, synthetic(workload, now_ms))
        seed_model(settings)
        with _worker(settings, environment, Path(name)) as process:
            try:
                return _watch(process, overview, workload.events, options.idle)
            finally:
                process.kill()


def _worker(settings: Settings, environment: Mapping[str, str], directory: Path) -> subprocess.Popen[bytes]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
    with (directory / "worker.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "stream", "worker"],
            env={**inherited, **settings.to_env(), **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _watch(process: subprocess.Popen[bytes], overview: Overview, events: int, idle_s: float) -> dict[str, Any]:
    started: dict[str, float] = {}
    at_peak: dict[str, float] = {"all": 0.0}
    until = time.perf_counter() + _PATIENCE_S
    spent_s = 0.0
    while (totals := overview.totals()).counters.events_in < events:
        if process.poll() is not None or time.perf_counter() > until:
            stands = f"{totals.counters.events_in:,} of {events:,} events, status {process.returncode}"
            raise RuntimeError(f"the worker stands at {stands}")
        now = resident_mb(process.pid)
        if totals.claimed == 0:
            started, spent_s = now, cpu_s(process.pid)
        at_peak = max(at_peak, now, key=lambda one: one["all"])
        time.sleep(_LOOK_EVERY_S)
    cpu_us = (cpu_s(process.pid) - spent_s) / events * 1e6
    time.sleep(idle_s)
    # between two looks it may have been more
    at_peak["all"] = max(at_peak["all"], peak_rss_mb(process.pid))
    return {"started": started, "peak": at_peak, "idle": resident_mb(process.pid), "cpu_us_per_event": round(cpu_us, 2)}


def main() -> None:
    """Measure, print each round, write the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=800_000)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--idle", type=float, default=10.0, help="seconds after the last event (10)")
    parser.add_argument("--broker", choices=("embedded", "kafka"), default="embedded")
    several: dict[str, Any] = {"action": "append", "default": [], "metavar": "NAME=TEXT"}
    parser.add_argument("--set", type=changed_setting, **several, help="another setting of the worker")
    parser.add_argument("--environment", type=variable, **several, help="another variable")
    parser.add_argument("--out", type=Path, default=Path("build/memory.json"))
    options = parser.parse_args()
    changed, environment = dict(options.set), dict(options.environment)
    workload = Workload(events=options.events, customers=options.customers)
    rounds = []
    for number in range(options.rounds):
        rounds.append(measure(workload, options, changed, environment))
        print(number + 1, json.dumps(rounds[-1]), flush=True)
    moments = {
        moment: {part: round(statistics.median(one[moment][part] for one in rounds), 1) for part in rounds[0][moment]}
        for moment in MOMENTS
    }
    report = {
        "events": options.events,
        "customers": options.customers,
        "partitions": options.partitions,
        "broker": options.broker,
        "rounds": options.rounds,
        "moments": moments,
        "cpu_us_per_event": statistics.median(one["cpu_us_per_event"] for one in rounds),
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
