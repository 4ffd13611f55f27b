"""Asking for what happened to one customer: the timeline of all channels, and the orders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select, tuple_

from stream.directory.customer_queries import cursor_of, position_of
from stream.directory.database import as_dict
from stream.directory.linked_persons import customer_of, ids_of
from stream.directory.schema import orders, timeline
from stream.directory.timeline import ACTION, ALERT, STAGE, TimelineEntry
from stream.errors import CursorError, SettingsError
from stream.events.kinds import EventType

__all__ = ["Page", "orders_of", "timeline_page"]


_SOURCES: Final = (*map(str, EventType), ALERT, ACTION, STAGE)


class Page(NamedTuple):
    """``entries``: the newest first. ``cursor``: where the next page begins, None after the last."""

    entries: Sequence[TimelineEntry]
    cursor: str | None


def timeline_page(
    connection: Connection,
    customer_id: str,
    *,
    limit: int,
    cursor: str | None = None,
    sources: Sequence[str] = (),
    hidden: Sequence[str] = (),
) -> Page:
    """At most ``limit`` entries of ``sources`` (none: all) that are not among ``hidden``, under all ids of the person.

    Raises `SettingsError` for a text that is no cursor, or no source.
    """
    if unknown := [source for source in sources if source not in _SOURCES]:
        raise SettingsError(f"there is no source {unknown[0]!r}; there are {', '.join(_SOURCES)}")
    of = timeline.c
    place = (of.at_ms, of.source, of.id)
    query = select(timeline).where(of.customer_id.in_(ids_of(connection, customer_id)))
    query = query.order_by(*(column.desc() for column in place))
    if sources:
        query = query.where(of.source.in_([*sources]))
    if hidden:
        query = query.where(of.source.not_in([*hidden]))
    if cursor is not None:
        position = position_of(cursor, 3)
        if [*map(type, position)] != [int, str, int]:
            raise CursorError
        query = query.where(tuple_(*place) < tuple_(*position))
    entries = [TimelineEntry._make(row) for row in connection.execute(query.limit(limit + 1))]
    if len(entries) <= limit:
        return Page(entries, None)
    last = entries[limit - 1]
    return Page(entries[:limit], cursor_of(last.at_ms, last.source, last.id))


def orders_of(connection: Connection, customer_id: str) -> list[dict[str, Any]]:
    """All orders of a person, the newest first. Last: orders of whose refund or cancellation alone somebody told."""
    of = orders.c
    query = select(orders).where(of.customer_id == customer_of(connection, customer_id))
    newest = query.order_by(of.completed_ms.is_(None), of.completed_ms.desc(), of.order_id)
    return [as_dict(row) for row in connection.execute(newest)]
