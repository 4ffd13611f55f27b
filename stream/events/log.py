"""Event logs: files of events for replay, evaluation and the demo.

JSON Lines or a JSON array of native events, and CSV (`stream.events.csv_log`), told apart by how they begin. Each may
be compressed with gzip, and may come from standard input.
"""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path

from stream.errors import EventLogError
from stream.events.csv_log import read_csv
from stream.events.decode import Decoder
from stream.events.json_log import read_json_array, read_json_lines
from stream.events.kinds import EventType
from stream.events.log_event import LogEvent, LogRecord
from stream.events.log_form import LogForm
from stream.events.log_report import LogReport
from stream.events.log_source import STDIN, LogSource
from stream.events.parsing_text import encoding_of, required_encoding

__all__ = ["STDIN", "LogEvent", "checked", "read_log"]

#: Events that are checked at a time.
_CHUNK = 1000
_PEEK_BYTES = 65_536
_BOM = b"\xef\xbb\xbf"


def read_log(path: str | Path, form: LogForm | None = None, report: LogReport | None = None) -> Iterator[LogEvent]:
    """Yield the events of a log, in the order of the file.

    Parameters
    ----------
    path
        A file, or ``-`` for standard input.
    form
        What the file leaves unsaid.
    report
        Takes what is rejected, and notes. Without one the first rejection is an error.

    Raises
    ------
    EventLogError
        The file cannot be opened, decompressed or understood, is empty, or has a line that cannot be placed and there
        is no report to take it. File and line are named.
    """
    form = form or LogForm()
    with LogSource(path) as source:
        report = report or LogReport(source.name, strict=True)
        with source.open() as file:
            if form.encoding is None and file.peek(_PEEK_BYTES).lstrip(_BOM).lstrip().startswith(b"{"):
                # the only form that is read as it comes, from a pipe too
                yield from read_json_lines(_without_mark(file), report)
                return
            if str(path) == STDIN:
                source.keep(file)
        encoding = required_encoding(form.encoding) if form.encoding else encoding_of(source.chunks())
        if not encoding.startswith("utf-8"):
            report.note(f"read as {encoding}: say --encoding if that is wrong")
        try:
            yield from _read_text(source, encoding, form, report)
        except UnicodeError as error:
            raise EventLogError(f"{source.name}: is not {encoding}: {error}") from error


def _read_text(source: LogSource, encoding: str, form: LogForm, report: LogReport) -> Iterator[LogEvent]:
    @contextmanager
    def lines() -> Iterator[Iterable[str]]:
        with source.open() as file:
            # invalid text is kept unchanged, so that only this line is rejected
            errors = "strict" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
            text = io.TextIOWrapper(file, encoding, errors, newline="")
            try:
                yield text
            finally:
                text.detach()  # it would close what is kept of standard input

    with lines() as text:
        first = next((line.strip() for line in text if line.strip("\ufeff\r\n\t ")), None)
    if first is None:
        raise EventLogError(f"{source.name}: is empty; expected events as CSV, JSON Lines or a JSON array")
    first = first.lstrip("\ufeff")
    if not first.startswith(("{", "[")):
        yield from read_csv(lines, form, report)
        return
    with lines() as text:
        recoded = (line.lstrip("\ufeff").encode(errors="surrogateescape") for line in text)
        if first.startswith("{"):
            yield from read_json_lines(recoded, report)
        else:
            yield from read_json_array(recoded, report)


def _without_mark(file: io.BufferedReader) -> Iterator[bytes]:
    return chain((line.removeprefix(_BOM) for line in islice(file, 1)), file)


def checked(events: Iterable[LogEvent], decoder: Decoder, now_ms: int, report: LogReport) -> Iterator[LogEvent]:
    """Yield those ``events`` that workers would accept now, in their order; the others are rejected.

    ``now_ms``: the wall clock. An event that lies after it is refused, with any timestamp type of the topic.
    """
    source = iter(events)
    while chunk := list(islice(source, _CHUNK)):
        bad: set[int] = set()
        for event_type in EventType:
            places = [k for k, event in enumerate(chunk) if event.event_type is event_type]
            records = [LogRecord.of(chunk[k], now_ms, 0) for k in places]
            for record, reason, detail in decoder.decode(event_type, records).rejections if records else ():
                place = places[record]
                bad.add(place)
                report.reject(reason, chunk[place].line, detail)
        yield from (event for k, event in enumerate(chunk) if k not in bad) if bad else chunk
