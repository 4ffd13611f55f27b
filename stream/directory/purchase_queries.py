"""Asking for what some customers bought, as comparisons of customers need it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from stream.directory.customer_rows import rows_of_customers
from stream.directory.linked_persons import LinkedPersons
from stream.directory.purchases import bought
from stream.directory.row_changes import first_of_each, of_customers
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
    """What these persons bought: as `stream.events.order_book` counts it, which reads a whole topic for it."""
    persons = LinkedPersons.of(connection, customer_ids)
    of_asked = dict.fromkeys(map(persons.customer_of, customer_ids))
    owners = {own_id: customer for customer in of_asked for own_id in persons.ids_of(customer)}
    told: dict[str, list[TimelineEntry]] = {
        row.customer_id: [] for row in rows_of_customers(connection, customers, [*of_asked])
    }
    rows = rows_of_customers(connection, timeline, [*owners], source=EventType.PURCHASE.value)
    for entry in first_of_each(of_customers([TimelineEntry._make(row) for row in rows], owners)):
        told.setdefault(entry.customer_id, []).append(entry)
    purchases = {customer: bought(entries).purchases for customer, entries in told.items()}
    found = {one: purchases[of] for one in customer_ids if (of := persons.customer_of(one)) in purchases}
    return KnownPurchases(found, connection.execute(select(func.max(customers.c.last_order_ms))).scalar())
