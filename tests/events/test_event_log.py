"""Event logs are read from files and pipes, plain or compressed, in either format."""

import gzip
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from stream.errors import EventLogError
from stream.events.kinds import KIND_OF, EventType
from stream.events.log import LogEvent, read_log

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
    assert event == LogEvent(EventType.EMAIL, "17", AT_MS + 250, line)


def test_a_stated_type_goes_before_the_name(tmp_path: Path) -> None:
    events = [CLICK | {"type": "purchase"}, CLICK | {"type": "email", "name": "hover"}]
    read = list(read_log(write(tmp_path / "log", lines_of(*events))))
    assert [event.event_type for event in read] == [EventType.PURCHASE, EventType.EMAIL]


def test_no_name_belongs_to_two_types() -> None:
    assert len({name for _, name in KIND_OF}) == len(KIND_OF)


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
