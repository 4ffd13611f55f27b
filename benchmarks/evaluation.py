"""How long `stream evaluate` takes on a log of CDNOW's size: ``python -m benchmarks.evaluation [--customers N]``.

The log is the simulated shop ``cohort`` (`benchmarks.simulated_shops`): all customers come within 12 weeks and give
three orders each in one and a half years. Prints the orders, the rows that were scored, seconds of CPU time with all
threads, and seconds by the clock.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.simulated_shops import SHOPS, simulate
from benchmarks.unseen_logs import events_of

__all__ = ["write_log"]

CUSTOMERS: Final = 23_500
_SEED: Final = 14
_HORIZON_DAYS: Final = 91


def write_log(path: Path, customers: int) -> int:
    """Write the shop's orders as JSON Lines, by time; return how many."""
    events = events_of(simulate(SHOPS["cohort"]._replace(customers=customers), _SEED), _SEED)
    with path.open("wb") as file:
        for event in events:
            file.write(b'{"type":"purchase",' + event.value[1:] + b"\n")
    return len(events)


def main() -> None:
    """Make the log, evaluate it in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    options = parser.parse_args()
    with TemporaryDirectory() as directory:
        log, found = Path(directory) / "log.jsonl", Path(directory) / "figures.json"
        orders = write_log(log, options.customers)
        began = time.perf_counter()
        subprocess.run(  # noqa: S603 - the program itself
            [
                sys.executable,
                "-m",
                "stream",
                "evaluate",
                str(log),
                "--horizon-days",
                str(_HORIZON_DAYS),
                "--json",
                str(found),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        wall_s = time.perf_counter() - began
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        rows = json.loads(found.read_text())["rows"]
    cpu_s = used.ru_utime + used.ru_stime
    sys.stdout.write(f"{orders:,} orders, {rows:,} rows: {cpu_s:.1f} s of CPU time, {wall_s:.1f} s by the clock\n")


if __name__ == "__main__":
    main()
