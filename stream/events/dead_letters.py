"""Dead letters: records that could not be processed, with the reason, for people and for a later replay."""

from typing import Final, NamedTuple

from stream.events.record import Record
from stream.events.rejections import Rejection, printable
from stream.events.times import rfc3339

__all__ = ["HEADER_PREFIX", "MAX_RECORD_BYTES", "DeadLetter", "dead_letter"]

HEADER_PREFIX: Final = "dlq."

#: Brokers take records of 1 MiB unless told otherwise; the rest is left for our headers and the framing.
MAX_RECORD_BYTES: Final = 900_000


class DeadLetter(NamedTuple):
    """A record for the dead-letter topic."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


def dead_letter(
    record: Record,
    rejection: Rejection,
    *,
    topic: str,
    partition: int,
    at_ms: int,
    max_bytes: int = MAX_RECORD_BYTES,
) -> DeadLetter:
    """Return `record` as a dead letter: its own key, value bytes and headers, and why it was rejected.

    The added headers are ``dlq.topic``, ``dlq.partition``, ``dlq.offset``, ``dlq.reason``, ``dlq.detail`` and
    ``dlq.at`` (RFC 3339). If key, value and headers exceed `max_bytes` together, the value is cut to fit and
    ``dlq.truncated_from`` gives its length; should key or headers alone leave no room, the key is cut too
    (``dlq.key_truncated_from``) and the headers go (``dlq.headers_dropped``). ``dlq.`` headers that the record
    brings along, because it is a dead letter that was replayed, are replaced.

    A ``null`` key or value stays ``null``: keep the dead-letter topic uncompacted.
    """
    headers = [(name, text) for name, text in record.headers or () if not name.startswith(HEADER_PREFIX)]
    key, value = record.key, record.value
    added = {
        "topic": topic,
        "partition": str(partition),
        "offset": str(record.offset),
        "reason": rejection.reason.value,
        "detail": printable(rejection.detail),
        "at": rfc3339(at_ms),
    }
    room = max_bytes
    if key is not None and len(key) > room // 2:
        added["key_truncated_from"] = str(len(key))
        key = key[: room // 2]
    room -= len(key or b"")
    header_bytes = sum(len(name.encode()) + len(text or b"") for name, text in headers)
    if header_bytes > room:
        added["headers_dropped"] = str(len(headers))
        headers, header_bytes = [], 0
    room -= header_bytes
    if value is not None and len(value) > room:
        added["truncated_from"] = str(len(value))
        value = value[:room]
    headers += [(HEADER_PREFIX + name, text.encode()) for name, text in added.items()]
    return DeadLetter(key, value, headers)
