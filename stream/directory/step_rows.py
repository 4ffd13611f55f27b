"""What a step changes, with the rows that it touches: as those of persons, whatever ids they come under."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from stream.directory import schema
from stream.directory.customer_rows import chunks, rows_of_customers
from stream.directory.database import as_dict
from stream.directory.linked_persons import LinkedPersons
from stream.directory.row_changes import (
    Changes,
    Incoming,
    TimelinePurchases,
    first_of_each,
    fold,
    of_customers,
    of_purchases,
)
from stream.directory.timeline import Document, TimelineEntry
from stream.events.kinds import EventType

__all__ = ["changes_of"]


def changes_of(
    connection: Connection, new: Sequence[TimelineEntry], incoming: Incoming, zone: ZoneInfo
) -> tuple[list[TimelineEntry], Changes]:
    """Entries that were not known before, as those of persons, and the rows that they and documents change.

    A document of an id that belongs to another customer is kept for when it does not any more.
    """
    persons = LinkedPersons.of(
        connection, [*dict.fromkeys([*(entry.customer_id for entry in new), *incoming.documents])]
    )
    customers = {one: persons.customer_of(one) for one in persons.linked}
    of_persons = of_customers(new, customers)
    documents = dict[str, Document]()
    for own_id, newest in incoming.documents.items():
        if customers.get(own_id, own_id) == own_id:
            documents[own_id] = incoming.last[own_id] if own_id in persons.linked else newest
        else:
            columns = incoming.last[own_id].columns
            connection.execute(
                schema.persons.update().where(schema.persons.c.customer_id == own_id).values(document=columns)
            )
    touched = dict.fromkeys([*(entry.customer_id for entry in of_persons), *documents])
    rows = rows_of_customers(connection, schema.customers, [*touched])
    stored = {row.customer_id: as_dict(row) for row in rows}
    purchases = _purchases(connection, new, of_purchases(of_persons), persons)
    repeats = _repeats(connection, new, of_persons, persons)
    changes = fold(of_persons, documents, stored, purchases, zone, repeats=repeats, newest=persons.linked)
    return of_persons, changes


def _purchases(
    connection: Connection, new: Sequence[TimelineEntry], customers: Sequence[str], persons: LinkedPersons
) -> dict[str, TimelinePurchases]:
    owners = {one: customer for customer in customers for one in persons.ids_of(customer)}
    rows = rows_of_customers(connection, schema.timeline, [*owners], source=EventType.PURCHASE.value)
    entries = [TimelineEntry._make(row) for row in rows]
    added = {entry[:3] for entry in new}
    known = [entry for entry in entries if entry[:3] not in added]
    found: dict[str, tuple[list[TimelineEntry], list[TimelineEntry]]] = {one: ([], []) for one in customers}
    for place, some in enumerate((entries, known)):
        for entry in first_of_each(of_customers(some, owners)):
            found[entry.customer_id][place].append(entry)
    return {customer: TimelinePurchases(*told) for customer, told in found.items()}


def _repeats(
    connection: Connection, new: Sequence[TimelineEntry], of_persons: Sequence[TimelineEntry], persons: LinkedPersons
) -> set[int]:
    """Places in ``of_persons`` of entries that came under another id of the same person before."""
    several = {customer for entry in of_persons if len(persons.ids_of(customer := entry.customer_id)) > 1}
    if not several:
        return set()
    known: set[tuple[str, str, int]] = set()
    added = {entry[:3] for entry in new}
    of = schema.timeline.c
    wanted: dict[str, dict[int, None]] = defaultdict(dict)
    for entry in of_persons:
        if entry.customer_id in several:
            wanted[entry.customer_id][entry.id] = None
    for customer, numbers in wanted.items():
        ids = persons.ids_of(customer)
        for chunk in chunks([*numbers]):
            query = select(of.customer_id, of.source, of.id).where(of.customer_id.in_(ids), of.id.in_(chunk))
            found: Sequence[Any] = connection.execute(query).all()
            known |= {(customer, row.source, row.id) for row in found if tuple(row) not in added}
    places = set()
    for place, entry in enumerate(of_persons):
        if entry[:3] in known:
            places.add(place)
        elif entry.customer_id in several:
            known.add(entry[:3])
    return places
