"""The rows of the directory, and the offsets that they are of: one transaction a step.

The order of a step: begin, prove the claim, enter what is new, read what it touches, fold, write rows and offsets,
commit. So rows and offsets are always of the same records, whatever dies and whenever.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, NamedTuple, Self
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, exists, func, select, text, update

from stream.directory import schema
from stream.directory.campaigns import campaign_changes
from stream.directory.customer_rows import chunks, rows_of_customers
from stream.directory.database import as_dict, connect, insert_of, overwritten, reading, writing
from stream.directory.linked_persons import regrouped, without
from stream.directory.migrating import is_newest, upgrade
from stream.directory.regrouping import regroup
from stream.directory.row_changes import VERSION, sorted_out
from stream.directory.row_writing import upsert, write_changes
from stream.directory.step_rows import changes_of
from stream.directory.timeline import TimelineEntry
from stream.errors import FencedError

__all__ = ["NAME", "DirectoryClaim", "DirectoryStore", "Progress", "Step"]

#: Among the projections.
NAME: Final = "directory"
_OF_CUSTOMERS: Final = (
    schema.timeline,
    schema.customers,
    schema.channels,
    schema.orders,
    schema.mailings,
    schema.persons,
)
_FOLDED: Final = (*_OF_CUSTOMERS, schema.totals, schema.campaigns, schema.offsets)
#: Beside the offsets of topics that are read: how far requests to erase are carried out.
_ERASED: Final = "/erased"

Position = tuple[str, int]


class DirectoryClaim(NamedTuple):
    """``token`` proves it; ``offsets``: the next record of each partition of a topic that has been read."""

    token: str
    generation: int
    offsets: Mapping[Position, int]


class Step(NamedTuple):
    """What was read: messages in the order of their topics, and the offsets after them.

    ``erased_up_to``: nothing is among them of people who were to be erased by requests before this offset.
    """

    messages: Sequence[object]
    offsets: Mapping[Position, int]
    skipped: int
    erased_up_to: int = 0


class Progress(NamedTuple):
    """``generation``: how often it was built again. ``folded``, ``skipped``: records since then.

    ``partitions``: as many of a topic have been read.
    """

    version: int
    generation: int
    folded: int
    skipped: int
    partitions: int


class DirectoryStore:
    """Use as a context manager; raises `StorageError` when the database is away. Migrates the tables when opened.

    ``zone``: of the shop, whose months and weeks are counted.
    """

    def __init__(self, url: str, zone: ZoneInfo) -> None:
        self.engine = connect(url)
        self._zone = zone
        self._insert = insert_of(self.engine)

    def __enter__(self) -> Self:
        try:
            if not self._is_made():
                self._make()
        except BaseException:
            self.engine.dispose()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.engine.dispose()

    def claim(self) -> DirectoryClaim:
        """Become the one who writes: every earlier claim is void from now on.

        Rows of another version of the fold, or of another time zone, are forgotten: the log is read from its start.
        """
        token = secrets.token_hex(8)
        with writing(self.engine) as connection:
            connection.execute(update(schema.run).values(token=token))
            run = connection.execute(select(schema.run)).one()
            generation = run.generation
            if (run.version, run.zone) != (VERSION, self._zone.key):
                generation = self._begin_another(connection)
            found = connection.execute(select(schema.offsets))
            offsets = {(row.topic, row.partition): row.next_offset for row in found if row.topic != _ERASED}
            return DirectoryClaim(token, generation, offsets)

    def verify(self, claim: DirectoryClaim) -> None:
        """Raises `FencedError` when the claim is void, or the directory is to be built again."""
        with reading(self.engine) as connection:
            self._check(connection, claim)

    def commit(self, claim: DirectoryClaim, step: Step) -> None:
        """Fold a step in. Raises `FencedError` as `verify` does; a step that fails leaves no trace."""
        with writing(self.engine) as connection:
            # locks the row, so that claims, erasures and rebuilds come before or after
            folded, skipped = schema.run.c.folded + len(step.messages), schema.run.c.skipped + step.skipped
            connection.execute(update(schema.run).values(folded=folded, skipped=skipped))
            self._check(connection, claim)
            if _erased_up_to(connection) > step.erased_up_to:
                raise FencedError("somebody was erased whose records may be in this step: it is read again")
            incoming = sorted_out(step.messages)
            if incoming.links:
                regroup(connection, regrouped(connection, incoming.links), self._zone)
            new = self._entered(connection, [*incoming.entries.values()])
            of_persons, changes = changes_of(connection, new, incoming, self._zone)
            write_changes(connection, changes, campaign_changes(connection, of_persons, changes.orders))
            rows = [
                {"topic": topic, "partition": partition, "next_offset": offset}
                for (topic, partition), offset in step.offsets.items()
            ]
            upsert(connection, schema.offsets, rows)

    def progress(self) -> Progress:
        with reading(self.engine) as connection:
            run = connection.execute(select(schema.run)).one()
            count = func.count(schema.offsets.c.partition.distinct())
            partitions = connection.execute(select(count)).scalar_one()
        return Progress(run.version, run.generation, run.folded, run.skipped, partitions)

    def read_until(self) -> dict[tuple[str, int], int]:
        """The next offset to be read of each topic and partition of which something has been read, in their order."""
        of = schema.offsets.c
        with reading(self.engine) as connection:
            query = select(of.topic, of.partition, of.next_offset).where(of.topic != _ERASED)
            found = connection.execute(query.order_by(of.topic, of.partition))
            return {(str(topic), int(partition)): int(offset) for topic, partition, offset in found}

    def rebuild(self) -> int:
        """Forget all rows, so that the log is read from its start; returns the number of the generation."""
        with writing(self.engine) as connection:
            return self._begin_another(connection)

    def erase(self, *customer_ids: str, up_to: int = 0) -> None:
        """Delete all rows of customers. The totals stay: they are of nobody alone. So do campaigns, but for those of
        which nobody else got mail.

        ``up_to``: by that, requests before this offset of the topic `privacy-requests` are carried out.
        """
        with writing(self.engine) as connection:
            connection.execute(update(schema.run).values(folded=schema.run.c.folded))
            of = schema.mailings.c
            grouping = without(connection, customer_ids)
            for chunk in chunks(customer_ids):
                told = connection.scalars(select(of.campaign).where(of.customer_id.in_(chunk)).distinct()).all()
                for table in _OF_CUSTOMERS:
                    connection.execute(delete(table).where(table.c.customer_id.in_(chunk)))
                for names in chunks(told):
                    theirs = schema.campaigns.c.campaign.in_(names)
                    is_others = exists().where(of.campaign == schema.campaigns.c.campaign)
                    connection.execute(delete(schema.campaigns).where(theirs, ~is_others))
            regroup(connection, grouping, self._zone)
            if up_to > _erased_up_to(connection):
                row = {"topic": _ERASED, "partition": 0, "next_offset": up_to}
                upsert(connection, schema.offsets, [row])
        overwritten(self.engine)

    def erased_up_to(self) -> int:
        """The offset of the topic `privacy-requests` before which requests are carried out here."""
        with reading(self.engine) as connection:
            return _erased_up_to(connection)

    def customer_ids(self) -> list[str]:
        """Every customer who has rows."""
        with reading(self.engine) as connection:
            tables = (schema.customers, schema.timeline, schema.persons)
            found = (connection.execute(select(table.c.customer_id).distinct()) for table in tables)
            return [*dict.fromkeys(row.customer_id for rows in found for row in rows)]

    def rows_of(self, customer_id: str) -> dict[str, list[dict[str, Any]]]:
        """All rows of a customer, by table."""
        with reading(self.engine) as connection:
            return {
                table.name: [as_dict(row) for row in rows_of_customers(connection, table, [customer_id])]
                for table in _OF_CUSTOMERS
            }

    def _is_made(self) -> bool:
        """Whether there is nothing to write: who only reads then waits for no writer, and needs no right to write."""
        with reading(self.engine) as connection:
            return is_newest(connection) and connection.execute(select(schema.run.c.id)).first() is not None

    def _make(self) -> None:
        upgrade(self.engine)
        with writing(self.engine) as connection:
            first = {"id": 1, "version": VERSION, "zone": self._zone.key, "generation": 0, "token": ""}
            rows = self._insert(schema.run).values(**first, folded=0, skipped=0)
            connection.execute(rows.on_conflict_do_nothing())

    def _begin_another(self, connection: Connection) -> int:
        begun = {"version": VERSION, "zone": self._zone.key, "folded": 0, "skipped": 0}
        connection.execute(update(schema.run).values(generation=schema.run.c.generation + 1, **begun))
        if self.engine.dialect.name == "postgresql":
            # deleting row by row takes minutes where there are many, and leaves their room behind
            connection.execute(text(f"TRUNCATE {', '.join(table.name for table in _FOLDED)}"))
        else:
            for table in _FOLDED:
                connection.execute(delete(table))
        return int(connection.execute(select(schema.run.c.generation)).scalar_one())

    def _check(self, connection: Connection, claim: DirectoryClaim) -> None:
        run = connection.execute(select(schema.run.c.token, schema.run.c.generation)).one()
        if run.token != claim.token:
            raise FencedError("another process writes the directory now: run one only", superseded=True)
        if run.generation != claim.generation:
            raise FencedError(f"the directory must be rebuilt: generation {run.generation}")

    def _entered(self, connection: Connection, entries: Sequence[TimelineEntry]) -> list[TimelineEntry]:
        """Insert entries; returns those that were not there."""
        table = schema.timeline
        key = (table.c.customer_id, table.c.source, table.c.id)
        entering = self._insert(table).on_conflict_do_nothing().returning(*key)
        by_key = {entry[:3]: entry for entry in entries}
        if not entries:
            return []
        entered = connection.execute(entering, [entry._asdict() for entry in entries])
        return [by_key[(row.customer_id, row.source, row.id)] for row in entered]


def _erased_up_to(connection: Connection) -> int:
    query = select(schema.offsets.c.next_offset).where(schema.offsets.c.topic == _ERASED)
    return int(connection.execute(query).scalar() or 0)
