"""Memory that a worker needed to catch up goes back to the system."""

import ctypes
import subprocess
import sys

import pytest

from stream.agents.memory import MemoryTrimming

#: 64 MB in pieces too small for pages of their own, and one at their end that stays: without trimming all of it stays.
TRIMMED = """
from pathlib import Path
from stream.agents.memory import MemoryTrimming, tune_allocator

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

tune_allocator()
pieces = [b"x" * 16_000 for _ in range(4096)]
stays, full = pieces[-1], resident_mb()
del pieces
kept = resident_mb()
MemoryTrimming(lambda: 0.0).trim()
print(full - kept, full - resident_mb(), len(stays))
"""


class Work:
    done = 0.0

    def __call__(self) -> float:
        return self.done


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="needs the C library of GNU")
def test_free_memory_below_what_stays_goes_back() -> None:
    run = subprocess.run([sys.executable, "-c", TRIMMED], check=True, capture_output=True, text=True)
    before_mb, after_mb, _ = map(float, run.stdout.split())
    assert before_mb < 32.0
    assert after_mb > 48.0


def test_who_was_busy_and_has_nothing_to_do_is_trimmed_once() -> None:
    work = Work()
    trimming = MemoryTrimming(work)
    assert not trimming.look()  # nothing was ever done
    work.done = 1.0
    assert not trimming.look()
    work.done = 2.0
    assert not trimming.look()  # still busy
    assert trimming.look()
    assert not trimming.look()
    work.done = 3.0
    assert [trimming.look(), trimming.look(), trimming.look()] == [False, True, False]


def test_who_is_never_idle_is_trimmed_once_a_minute() -> None:
    work = Work()
    trimming = MemoryTrimming(work)
    trimmed = []
    for second in range(1, 181):
        work.done = float(second)
        trimmed.append(trimming.look())
    assert [second for second, now in enumerate(trimmed, 1) if now] == [60, 120, 180]
