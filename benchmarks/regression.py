"""The check that the core has not become slower: ``python -m benchmarks.regression [--record]``.

Seconds differ between machines and from minute to minute, so the figure is a ratio: CPU time of the core over one set
of events (decoding with all checks, alignment, kernel, documents, outgoing records) over the CPU time of parsing the
same records with orjson and nothing else. The two take turns, and the fastest turn of each counts, because disturbances
only make turns slower; a busy machine gets more turns before the verdict. Memory and garbage collection are set up as
in a worker, whose core this is. ``core_ratio.json`` has the ratio to compare with; ``--record`` writes it anew, after a
change that is worth its cost.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import orjson

from benchmarks.core import run
from benchmarks.workload import Workload, slice_of, synthetic
from stream.agents.memory import tune_allocator, tune_garbage_collection

__all__ = ["RECORD", "Turns", "is_slower", "recorded"]

RECORD = Path(__file__).parent / "core_ratio.json"
#: A ratio above the recorded one by more than this share is a regression.
TOLERANCE = 0.2

_EVENTS, _CUSTOMERS, _STEP = 16_000, 4_000, 8_000
_FLOOR_PASSES = 10
_TURNS_AT_A_TIME = 6


class Turns:
    """``core_s``, ``floor_s``: the fastest turns so far, in seconds of CPU time for the whole set of events."""

    def __init__(self) -> None:
        self.core_s = self.floor_s = float("inf")
        self._now_ms = time.time_ns() // 1_000_000
        self._logs = synthetic(Workload(events=_EVENTS, customers=_CUSTOMERS), self._now_ms)
        run(slice_of(self._logs, 0, 4000, _EVENTS), _STEP, self._now_ms)  # compiles what is not in the cache

    def take(self, turns: int) -> float:
        """Take ``turns`` turns of each; return the ratio of the fastest so far."""
        values = [record.value for log in self._logs for record in log]
        for _ in range(turns):
            began = time.process_time()
            for _ in range(_FLOOR_PASSES):
                for value in values:
                    orjson.loads(value)
            self.floor_s = min(self.floor_s, (time.process_time() - began) / _FLOOR_PASSES)
            core_us = sum(run(self._logs, _STEP, self._now_ms).values())
            self.core_s = min(self.core_s, core_us * _EVENTS / 1e6)
        return self.core_s / self.floor_s


def recorded() -> float:
    """The ratio to compare with."""
    return float(json.loads(RECORD.read_text())["core_over_orjson"])


def is_slower(ratio: float, than: float) -> bool:
    """Whether the ratio is worse by more than the tolerance."""
    return ratio > than * (1.0 + TOLERANCE)


def main() -> None:
    """Measure, then compare or record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=60, help="so many at most, fewer where the verdict is good")
    parser.add_argument("--record", action="store_true", help="write what was measured to core_ratio.json")
    options = parser.parse_args()
    tune_allocator()
    tune_garbage_collection()
    turns = Turns()
    taken, ratio = 0, float("inf")
    while taken < options.turns and (options.record or is_slower(ratio, recorded())):
        ratio = turns.take(_TURNS_AT_A_TIME)
        taken += _TURNS_AT_A_TIME
    print(f"core {turns.core_s / _EVENTS * 1e6:.2f} us an event, {ratio:.2f} x parsing with orjson")
    if options.record:
        RECORD.write_text(json.dumps({"core_over_orjson": round(ratio, 2)}) + "\n")
    elif is_slower(ratio, recorded()):
        sys.exit(
            f"more than {TOLERANCE:.0%} over the {recorded():.2f} on record: find what became slower, or record what "
            "it is worth with --record"
        )


if __name__ == "__main__":
    main()
