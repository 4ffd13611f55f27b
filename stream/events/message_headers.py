"""Headers of a Kafka message, as the client gives them: texts or bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["headers_of", "raw"]


def raw(given: str | bytes | None) -> bytes | None:
    """Bytes, also of a text; None stays.

    >>> raw("a"), raw(b"b"), raw(None)
    (b'a', b'b', None)
    """
    return given.encode() if isinstance(given, str) else given


def headers_of(given: Iterable[Sequence[Any]] | None) -> list[tuple[str, bytes | None]]:
    """Names and values of what `confluent_kafka.Message.headers` gives; None: there are none.

    >>> headers_of([("a", b"1"), ["b", None]]), headers_of(None)
    ([('a', b'1'), ('b', None)], [])
    """
    return [(str(header[0]), raw(header[1])) for header in given or ()]
