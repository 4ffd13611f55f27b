"""The rows that were not used, as a table that a spreadsheet opens."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from stream.errors import ImportFileError
from stream.imports.issues import Issue

__all__ = ["write_report"]

_HEADER: Final = ("file", "line", "what", "why", "detail")
#: What a spreadsheet would take for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def write_report(path: Path, issues: Iterable[Issue], sources: Sequence[str]) -> int:
    """Write a row for each issue, in the order in which they come; returns how many. ``sources``: names of files."""
    count = 0
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_HEADER)
            for issue in issues:
                cells = sources[issue.table], str(issue.line), str(issue.severity), str(issue.why), issue.detail
                writer.writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
                count += 1
    except OSError as error:
        raise ImportFileError(f"{path}: cannot be written: {error.strerror}") from error
    return count
