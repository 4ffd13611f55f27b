"""Event logs are read from files and pipes, plain or compressed, in either format."""

import gzip
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from stream.errors import EventLogError
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.log import LogEvent, checked, read_log
from stream.events.log_event import LogRecord
from stream.events.log_form import LogForm
from stream.events.log_report import LogReport
from stream.events.rejections import Defect

CSV = b"ts,customer_id,type,subtype,ref_id,amount\n2024-05-31 12:30:00,17,email,sent,spring,\n"
CLICK = {"event_id": "e1", "customer_id": "17", "occurred_at": "2024-05-31T12:30:00Z", "name": "page_viewed"}
AT_MS = 1_717_158_600_000


def lines_of(*events: object) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf", b"\n \r\n"])
@pytest.mark.parametrize(("content", "event_type"), [(CSV, EventType.EMAIL), (lines_of(CLICK), EventType.CLICK)])
@pytest.mark.parametrize("from_stdin", [True, False])
def test_the_format_is_told_from_the_content(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    compress: type[bytes],
    prefix: bytes,
    content: bytes,
    event_type: EventType,
    from_stdin: bool,
) -> None:
    packed = compress(prefix + content)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(packed))))
    source = "-" if from_stdin else write(tmp_path / "log", packed)
    (event,) = read_log(source)
    assert (event.event_type, event.customer_id, event.at_ms) == (event_type, "17", AT_MS)


def test_a_native_event_is_passed_on_byte_for_byte(tmp_path: Path) -> None:
    line = b'{"customer_id":"17", "occurred_at":1717158600.25,"name":"opened","x":1e999,"amount":NULL}'
    with pytest.raises(EventLogError, match="line 1: expected a native event: JSON is malformed"):
        list(read_log(write(tmp_path / "log", line)))
    line = line.replace(b"NULL", b"18446744073709551616")
    (event,) = read_log(write(tmp_path / "log", line + b"\r\n"))
    assert event == LogEvent(EventType.EMAIL, "17", AT_MS + 250, line, 1)


def test_a_stated_type_goes_before_the_name(tmp_path: Path) -> None:
    events = [CLICK | {"type": "purchase"}, CLICK | {"type": "email", "name": "hover"}]
    read = list(read_log(write(tmp_path / "log", lines_of(*events))))
    assert [event.event_type for event in read] == [EventType.PURCHASE, EventType.EMAIL]


def test_an_event_without_a_customer_is_left_to_the_decoder(tmp_path: Path) -> None:
    events = [CLICK | {"customer_id": 17}, {name: CLICK[name] for name in ("occurred_at", "name")}]
    assert [e.customer_id for e in read_log(write(tmp_path / "log", lines_of(*events)))] == ["", ""]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (
            {"name": "hover"},
            "line 2: the name 'hover' tells no event type; add a `type` of click, email, purchase",
        ),
        ({"name": ["sent"]}, "line 2: the name .* tells no event type"),
        ({"type": "visit"}, "line 2: expected a native event: Invalid enum value 'visit'"),
        ({"occurred_at": "31 May"}, "line 2: expected a native event: Invalid RFC3339"),
        ({"occurred_at": 1e306}, "line 2: expected a native event"),
        ({"occurred_at": None}, "line 2: expected a native event: Expected"),
        ({"name": "\udc00"}, "line 2: expected a native event: JSON is malformed"),
    ],
)
def test_an_event_that_cannot_be_placed_is_an_error_with_its_line(
    tmp_path: Path, event: dict[str, object], message: str
) -> None:
    path = write(tmp_path / "log.jsonl", lines_of(CLICK, CLICK | event))
    events = read_log(path)
    assert next(events).customer_id == "17"
    with pytest.raises(EventLogError, match=rf"log\.jsonl, {message}"):
        next(events)


def test_a_nesting_bomb_is_an_error_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "log", b'{"x":' + b"[" * 100_000)
    with pytest.raises(EventLogError, match="line 1"):
        list(read_log(path))


@pytest.mark.parametrize("content", [b"", b"\n\n  \n", gzip.compress(b"")])
def test_an_empty_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(EventLogError, match="is empty; expected events"):
        list(read_log(write(tmp_path / "log", content)))


def test_a_file_with_only_a_header_has_no_events(tmp_path: Path) -> None:
    assert list(read_log(write(tmp_path / "log", CSV.splitlines()[0]))) == []


def test_a_truncated_archive_is_an_error(tmp_path: Path) -> None:
    packed = gzip.compress(CSV * 100)
    for damaged in (packed[:-9], packed[:11], packed[:60] + b"\x00" * 9 + packed[69:]):
        with pytest.raises(EventLogError, match=r"log\.csv\.gz"):
            list(read_log(write(tmp_path / "log.csv.gz", damaged)))


