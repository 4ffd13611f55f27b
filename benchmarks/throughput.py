"""Events a second of one worker process beside other engines: ``python -m benchmarks.throughput``.

Everything runs on this machine: a broker and a Redis (append-only file, fsync every second) are started anew for every
round and loaded with the same events; then the engines read them from the beginning, one after the other, each into an
empty Redis, whose file is empty as well, and is not rewritten meanwhile. The worker does its full job; the peers do the
simpler one of ``benchmarks/peers/job.py``. Those on the JVM need ``--broker kafka``, and are warm after the first
quarter, so that is where the clock starts there. Results go to ``build/throughput.json`` and ``.png``, with
``--broker kafka`` to ``throughput-kafka``, or to a file of ``--name``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

import redis

from benchmarks.engines import PEERS, Measurement, measure, median_of
from benchmarks.jvm_peer import JVM_PEERS
from benchmarks.option_types import changed_setting, names_among
from benchmarks.workload import LAWS, Workload, produce, rewrite, seed_model, stack, synthetic

ENGINES = ("stream", *PEERS)
#: Slow engines read the beginning of the log only: a round takes a minute instead of ten.
SHARES = {"stream": 1.0, "floor": 1.0, "bare": 0.25, "bytewax": 0.2, "quix": 0.1, "faust": 0.025}
PEERS_REQUIREMENTS = Path(__file__).parent / "peers" / "requirements.txt"


def peers_python(directory: Path) -> Path:
    """The interpreter of the peers' environment, which is created if it is missing."""
    python = directory / "bin" / "python"
    installed = directory / "installed.txt"
    wanted = PEERS_REQUIREMENTS.read_text()
    if not installed.exists() or installed.read_text() != wanted:
        print(f"installing the peers into {directory}", file=sys.stderr)
        venv.create(directory, clear=True, with_pip=True)
        subprocess.run(  # noqa: S603 - pip, with the requirements of this repository
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", PEERS_REQUIREMENTS],
            check=True,
        )
        installed.write_text(wanted)
    return python


def run_round(
    workload: Workload,
    engines: list[str],
    python: Path | None,
    partitions: int,
    broker: str,
    skip: float,
    changed: dict[str, object],
) -> dict[str, Measurement]:
    """One round: a fresh broker, the engines one after the other."""
    results = {}
    now_ms = time.time_ns() // 1_000_000
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        with stack(directory, partitions, freeze_model=True, broker=broker, **changed) as running:
            settings = running.settings
            produce(settings, synthetic(workload, now_ms))
            for engine in engines:
                with redis.Redis.from_url(settings.redis_url) as client:
                    client.flushall()
                # else it would grow from engine to engine, and one of them would pay for the rewrite
                rewrite(settings, wait=True)
                if engine == "stream":
                    seed_model(settings)
                events = int(workload.events * SHARES.get(engine, 1.0))
                results[engine] = one = measure(engine, running, events, python, directory, skip)
                print(
                    f"  {workload.law:8} {engine:26} {one.events_per_s:10,.0f} events/s "
                    f"{one.cpu_us_per_event:8.1f} us CPU {one.redis_us_per_event:8.1f} us Redis "
                    f"{one.peak_rss_mb:7.0f} MB  over {one.events:,} events, "
                    f"last quarter / first {one.last_over_first}",
                    flush=True,
                )
    return results


def machine() -> dict[str, Any]:
    """The machine and the versions of the measurement."""
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ": unknown")
    return {"cores": os.cpu_count(), "cpu": model.partition(": ")[2], "python": platform.python_version()}


def main() -> None:
    """Run the rounds, print a table, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=400_000, help="events in the log (400,000)")
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--laws", type=names_among(LAWS), default=["uniform", "zipf"], help="how customers are drawn (uniform,zipf)"
    )
    parser.add_argument(
        "--engines", type=names_among((*ENGINES, *JVM_PEERS)), help="all that the broker can feed, unless given"
    )
    parser.add_argument(
        "--broker", choices=("embedded", "kafka"), default="embedded", help="kafka needs a JDK and Maven"
    )
    parser.add_argument("--peers", type=Path, default=Path("build/peers"), help="virtual environment of the peers")
    parser.add_argument("--skip", type=float, help="share of the events before the clock starts (kafka: a quarter)")
    parser.add_argument(
        "--set",
        action="append",
        type=changed_setting,
        default=[],
        metavar="NAME=TEXT",
        help="another setting of the worker",
    )
    parser.add_argument("--out", type=Path, default=Path("build"))
    parser.add_argument("--name", help="of the files with the results")
    options = parser.parse_args()
    kafka = options.broker == "kafka"
    engines = options.engines or [*ENGINES, *(JVM_PEERS if kafka else ())]
    if not kafka and (needing := [engine for engine in engines if engine in JVM_PEERS]):
        parser.error(f"{', '.join(needing)}: needs --broker kafka")
    skip = options.skip if options.skip is not None else (0.25 if kafka else 0.0)
    python = peers_python(options.peers.absolute()) if set(engines) & set(PEERS) else None
    laws: dict[str, dict[str, list[Measurement]]] = {law: {} for law in options.laws}
    for number in range(options.rounds):
        print(f"round {number + 1} of {options.rounds}", flush=True)
        for law, results in laws.items():
            workload = Workload(events=options.events, customers=options.customers, law=law)
            turned = engines[number % len(engines) :] + engines[: number % len(engines)]
            for engine, one in run_round(
                workload, turned, python, options.partitions, options.broker, skip, dict(options.set)
            ).items():
                results.setdefault(engine, []).append(one)
    medians = {law: {name: median_of(results[name]) for name in engines} for law, results in laws.items()}
    report = {
        "engines": next(iter(medians.values())),
        "laws": medians,
        "events": options.events,
        "customers": options.customers,
        "partitions": options.partitions,
        "broker": options.broker,
        "skip": skip,
        "machine": machine(),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    results = options.out / f"{options.name or ('throughput-kafka' if kafka else 'throughput')}.json"
    results.write_text(json.dumps(report, indent=2) + "\n")
    if python is not None and options.name is None:
        chart = Path(__file__).parent / "chart.py"
        subprocess.run([python, chart, results, results.with_suffix(".png")], check=True)  # noqa: S603 - as above


if __name__ == "__main__":
    main()
