"""A dead letter keeps the record and says why it was rejected."""

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from stream.events.dead_letters import DeadLetter, dead_letter
from stream.events.rejections import MAX_DETAIL_CHARS, Defect, Rejection

AT_MS = 1_717_158_600_250


class RefusedRecord(NamedTuple):
    key: bytes | None = b"c-1"
    value: bytes | None = b"\xff"
    timestamp: int = AT_MS
    offset: int = 7
    headers: tuple[tuple[str, bytes | None], ...] = ()


def letter_of(record: RefusedRecord, detail: str = "byte 0xff at 0", max_bytes: int = 900_000) -> DeadLetter:
    return dead_letter(
        record,
        Rejection(0, Defect.BAD_UTF8, detail),
        topic="events.click",
        partition=3,
        at_ms=AT_MS,
        max_bytes=max_bytes,
    )


def test_a_dead_letter_is_the_record_with_where_and_why() -> None:
    letter = letter_of(RefusedRecord(headers=(("trace", b"42"), ("empty", None))))
    assert letter.key == b"c-1"
    assert letter.value == b"\xff"
    assert letter.headers == [
        ("trace", b"42"),
        ("empty", None),
        ("dlq.topic", b"events.click"),
        ("dlq.partition", b"3"),
        ("dlq.offset", b"7"),
        ("dlq.reason", b"bad_utf8"),
        ("dlq.detail", b"byte 0xff at 0"),
        ("dlq.at", b"2024-05-31T12:30:00.250Z"),
    ]


def test_null_keys_and_values_stay_null() -> None:
    letter = letter_of(RefusedRecord(key=None, value=None), max_bytes=0)
    assert (letter.key, letter.value) == (None, None)
    assert "dlq.truncated_from" not in dict(letter.headers)


def test_a_value_that_would_not_fit_is_cut_and_says_so() -> None:
    letter = letter_of(RefusedRecord(value=b"x" * 1_000_000, headers=(("trace", b"12345"),)))
    assert letter.value == b"x" * (900_000 - len("c-1" + "trace" + "12345"))
    assert dict(letter.headers)["dlq.truncated_from"] == b"1000000"


def test_a_value_that_just_fits_is_whole() -> None:
    letter = letter_of(RefusedRecord(value=b"x" * 97), max_bytes=100)
    assert letter.value == b"x" * 97
    assert "dlq.truncated_from" not in dict(letter.headers)


def test_headers_of_an_earlier_death_are_replaced() -> None:
    first = letter_of(RefusedRecord())
    second = letter_of(RefusedRecord(headers=tuple(first.headers)), detail="again")
    assert [name for name, _ in second.headers] == [name for name, _ in first.headers]
    assert dict(second.headers)["dlq.detail"] == b"again"


@given(st.text())
def test_any_detail_becomes_one_short_printable_line(detail: str) -> None:
    text = dict(letter_of(RefusedRecord(), detail=detail).headers)["dlq.detail"]
    assert text is not None
    shown = text.decode()
    assert len(shown) <= MAX_DETAIL_CHARS
    assert shown.isprintable()
    if detail.isprintable() and len(detail) <= MAX_DETAIL_CHARS:
        assert shown == detail
