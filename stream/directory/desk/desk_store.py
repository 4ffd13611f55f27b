"""What people record about customers: actions on their way to the topic, who looks after whom, and what is put off.

An action waits here until it can no longer be undone, and is published then; the order of that is: claim, publish,
mark. So what was undone is never published, and what a crash leaves claimed is published again under the same id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Self

from sqlalchemy import delete, func, or_, select, update

from stream.alerts.action_records import Action
from stream.alerts.decoding import encode_action
from stream.catalogue.windows import DAY_MS
from stream.directory.customer_rows import chunks
from stream.directory.database import as_dict, connect, insert_of, overwritten, reading, writing
from stream.directory.desk.desk_tables import actions, audit, notes
from stream.directory.migrating import DESK, is_newest, upgrade

__all__ = ["UNDO_MS", "DeskStore", "Note", "Recorded", "desk_url"]

#: How long an action can be undone.
UNDO_MS: Final = 60_000
#: After so long what was published is forgotten here; the topic has it.
_KEPT_MS: Final = 90 * DAY_MS


class Recorded(NamedTuple):
    """An action that somebody recorded. ``can_undo``: it has not been published, and nobody is about to."""

    action_id: str
    kind: str
    recorded_by: str
    recorded_ms: int
    can_undo: bool
    published_ms: int | None


class Note(NamedTuple):
    """Who looks after a customer, and until when (ms) they are put off."""

    assigned_to: str | None = None
    snoozed_until_ms: int | None = None


class DeskStore:
    """Use as a context manager; raises `StorageError` when the database is away. Migrates the tables when opened."""

    def __init__(self, url: str) -> None:
        self.engine = connect(url)
        self._insert = insert_of(self.engine)

    def __enter__(self) -> Self:
        try:
            with reading(self.engine) as connection:
                is_made = is_newest(connection, DESK)
            if not is_made:
                upgrade(self.engine, DESK)
        except BaseException:
            self.engine.dispose()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.dispose()

    def record(self, action: Action, by: str, now_ms: int) -> bool:
        """Keep an action, to be published after `UNDO_MS`; False for one of the same id."""
        row = {
            "action_id": action.action_id,
            "customer_id": action.customer_id,
            "kind": action.action.value,
            "record": encode_action(action),
            "recorded_by": by,
            "recorded_ms": now_ms,
            "publish_ms": now_ms + UNDO_MS,
        }
        with writing(self.engine) as connection:
            entering = self._insert(actions).on_conflict_do_nothing().returning(actions.c.action_id)
            return connection.execute(entering, row).first() is not None

    def undo(self, action_id: str) -> bool:
        """Forget an action that nobody has claimed; False when it is too late, or there is none."""
        of = actions.c
        query = delete(actions).where(of.action_id == action_id, of.claimed_ms.is_(None)).returning(of.action_id)
        with writing(self.engine) as connection:
            return connection.execute(query).first() is not None

    def claim(self, now_ms: int) -> list[tuple[str, str, bytes]]:
        """Ids, customers and records that are to be published now; they can no longer be undone."""
        of = actions.c
        due = (of.published_ms.is_(None), or_(of.claimed_ms.is_not(None), of.publish_ms <= now_ms))
        with reading(self.engine) as connection:
            if connection.execute(select(of.action_id).where(*due).limit(1)).first() is None:
                return []
        with writing(self.engine) as connection:
            connection.execute(update(actions).where(*due, of.claimed_ms.is_(None)).values(claimed_ms=now_ms))
            wanted = select(of.action_id, of.customer_id, of.record).where(
                of.published_ms.is_(None), of.claimed_ms.is_not(None)
            )
            found = connection.execute(wanted.order_by(of.recorded_ms, of.action_id))
            return [(row.action_id, row.customer_id, row.record) for row in found]

    def due(self, now_ms: int) -> tuple[int, int | None]:
        """How many actions could have been published by now and are not, and since when the oldest could (ms)."""
        of = actions.c
        query = select(func.count(), func.min(of.publish_ms)).where(of.published_ms.is_(None), of.publish_ms <= now_ms)
        with reading(self.engine) as connection:
            count, oldest_ms = connection.execute(query).one()
            return count, oldest_ms

    def published(self, action_id: str, now_ms: int) -> None:
        """Mark what Kafka has confirmed, and forget what it confirmed long ago."""
        of = actions.c
        with writing(self.engine) as connection:
            connection.execute(update(actions).where(of.action_id == action_id).values(published_ms=now_ms))
            connection.execute(delete(actions).where(of.published_ms < now_ms - _KEPT_MS))

    def recorded(self, customers: Sequence[str], since_ms: int) -> dict[str, list[Recorded]]:
        """What was recorded about each of the customers from ``since_ms`` on, the newest first."""
        of = actions.c
        found: dict[str, list[Recorded]] = {}
        with reading(self.engine) as connection:
            for chunk in chunks(customers):
                query = select(actions).where(of.customer_id.in_(chunk), of.recorded_ms >= since_ms)
                for row in connection.execute(query.order_by(of.recorded_ms.desc(), of.action_id)):
                    one = (row.action_id, row.kind, row.recorded_by, row.recorded_ms)
                    found.setdefault(row.customer_id, []).append(
                        Recorded(*one, can_undo=row.claimed_ms is None, published_ms=row.published_ms)
                    )
        return found

    def assign(self, customer_id: str, to: str | None) -> None:
        """Say who looks after a customer; None: nobody."""
        self._note(customer_id, {"assigned_to": to})

    def snooze(self, customer_id: str, until_ms: int | None) -> None:
        """Put a customer off until a time; None: no longer."""
        self._note(customer_id, {"snoozed_until_ms": until_ms})

    def notes(self, customers: Sequence[str]) -> dict[str, Note]:
        """What is noted of customers, of those of whom something is."""
        with reading(self.engine) as connection:
            return {
                row.customer_id: Note(row.assigned_to, row.snoozed_until_ms)
                for chunk in chunks(customers)
                for row in connection.execute(select(notes).where(notes.c.customer_id.in_(chunk)))
            }

    def rows_of(self, customer_id: str) -> dict[str, list[dict[str, Any]]]:
        """All rows of a customer, by table."""
        with reading(self.engine) as connection:
            return {
                table.name: [
                    as_dict(row) for row in connection.execute(select(table).where(table.c.customer_id == customer_id))
                ]
                for table in (actions, notes, audit)
            }

    def erase(self, customer_id: str) -> None:
        """Forget a customer, in the audit trail as well; what has not been published about them never is."""
        with writing(self.engine) as connection:
            for table in (actions, notes):
                connection.execute(delete(table).where(table.c.customer_id == customer_id))
            of_customer = audit.c.customer_id == customer_id
            connection.execute(update(audit).where(of_customer).values(customer_id=None))
        overwritten(self.engine)

    def _note(self, customer_id: str, values: Mapping[str, Any]) -> None:
        with writing(self.engine) as connection:
            entering = self._insert(notes).values(customer_id=customer_id, **values)
            connection.execute(entering.on_conflict_do_update(index_elements=["customer_id"], set_=values))


def desk_url(directory_url: str) -> str:
    """Where the desk of a directory is: the same PostgreSQL, or the file ``console.sqlite`` beside that of SQLite.

    A file of its own, so that who clicks does not wait for steps of the directory.

    >>> desk_url("sqlite:////var/lib/shop/directory.sqlite")
    'sqlite:////var/lib/shop/console.sqlite'
    """
    if not directory_url.startswith("sqlite"):
        return directory_url
    return f"{directory_url.rpartition('/')[0]}/console.sqlite"
