"""Why a record is not an event: one bounded reason and a short detail for people."""

from enum import StrEnum
from typing import NamedTuple

__all__ = ["MAX_DETAIL_CHARS", "Defect", "Rejection", "printable", "visible"]

MAX_DETAIL_CHARS = 200
_JOINERS = "\u200c\u200d"


class Defect(StrEnum):
    """Every way a record can be bad. A closed set, so that it can label a metric."""

    NULL_KEY = "null_key"
    NULL_VALUE = "null_value"
    TOO_LARGE = "too_large"
    BAD_UTF8 = "bad_utf8"
    LONE_SURROGATE = "lone_surrogate"
    TOO_DEEP = "too_deep"
    MALFORMED_JSON = "malformed_json"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    WRONG_LENGTH = "wrong_length"
    CONTROL_CHARACTER = "control_character"
    BAD_CUSTOMER_ID = "bad_customer_id"
    BAD_IDENTIFIER = "bad_identifier"
    UNKNOWN_NAME = "unknown_name"
    KEY_MISMATCH = "key_mismatch"
    BAD_TIMESTAMP = "bad_timestamp"
    TIMESTAMP_OUT_OF_RANGE = "timestamp_out_of_range"
    BAD_AMOUNT = "bad_amount"
    BAD_SCORE = "bad_score"
    UNKNOWN_CURRENCY = "unknown_currency"
    UNKNOWN_ORDER = "unknown_order"
    TOO_LATE = "too_late"
    WRONG_PARTITION = "wrong_partition"
    QUARANTINED = "quarantined"
    PROCESSING_FAILED = "processing_failed"
    ERASED = "erased"


class Rejection(NamedTuple):
    """A record that did not become an event. ``record`` is its position in the batch."""

    record: int
    reason: Defect
    detail: str


def visible(text: str) -> str:
    r"""Return `text` with a question mark for each control character.

    Joiners stay, though they are not seen: words of Persian and Hindi, and some emoji, are written with them.

    >>> visible("a\nb\x00"), visible("a\u200db") == "a\u200db"
    ('a?b?', True)
    """
    return "".join(char if char.isprintable() or char in _JOINERS else "?" for char in text)


def printable(text: str) -> str:
    r"""Return `text` on one line, without control characters, in at most `MAX_DETAIL_CHARS` characters.

    >>> printable("a\r\nb\x00")
    'a??b?'
    """
    clean = visible(text[: MAX_DETAIL_CHARS + 1])
    return clean if len(clean) <= MAX_DETAIL_CHARS else clean[: MAX_DETAIL_CHARS - 3] + "..."
