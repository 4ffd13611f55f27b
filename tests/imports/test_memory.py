"""Memory stays bounded for any length of history."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MIB = 1024
SCRIPT = """
import re, sys
from pathlib import Path
from tests.imports.shop import Importer, EventContract, Options, Settings, Staging, NOW_MS, open_source
source = open_source(Path(sys.argv[1]), Options(line_items="sum"), lambda *_: None)
with Staging() as staging:
    summary = Importer([source], staging, EventContract(Settings()), None, now_ms=NOW_MS).prepare()
    events = sum(1 for _ in staging.events())
    # the maximum that getrusage tells begins with what the parent had when it forked
    peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]
    print(summary.orders, events, peak)
"""


def measured(path: Path) -> tuple[int, int, int]:
    """Orders, events and peak memory (KiB) of importing ``path``."""
    command = [sys.executable, "-c", SCRIPT, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=True)
    orders, events, kib = map(int, done.stdout.split())
    return orders, events, kib


def written(path: Path, lines: int) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.write("Order number,Order date,Customer email,SKU,Line total,Currency,Billing name\n")
        for n in range(lines):
            order = n // 3
            day = f"20{20 + order % 5}-{1 + order % 12:02}-{1 + order % 28:02} {order % 24:02}:{order % 60:02}:00"
            file.write(f"{order},{day},c{order % 9_973}@example.com,SKU-{n},{1 + n % 3}.50,EUR,Name {order % 9_973}\n")
    return path


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_times_the_lines_take_no_more_than_the_caches(tmp_path: Path) -> None:
    few = measured(written(tmp_path / "few.csv", 15_000))
    many = measured(written(tmp_path / "many.csv", 150_000))
    assert (few[:2], many[:2]) == ((5_000, 5_000), (50_000, 50_000))
    # SQLite's cache of 64 MiB, and texts that were read before
    assert many[2] - few[2] < 110 * MIB
    assert many[2] < 350 * MIB
