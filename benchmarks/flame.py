"""Where a worker spends its CPU time: ``python -m benchmarks.flame --name worker-20000``.

A worker catches up with events of the embedded broker (or ``--broker kafka``), as in `benchmarks.throughput`, and
py-spy (``pip install py-spy``) samples all its threads. Only samples with CPU time count. ``--tree`` runs the worker of
another checkout, for a graph of before. The graph goes to ``docs/images/flame-NAME.svg``; what most samples were in is
printed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.flame_graph import draw, folded
from benchmarks.workload import Workload, produce, seed_model, stack, synthetic
from stream.settings import ENV_PREFIX, Settings
from stream.storage.overview import Overview

_ROOT = Path(__file__).parents[1]
_RATE = 250
_LOOK_EVERY_S = 0.05
_PATIENCE_S = 240.0
_SHOWN = 15


def sample(settings: Settings, options: argparse.Namespace, directory: Path) -> list[str]:
    """Stacks of a worker from its first event to the last, with how often each was seen."""
    # another checkout keeps its kernels elsewhere
    others = (ENV_PREFIX, "PYTHONPATH", "NUMBA_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    raw, log = directory / "stacks", directory / "worker.log"
    command = [sys.executable, "-m", "stream", "worker"]
    with Overview(settings) as overview, log.open("wb") as out:
        environment = {**inherited, **settings.to_env(), "PYTHONPATH": str(options.tree)}
        with subprocess.Popen(  # noqa: S603 - the program of a checkout
            command, cwd=options.tree, env=environment, stdout=out, stderr=out
        ) as worker:
            try:
                _reach(overview, worker, 1)
                spy = [options.py_spy, "record", "--pid", str(worker.pid), "--format", "raw", "--output", str(raw)]
                more = ["--rate", str(_RATE), "--threads", "--nonblocking"]
                with subprocess.Popen([*spy, *more], stdout=subprocess.DEVNULL) as recorder:  # noqa: S603 - py-spy
                    _reach(overview, worker, options.events)
                    recorder.send_signal(2)  # py-spy writes what it has at an interrupt
            finally:
                worker.kill()
    return raw.read_text().splitlines()


def _reach(overview: Overview, worker: subprocess.Popen[bytes], events: int) -> None:
    until = time.monotonic() + _PATIENCE_S
    while overview.totals().counters.events_in < events:
        if worker.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"the worker is not at {events:,} events; status {worker.returncode}")
        time.sleep(_LOOK_EVERY_S)


def innermost(lines: list[str]) -> Counter[str]:
    """Samples by the function that ran, without the number of the line."""
    counts: Counter[str] = Counter()
    for line in lines:
        stack_of, _, count = line.rpartition(" ")
        counts[stack_of.rpartition(";")[2].rpartition(":")[0] + ")"] += int(count)
    return counts


def main() -> None:
    """Run a worker, sample it, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", required=True, help="of the graph")
    parser.add_argument("--title", default="", help="over the graph")
    parser.add_argument("--events", type=int, default=800_000)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--broker", choices=("embedded", "kafka"), default="embedded")
    parser.add_argument("--tree", type=Path, default=_ROOT, help="checkout of the worker")
    parser.add_argument("--py-spy", default=shutil.which("py-spy"), help="the program, if it is not on PATH")
    parser.add_argument("--out", type=Path, default=_ROOT / "docs" / "images")
    options = parser.parse_args()
    if options.py_spy is None:
        parser.error("there is no py-spy on PATH: pip install py-spy, or name it by --py-spy")
    now_ms = time.time_ns() // 1_000_000
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        stack(Path(name), options.partitions, freeze_model=True, broker=options.broker) as running,
    ):
        produce(running.settings, synthetic(Workload(events=options.events, customers=options.customers), now_ms))
        seed_model(running.settings)
        lines = sample(running.settings, options, Path(name))
    root = folded(lines)
    title = options.title or f"a worker, {options.customers:,} customers"
    path = options.out / f"flame-{options.name}.svg"
    path.write_text(draw(root, f"{title}: {root.samples:,} samples, {_RATE} a second of each thread"))
    print(path)
    for function, samples in innermost(lines).most_common(_SHOWN):
        print(f"{samples / root.samples:6.1%}  {function}")


if __name__ == "__main__":
    main()
