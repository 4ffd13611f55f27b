"""Rows and sums follow persons: what links join is one customer in all of them, what is taken apart two again.

The timeline keeps each entry under the id under which it came first. All other rows of a person, and what the person
adds to the sums, are made from the entries of all ids. So they are made again when the ids of a person change: an order
of events and links is as good as any other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete

from stream.directory import schema
from stream.directory.campaigns import resummed
from stream.directory.customer_rows import chunks, rows_of_customers
from stream.directory.database import as_dict
from stream.directory.linked_persons import Grouping, node_row
from stream.directory.mailings import Mailing, MailingKey, followed, heard
from stream.directory.purchases import Cell, bought, contributions
from stream.directory.row_changes import (
    DOCUMENT_COLUMNS,
    TimelinePurchases,
    first_of_each,
    flows_of,
    fold,
    of_customers,
    of_purchases,
)
from stream.directory.row_writing import upsert, write_changes
from stream.directory.timeline import Document, TimelineEntry

__all__ = ["regroup"]

#: Ids whose entries are in memory at once, but for a person who has more.
_AT_ONCE: Final = 500
_OF_PERSONS: Final = (schema.customers, schema.channels, schema.orders, schema.mailings)


def regroup(connection: Connection, grouping: Grouping, zone: ZoneInfo) -> None:
    """Store what ids remember now, and make the rows and sums of all whose ids have changed again."""
    upsert(connection, schema.persons, [node_row(one, node) for one, node in grouping.nodes.items()])
    for lot in grouping.lots(_AT_ONCE):
        _make_again(connection, lot, grouping, zone)


def _make_again(connection: Connection, lot: Sequence[str], grouping: Grouping, zone: ZoneInfo) -> None:
    owners = [*dict.fromkeys([*lot, *(grouping.before[one] for one in lot)])]
    entries = [TimelineEntry._make(row) for row in rows_of_customers(connection, schema.timeline, lot)]
    documents = _taken_documents(connection, lot)
    mailings = [Mailing._make(row) for row in rows_of_customers(connection, schema.mailings, owners)]
    for chunk in chunks(owners):
        for table in _OF_PERSONS:
            connection.execute(delete(table).where(table.c.customer_id.in_(chunk)))
    for own_id, columns in documents.items():
        if grouping.after[own_id] != own_id:
            place = schema.persons.c.customer_id == own_id
            connection.execute(schema.persons.update().where(place).values(document=columns))
    of_now = of_customers(entries, grouping.after)
    bought_now = _purchases_of(of_now)
    purchases = {customer: TimelinePurchases(told, ()) for customer, told in bought_now.items()}
    rows = {
        own_id: Document(own_id, columns) for own_id, columns in documents.items() if grouping.after[own_id] == own_id
    }
    changes = fold(of_now, rows, {}, purchases, zone, repeats=_repeats(of_now))
    totals = Counter(changes.totals)
    of_then = of_customers(entries, grouping.before)
    for told in _purchases_of(of_then).values():
        totals.subtract(contributions(bought(told).purchases, zone))
    for entry in first_of_each(of_then):
        totals.subtract(flows_of(entry, zone))
    moved: dict[Cell, int] = {cell: value for cell, value in totals.items() if value}
    mailed = resummed(connection, mailings, _mailings_of(of_now, changes.orders).values())
    write_changes(connection, changes._replace(totals=moved), mailed)


def _taken_documents(connection: Connection, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The columns of the newest document of each id that had one."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows_of_customers(connection, schema.persons, ids):
        if row.document is not None:
            found[row.customer_id] = row.document
    for row in rows_of_customers(connection, schema.customers, ids):
        columns = as_dict(row)
        if columns["document_events"] is not None:
            found[row.customer_id] = {name: columns[name] for name in DOCUMENT_COLUMNS}
    return found


def _repeats(entries: Iterable[TimelineEntry]) -> set[int]:
    """Places of entries that another id of the same customer has as well."""
    known: set[tuple[str, str, int]] = set()
    found = set()
    for place, entry in enumerate(entries):
        if entry[:3] in known:
            found.add(place)
        known.add(entry[:3])
    return found


def _purchases_of(entries: Sequence[TimelineEntry]) -> dict[str, list[TimelineEntry]]:
    found: dict[str, list[TimelineEntry]] = {customer: [] for customer in of_purchases(entries)}
    for entry in first_of_each(entries):
        if entry.customer_id in found:
            found[entry.customer_id].append(entry)
    return found


def _mailings_of(entries: Iterable[TimelineEntry], orders: Iterable[Mapping[str, Any]]) -> dict[MailingKey, Mailing]:
    found, _ = heard(entries, {})
    of_customer: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for order in orders:
        of_customer[order["customer_id"]].append(order)
    return {key: followed(mailing, of_customer[key[0]]) for key, mailing in found.items()}
