"""How much memory the events of a log take that are kept."""

import subprocess
import sys
from pathlib import Path

ROWS = 20_000
#: Of its own a value has 150 bytes, with the objects around it some 400.
_BYTES_EACH = 1500

_READ = """
import sys
from pathlib import Path
from stream.events.log import read_log
from stream.events.shift import moved

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

one = [*moved(read_log(sys.argv[1]), 1)]
before = resident()
kept = [*moved(read_log(sys.argv[2]), 1)]
print(len(one), len(kept), resident() - before)
"""


def test_kept_events_take_no_more_memory_than_they_are_long(tmp_path: Path) -> None:
    header = "ts,customer_id,type,subtype,ref_id,amount\n"
    rows = [f"2024-01-01T00:00:00Z,c-{number},purchase,completed,o-{number},12.50\n" for number in range(ROWS)]
    one, many = tmp_path / "one.csv", tmp_path / "many.csv"
    one.write_text(header + rows[0])
    many.write_text(header + "".join(rows))
    done = subprocess.run([sys.executable, "-c", _READ, one, many], capture_output=True, text=True, check=True)
    read, kept, grown = map(int, done.stdout.split())
    assert (read, kept) == (1, ROWS)
    assert grown < ROWS * _BYTES_EACH
