"""Writing rows of the directory over those of the same key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table

from stream.directory import schema
from stream.directory.campaigns import CampaignChanges
from stream.directory.database import insert_of
from stream.directory.row_changes import Changes

__all__ = ["upsert", "write_changes"]


def write_changes(connection: Connection, changes: Changes, mailed: CampaignChanges) -> None:
    """Write what a step changes."""
    columns = [column.name for column in schema.customers.columns]
    rows = [{name: row.get(name) for name in columns} for row in changes.customers]
    upsert(connection, schema.customers, rows)
    upsert(connection, schema.orders, changes.orders)
    totals = [{**cell._asdict(), "value": value} for cell, value in changes.totals.items()]
    upsert(connection, schema.totals, totals, adding="value")
    upsert(connection, schema.mailings, [one._asdict() for one in mailed.mailings])
    upsert(connection, schema.campaigns, [one._asdict() for one in mailed.campaigns])
    channels = [
        {"customer_id": customer, "channel": channel, "events": count}
        for (customer, channel), count in changes.channels.items()
    ]
    upsert(connection, schema.channels, channels, adding="events")


def upsert(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, adding: str | None = None
) -> None:
    """Write rows over those of the same key, or add one of their columns to those. Columns that are not given stay."""
    if not rows:
        return
    statement = insert_of(connection.engine)(table)
    keys = [column.name for column in table.primary_key.columns]
    if adding is None:
        given = [name for name in rows[0] if name not in keys]
        set_ = {name: statement.excluded[name] for name in given}
    else:
        set_ = {adding: table.c[adding] + statement.excluded[adding]}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=set_), [*map(dict, rows)])
