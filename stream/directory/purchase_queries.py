"""Asking for what some customers bought, as comparisons of customers need it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from stream.directory.customer_rows import rows_of_customers
from stream.directory.purchases import bought
from stream.directory.schema import customers, timeline
from stream.directory.timeline import TimelineEntry
from stream.events.kinds import EventType
from stream.events.order_book import Purchase

__all__ = ["KnownPurchases", "known_purchases"]


class KnownPurchases(NamedTuple):
    """Orders and refunds that count, by customer and time; ``as_of_ms``: the newest order of any customer.

    ``purchases`` are those of all customers whom the directory knows: nobody who was erased is among them.
    """

    purchases: Mapping[str, Sequence[Purchase]]
    as_of_ms: int | None


def known_purchases(connection: Connection, customer_ids: Sequence[str]) -> KnownPurchases:
    """What these customers bought: as `stream.events.order_book` counts it, which reads a whole topic for it."""
    known = rows_of_customers(connection, customers, customer_ids)
    told: dict[str, list[TimelineEntry]] = {row.customer_id: [] for row in known}
    for row in rows_of_customers(connection, timeline, customer_ids, source=EventType.PURCHASE.value):
        told.setdefault(row.customer_id, []).append(TimelineEntry._make(row))
    found = {customer: bought(entries).purchases for customer, entries in told.items()}
    return KnownPurchases(found, connection.execute(select(func.max(customers.c.last_order_ms))).scalar())
