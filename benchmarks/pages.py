"""Tables of the benchmarks in the documentation, each between ``<!-- NAME: begin -->`` and ``<!-- NAME: end -->``."""

import sys
from pathlib import Path

__all__ = ["write_table"]


def write_table(page: Path, name: str, written: str) -> None:
    """Put a table between the markers of a page; ends the program when they are not there."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = page.read_text("utf-8").partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        sys.exit(f"{page}: expected the markers {begin} and {end}")
    page.write_text(f"{before}{begin}\n{written}\n{end}{after}", "utf-8")
