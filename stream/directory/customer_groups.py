"""Groups of customers: how many there are of each, and what the groups are called."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, func, literal, select

from stream.directory.schema import channels, customers

__all__ = ["by_channel", "counted", "names_of"]

_MAX_NAMES: Final = 100


def counted(connection: Connection, column: str) -> dict[str, int]:
    """How many customers there are of each stage, tier or segment; those of none are left out."""
    of = customers.c[column]
    query = select(of, func.count()).where(of.is_not(None)).group_by(of)
    return {str(name): int(count) for name, count in connection.execute(query)}


def by_channel(connection: Connection) -> dict[str, int]:
    """How many customers came by each channel at least once, most first."""
    of = channels.c
    query = select(of.channel, func.count()).group_by(of.channel).order_by(func.count().desc(), of.channel)
    return {str(name): int(count) for name, count in connection.execute(query)}


def names_of(connection: Connection, column: str) -> list[str]:
    """The names of stages, tiers or segments that customers have, or of channels by which they came, sorted.

    One query, with a look into the index for each name. Channels are any text, so there may be more than are found:
    the first hundred.
    """
    of = (channels if column == "channel" else customers).c[column]
    found = select(func.min(of).label("name"), literal(1).label("place")).cte("found", recursive=True)
    after = select(func.min(of)).where(of > found.c.name).scalar_subquery()
    is_followed = (found.c.name.is_not(None), found.c.place < _MAX_NAMES)
    found = found.union_all(select(after, found.c.place + 1).where(*is_followed))
    names = select(found.c.name).where(found.c.name.is_not(None)).order_by(found.c.place)
    return [str(name) for name in connection.execute(names).scalars()]