def test_a_file_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(EventLogError, match="cannot be read"):
            list(read_log(path))


@pytest.mark.parametrize("from_stdin", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_an_encoding_is_told_and_the_one_that_is_given_goes_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compress: type[bytes], encoding: str, from_stdin: bool
) -> None:
    packed = compress(CSV.replace(b"17", "Zoë".encode()).decode().encode(encoding))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(packed))))
    source = "-" if from_stdin else write(tmp_path / "log", packed)
    report = LogReport("log")
    (event,) = read_log(source, None, report)
    assert event.customer_id == "Zoë"
    assert report.notes == (
        [] if encoding.startswith("utf-8") else [f"read as {encoding}: say --encoding if that is wrong"]
    )
    if not from_stdin and encoding == "cp1252":
        (event,) = read_log(source, LogForm(encoding="cp1250"))
        assert event.customer_id == "Zoë"
        with pytest.raises(EventLogError, match="no encoding"):
            list(read_log(source, LogForm(encoding="latin-99")))


def test_a_file_of_another_encoding_than_the_one_given_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "log", CSV[:-1])
    with pytest.raises(EventLogError, match="is not utf-16"):
        list(read_log(path, LogForm(encoding="utf-16")))


def test_a_line_that_is_no_text_is_rejected_and_the_others_are_read(tmp_path: Path) -> None:
    row = CSV.splitlines(keepends=True)[1]
    path = write(tmp_path / "log", CSV + row.replace(b"17", b"\xff") + row.replace(b"17", "é".encode()))
    report = LogReport("log")
    assert [event.customer_id for event in read_log(path, None, report)] == ["17", "é"]
    assert report.first[Defect.BAD_UTF8] == (3, "the byte 0xff is no text in the encoding of the file")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_json_array_is_read_and_its_elements_are_counted(tmp_path: Path, encoding: str, indent: int | None) -> None:
    events = [CLICK, CLICK | {"occurred_at": "yesterday"}, CLICK | {"event_id": "e3", "note": "[1, {"}]
    path = write(tmp_path / "log", ("\n" + json.dumps(events, indent=indent)).encode(encoding))
    report = LogReport("log")
    found = list(read_log(path, None, report))
    assert [json.loads(event.value)["event_id"] for event in found] == ["e1", "e3"]
    assert [event.line for event in found] == [1, 3]
    assert report.sentences()[0].startswith("1 rejected as bad_timestamp, first element 2: expected a native event")


@pytest.mark.parametrize("content", [b"[", b"[1,", b"[]]", b"[" * 100_000])
def test_a_file_that_only_begins_like_an_array_is_an_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(EventLogError, match="expected a JSON array of events"):
        list(read_log(write(tmp_path / "log", content)))


def test_an_array_that_is_too_long_for_memory_names_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream.events.json_log.MAX_ARRAY_BYTES", 100)
    with pytest.raises(EventLogError, match=r"write one event a line: jq -c"):
        list(read_log(write(tmp_path / "log", json.dumps([CLICK] * 2).encode())))


@pytest.mark.parametrize("unit", [1000, 1_000_000, 1_000_000_000])
def test_times_in_milliseconds_are_understood_and_reported(tmp_path: Path, unit: int) -> None:
    report = LogReport("log")
    path = write(tmp_path / "log", lines_of(CLICK | {"occurred_at": AT_MS * unit // 1000}))
    (event,) = read_log(path, None, report)
    assert event.at_ms == AT_MS
    assert len(Decoder().decode(event.event_type, [LogRecord.of(event, AT_MS, 0)]).events) == 1
    assert report.notes == ["1 time is in milliseconds since the epoch or finer: taken as such"]


def test_events_that_workers_would_refuse_are_rejected_with_their_lines(tmp_path: Path) -> None:
    bad = [CLICK | {"event_id": "e2", "occurred_at": "2062-11-02T10:00:00Z"}, CLICK | {"event_id": ""}]
    path = write(tmp_path / "log", lines_of(CLICK, *bad, CLICK | {"event_id": "e4"}))
    report = LogReport("log")
    found = list(checked(read_log(path, None, report), Decoder(), AT_MS, report))
    assert [event.line for event in found] == [1, 4]
    assert {reason: first.line for reason, first in report.first.items()} == {
        Defect.TIMESTAMP_OUT_OF_RANGE: 2,
        Defect.WRONG_LENGTH: 3,
    }
    assert report.share == 0.5
