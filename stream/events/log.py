"""Event logs: files of events for replay, evaluation and the demo.

Two formats, told apart by their first line: JSON Lines of native events, and CSV (`stream.events.csv_log`).
Either may be compressed with gzip, and either may come from standard input.
"""

import gzip
import io
import sys
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, tzinfo
from itertools import chain
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from stream.errors import EventLogError
from stream.events.csv_log import read_csv
from stream.events.kinds import KIND_OF, EventType
from stream.events.log_event import LogEvent
from stream.events.model import Instant
from stream.events.times import epoch_ms

__all__ = ["STDIN", "LogEvent", "read_log"]

STDIN: Final = "-"

_GZIP_MAGIC = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
#: No name belongs to two types, so a native event need not state its own (a test holds this).
_TYPE_OF_NAME = {name: event_type for event_type, name in KIND_OF}


def read_log(path: str | Path, *, timezone: tzinfo = UTC, currency: str = "USD") -> Iterator[LogEvent]:
    """Yield the events of a log, in the order of the file.

    Parameters
    ----------
    path
        A file, or ``-`` for standard input.
    timezone
        What the naive times of a CSV file are local to. A time that comes twice, when clocks go back, is the
        first.
    currency
        The currency of the amounts in a CSV file.

    Raises
    ------
    EventLogError
        The file cannot be opened or decompressed, or has a line that cannot be placed; file and line are
        named.
    """
    source = "standard input" if str(path) == STDIN else str(path)
    lines = _lines(path, source)
    head: list[bytes] = []  # blank lines are kept: error messages count them
    for line in lines:
        head.append(line)
        if line.strip():
            break
    else:
        raise EventLogError(f"{source}: is empty; expected events as CSV or JSON Lines")
    rest = chain(head, lines)
    if head[-1].lstrip().startswith(b"{"):
        yield from _read_json_lines(rest, source)
    else:
        yield from read_csv(rest, source, timezone=timezone, currency=currency)


def _lines(path: str | Path, source: str) -> Iterator[bytes]:
    try:
        if str(path) == STDIN:
            yield from _plain(cast("io.BufferedReader", sys.stdin.buffer))
        else:
            with Path(path).open("rb") as file:
                yield from _plain(file)
    except (OSError, EOFError, zlib.error) as error:
        raise EventLogError(f"{source}: cannot be read: {error}; expected a plain or gzip file") from error


def _plain(file: io.BufferedReader) -> Iterator[bytes]:
    if file.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC):
        # The buffer makes lines in C; GzipFile alone makes them in Python.
        file = io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(fileobj=file)))
    for line in file:
        yield line.removeprefix(_BOM)
        break
    yield from file


class _Placement(msgspec.Struct):
    """What must be known of a native event to publish it; the decoder judges the rest."""

    occurred_at: Instant
    type: EventType | None = None
    name: Any = None
    customer_id: Any = None


def _read_json_lines(lines: Iterable[bytes], source: str) -> Iterator[LogEvent]:
    place = msgspec.json.Decoder(_Placement).decode
    for number, line in enumerate(lines, 1):
        value = line.strip()
        if not value:
            continue
        try:
            placed = place(value)
            at_ms = epoch_ms(placed.occurred_at)
        except (msgspec.DecodeError, UnicodeDecodeError, OverflowError, RecursionError) as error:
            raise EventLogError(f"{source}, line {number}: expected a native event: {error}") from error
        event_type = placed.type
        if event_type is None:
            event_type = _TYPE_OF_NAME.get(placed.name) if isinstance(placed.name, str) else None
        if event_type is None:
            raise EventLogError(
                f"{source}, line {number}: the name {placed.name!r} tells no event type;"
                f" add a `type` of {', '.join(EventType)}"
            )
        customer_id = placed.customer_id if isinstance(placed.customer_id, str) else ""
        yield LogEvent(event_type, customer_id, at_ms, value)
