"""Asking for a person who has several ids: each event is in the rows of the id under which it came first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, select

from stream.directory.customer_queries import customer
from stream.directory.database import as_dict
from stream.directory.schema import channels, customers

__all__ = ["person"]

_SUMS: Final = ("events", "orders", "spend")
_CHOICES: Final[dict[str, Callable[[Iterable[int]], int]]] = {
    "first_ms": min,
    "first_order_ms": min,
    "last_ms": max,
    "last_order_ms": max,
}


def person(connection: Connection, customer_id: str, others: Sequence[str] = ()) -> dict[str, Any] | None:
    """The row of a customer as `customer` has it, with what came under ``others``, the person's further ids.

    Events, orders, money, first and last times and channels are those of all ids. Risk, stage, value and what else the
    core says are those of the customer: in the core histories follow by themselves. None for an unknown customer.

    Raises `SettingsError` for a text that is no id.
    """
    of = customer(connection, customer_id)
    if of is None or not others:
        return of
    rows = [as_dict(row) for row in connection.execute(select(customers).where(customers.c.customer_id.in_(others)))]
    for name in _SUMS:
        of[name] = sum(row[name] or 0 for row in (of, *rows))
    for name, chosen in _CHOICES.items():
        known = [row[name] for row in (of, *rows) if row[name] is not None]
        of[name] = chosen(known) if known else None
    used = Counter(of["channels"])
    for channel, count in connection.execute(
        select(channels.c.channel, channels.c.events).where(channels.c.customer_id.in_(others))
    ):
        used[channel] += count
    of["channels"] = dict(sorted(used.items(), key=lambda one: (-one[1], one[0])))
    return of
