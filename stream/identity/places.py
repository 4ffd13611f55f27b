"""From which place of the topic `arrivals` a record of events came: what is published again after a crash counts once.

A crash may publish the end of an outbox again. Records that one partition of `arrivals` gives reach a partition of a
topic in the order of their places, and those that are repeated begin again at an earlier place. So a record is a
repetition if its place is not after the last one that came from there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from stream.events.record import Record
from stream.identity.departures import AGAIN, is_repeat

__all__ = [
    "PLACE",
    "Place",
    "appended_header",
    "appended_ms",
    "first_of_each",
    "is_published_again",
    "place_header",
    "place_in",
    "was_copied",
    "without_place",
]

PLACE: Final = "place"
#: Of a record of `arrivals` that was copied to another broker: when the first one appended it. It is the last header.
_APPENDED: Final = "appended"
#: The last header of what may not be the first: it has a place, or lost its place when it was copied.
_TOLD_LAST: Final = (PLACE, AGAIN)
_MAX_DIGITS: Final = 15
_DIGITS: Final = re.compile(rb"(\d{1,5}) (\d{1,16}) (\d{1,5}) (\d{1,14})")
#: By so much the clocks of two brokers may differ. What is said to be newer than its record was not written by workers.
_SKEW_MS: Final = 60_000

_Headers = Sequence[tuple[str, bytes | None]]


class Place(NamedTuple):
    """A record is the ``number``-th of those that follow from the record at ``offset`` of ``partition`` of `arrivals`.

    ``at_ms``: when that one was appended, by the broker's clock.
    """

    partition: int
    offset: int
    number: int
    at_ms: int


def place_header(place: Place) -> tuple[str, bytes | None]:
    """The header of a record that came from a place. It is the last one, so that records without are known at once."""
    return PLACE, b"%d %d %d %d" % place


def place_in(headers: _Headers) -> Place | None:
    """From where a record came; None: not from `arrivals`.

    >>> place_in([place_header(Place(3, 70, 0, 1_700_000_000_000))])
    Place(partition=3, offset=70, number=0, at_ms=1700000000000)
    >>> place_in([("place", b"here")]), place_in([])
    (None, None)
    """
    value = headers[-1][1] if headers and headers[-1][0] == PLACE else None
    found = _DIGITS.fullmatch(value) if value is not None else None
    return None if found is None else Place(*map(int, found.groups()))


def appended_header(at_ms: int) -> tuple[str, bytes | None]:
    """The header of a record that is copied, and was appended at ``at_ms``. It is the last one."""
    return _APPENDED, b"%d" % at_ms


def was_copied(headers: _Headers) -> bool:
    """Whether the headers say when the record was appended first."""
    return bool(headers) and headers[-1][0] == _APPENDED


def appended_ms(record: Record) -> int:
    """When a record of `arrivals` was appended first: a copy keeps the places that follow from it, and ends of holds.

    >>> from types import SimpleNamespace
    >>> [appended_ms(SimpleNamespace(timestamp=9000, headers=of)) for of in ([], [appended_header(7000)])]
    [9000, 7000]
    """
    value = record.headers[-1][1] if was_copied(record.headers) else None
    if value is None or len(value) > _MAX_DIGITS or not value.isdigit():
        return record.timestamp
    return min(int(value), record.timestamp)


def without_place(headers: _Headers) -> list[tuple[str, bytes | None]]:
    """The headers of a record that is to be read anew, wherever it is published."""
    return [(name, value) for name, value in headers if name != PLACE]


def first_of_each(records: Sequence[Record], topic: str, newest: dict[str, tuple[int, int, int]]) -> Sequence[Record]:
    """The records of ``topic`` that came for the first time, as far as workers have published them.

    ``newest``: offset and number of the last place, and the latest ``at_ms``, by topic and partition of `arrivals`; it
    is brought up to date. A log that was deleted and made anew has smaller offsets and later times.
    """
    return [
        record
        for record in records
        if not record.headers
        or record.headers[-1][0] not in _TOLD_LAST
        or not (is_published_again(record.headers, record.timestamp, topic, newest) or is_repeat(record.headers))
    ]


def is_published_again(
    headers: _Headers, appended_ms: int, topic: str, newest: dict[str, tuple[int, int, int]]
) -> bool:
    """Whether a record of ``topic`` was there before, by its place; ``newest``: as for `first_of_each`."""
    place = place_in(headers)
    if place is None or place.at_ms > appended_ms + _SKEW_MS:
        return False
    source = f"{topic}/{place.partition}"
    known = newest.get(source)
    if known is not None and (place.offset, place.number) <= known[:2] and place.at_ms <= known[2]:
        return True
    newest[source] = (place.offset, place.number, max(place.at_ms, 0 if known is None else known[2]))
    return False
