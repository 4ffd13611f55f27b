"""Whom records and stored states are about, for the erasure of a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from stream.events.record import Record
from stream.identity import records as identity_records
from stream.identity.departures import arrived_as
from stream.privacy.erasures import Erasures
from stream.texts import text_records

__all__ = ["ids_in", "of_others", "subjects"]

#: Keys of topics whose records are all in one partition; whom they are about is in their values.
_KEYS: Final = frozenset({identity_records.KEY.encode(), text_records.KEY.encode()})


class _Named(msgspec.Struct):
    customer_id: str | None = None
    one: str | None = None
    other: str | None = None


_DECODER: Final = msgspec.json.Decoder(_Named)


def subjects(key: bytes | None, value: bytes | None) -> Iterable[str]:
    """The ids that a record of any topic is about; none of one that cannot be read, which is refused elsewhere."""
    key = key or b""
    if key not in _KEYS:
        return (key.decode(errors="replace"),)
    try:
        named = _DECODER.decode(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ()
    return [one for one in (named.customer_id, named.one, named.other) if one is not None]


def of_others(records: Sequence[Record], erasures: Erasures) -> Sequence[Record]:
    """The records that are about nobody who is erased, neither by their key nor by the id under which they came."""
    if erasures.is_empty:
        return records
    refuses = erasures.refuses
    return [
        one
        for one in records
        if not any(refuses(who, one.timestamp) for who in subjects(one.key, one.value))
        and not (one.headers and refuses(arrived_as(one.headers), one.timestamp))
    ]


def ids_in(key: str) -> Iterator[str]:
    r"""The ids that the key of a state may be of: itself, and what follows a kind.

    >>> [*ids_in("customer/c-1"), *ids_in("\x1fc-1")]
    ['customer/c-1', 'c-1', '\x1fc-1', 'c-1']
    """
    yield key
    for mark in ("/", "\x1f"):
        _, found, rest = key.partition(mark)
        if found:
            yield rest
