"""Reading JSON that others have written: fields by path, of the type that we need."""

import hashlib
import math
from collections.abc import Callable
from typing import Any, Final

import msgspec

from stream.adapters.adapter import Malformed, Translation
from stream.errors import StreamError

__all__ = [
    "MalformedError",
    "amount",
    "each",
    "event_id",
    "instant",
    "json_object",
    "label",
    "pick",
    "required",
    "text",
]

MAX_ID_CHARS: Final = 100
MAX_LABEL_CHARS: Final = 256


class MalformedError(StreamError):
    """A call or an event is not what the provider's documentation says."""


def decoded(body: bytes) -> Any:
    """The JSON in ``body``. Raises `MalformedError`."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(f"the body is no JSON: {error}") from error


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

    >>> text("c-1"), text(17), text(True), text(["c-1"])
    ('c-1', '17', None, None)
    """
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def label(value: object) -> str | None:
    """As `text`; None for what is too long, since an event is worth more than a field that nobody must have."""
    found = text(value)
    return found if found is not None and len(found) <= MAX_LABEL_CHARS else None


def amount(value: object) -> object:
    """A number, also one that was sent as text; anything else as it is, for the decoder to refuse.

    >>> amount("49.90"), amount(49.9), amount("free")
    (49.9, 49.9, 'free')
    """
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return value
        return number if math.isfinite(number) else value
    return value


def instant(value: object, what: str) -> float | str:
    """Seconds since the epoch, also as text, or RFC 3339. Raises `MalformedError` for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    raise MalformedError(f"expected `{what}` as a time, got {type(value).__name__}")


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
