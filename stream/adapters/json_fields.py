"""Reading JSON that others have written: fields by path, of the type that we need."""

import hashlib
import math
import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec

from stream.adapters.adapter import Malformed, Translation
from stream.errors import StreamError

__all__ = [
    "MalformedError",
    "amount",
    "currency",
    "customer_id",
    "each",
    "event_id",
    "instant",
    "instant_ms",
    "json_object",
    "label",
    "pick",
    "required",
    "text",
    "utc_instant",
]

MAX_ID_CHARS: Final = 100
MAX_LABEL_CHARS: Final = 256

#: A number as JSON writes it, with an optional sign. Python's own ``float`` also reads "1_299", "nan" and "infinity".
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)

#: Up to here every whole number is one float.
_MAX_EXACT: Final = 2**53

#: From here on a number is a time in milliseconds: as seconds it would lie after the year 5000.
_FIRST_MILLISECONDS: Final = 1e11

#: The year 10000, the first that RFC 3339 cannot write.
_LATEST_S: Final = 253_402_300_800

_HAS_NO_OFFSET: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?", re.ASCII)

#: The end of an RFC 3339 time that says in which zone it is.
_HAS_OFFSET: Final = re.compile(r"(?:[zZ]|[+-]\d{2}:?\d{2})$", re.ASCII)


class MalformedError(StreamError):
    """A call or an event is not what the provider's documentation says."""


def decoded(body: bytes) -> Any:
    """The JSON in ``body``. Raises `MalformedError`."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(f"the body is not JSON: {error}") from error


def json_object(source: object, what: str) -> dict[str, Any]:
    """``source`` if it is a JSON object. Raises `MalformedError` that calls it ``what``."""
    if not isinstance(source, dict):
        raise MalformedError(f"expected {what} as a JSON object, got {type(source).__name__}")
    return source


def each(items: list[Any], what: str, translate: Callable[[dict[str, Any]], Translation]) -> list[Translation]:
    """Translate every item by itself: a bad one is `Malformed` and spoils no other."""
    translations = []
    for item in items:
        try:
            translations.append(translate(json_object(item, what)))
        except MalformedError as error:
            translations.append(Malformed(str(error)))
    return translations


def pick(source: object, *paths: str) -> Any:
    """The first of ``paths`` (dots lead into objects, ``0`` to the first of a list) that has a value, else None.

    >>> pick({"page": {"url": "/"}, "tags": ["spring"]}, "url", "page.url"), pick({"tags": ["spring"]}, "tags.0")
    ('/', 'spring')
    """
    for path in paths:
        found: Any = source
        for name in path.split("."):
            if isinstance(found, dict):
                found = found.get(name)
            elif isinstance(found, list) and name == "0":
                found = found[0] if found else None
            else:
                found = None
        if found is not None and found != "":
            return found
    return None


def required(source: object, *paths: str) -> Any:
    """As `pick`, but raises `MalformedError` where there is nothing."""
    found = pick(source, *paths)
    if found is None:
        raise MalformedError(f"expected {' or '.join(f'`{path}`' for path in paths)}; there is none")
    return found


def text(value: object) -> str | None:
    """A text, or a number as text; None for anything else.

    >>> text("c-1"), text(17), text(17.0), text(True), text(["c-1"])
    ('c-1', '17', '17', None, None)
    """
    if isinstance(value, str):
        return value
    # some programs write every number with a point, and that makes no other customer
    if isinstance(value, float) and value.is_integer() and abs(value) <= _MAX_EXACT:
        return str(int(value))
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def label(value: object) -> str | None:
    """As `text`; None for what is too long, because an event is worth more than an optional field."""
    found = text(value)
    return found if found is not None and len(found) <= MAX_LABEL_CHARS else None


def customer_id(value: object) -> str | None:
    """As `text`, in Unicode normal form C and without outer blanks, so that one spelling has one id; None if empty.

    >>> customer_id("  Zoe\u0308 ") == "Zo\u00eb", customer_id(17), customer_id(" ")
    (True, '17', None)
    """
    found = text(value)
    return unicodedata.normalize("NFC", found).strip() or None if found is not None else None


def amount(value: object, *, unsigned: bool = False) -> object:
    """A number, also one that was sent as text; anything else as it is, for the decoder to refuse.

    ``unsigned``: without its sign. Some shops send a refund as a negative amount.

    >>> amount("49.90"), amount(49.9), amount("free"), amount("1_299"), amount(-20, unsigned=True)
    (49.9, 49.9, 'free', '1_299', 20)
    """
    # JSON cannot write what is too large for a number
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()) and math.isfinite(float(value)):
        value = float(value)
    if unsigned and isinstance(value, int | float) and not isinstance(value, bool):
        return abs(value)
    return value


def currency(value: object, default: str | None = None) -> object:
    """A currency code in capitals, without blanks; ``default`` where there is none.

    >>> currency("usd"), currency(" EUR "), currency(None, "USD"), currency(" ", "USD")
    ('USD', 'EUR', 'USD', 'USD')
    """
    if value is None:
        return default
    return value.strip().upper() or default if isinstance(value, str) else value


def instant(value: object, what: str) -> float | str:
    """Seconds since the epoch, also as text or in milliseconds, or RFC 3339. Raises `MalformedError` for anything else.

    >>> instant("1717158600", "at"), instant(1717158600250, "at"), instant("2024-05-31T12:30:00Z", "at")
    (1717158600.0, 1717158600.25, '2024-05-31T12:30:00Z')
    """
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value.strip()):
            return value
        value = float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        # an integer of JSON may be larger than any float; the decoder refuses either as out of range
        seconds = float(min(max(value, -1e300), 1e300))
        return seconds / 1000 if seconds >= _FIRST_MILLISECONDS else seconds
    raise MalformedError(f"expected `{what}` as a time, got {type(value).__name__}")


def utc_instant(value: object, what: str) -> float | str:
    """As `instant`; a date and a time without an offset are UTC.

    >>> utc_instant("2017-03-22T16:28:02", "at"), utc_instant("2009-03-26 21:35:57", "at"), utc_instant(5, "at")
    ('2017-03-22T16:28:02Z', '2009-03-26T21:35:57Z', 5.0)
    """
    found = instant(value, what)
    if isinstance(found, str) and _HAS_NO_OFFSET.fullmatch(found.strip()):
        return f"{found.strip().replace(' ', 'T')}Z"
    return found


def instant_ms(value: object) -> float | None:
    """The time that `instant` understands, in ms since the epoch; None for what is no time at all.

    >>> instant_ms("2024-05-31T12:30:00.250Z"), instant_ms("soon"), instant_ms(None)
    (1717158600250.0, None, None)
    """
    try:
        found = instant(value, "")
        if not isinstance(found, str):
            return found * 1000 if 0 <= found < _LATEST_S else None
        return msgspec.convert(found, datetime).timestamp() * 1000 if _HAS_OFFSET.search(found) else None
    except (MalformedError, msgspec.ValidationError, OverflowError):
        return None


def event_id(provider: str, *parts: object) -> str:
    """An event id that is the same whenever the provider sends the event: its own id, or a hash of what it consists of.

    >>> event_id("segment", "ajs-1")
    'segment:ajs-1'
    >>> event_id("postmark", "Open", "m-1")
    'postmark:b39a471537b485a149bc17690d65f576'
    """
    only = text(parts[0]) if len(parts) == 1 else None
    if only is not None and only.isprintable() and len(f"{provider}:{only}") <= MAX_ID_CHARS:
        return f"{provider}:{only}"
    return f"{provider}:{hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]}"
