"""What people saw and did in the console."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Engine, delete, select

from stream.catalogue.windows import DAY_MS
from stream.directory.database import reading, writing
from stream.directory.desk.desk_tables import audit

__all__ = ["AuditTrail", "Trace"]


class Trace(NamedTuple):
    """``who`` did ``what``, or saw it; ``customer_id``: of whom, None where it is about nobody, or they were erased."""

    at_ms: int
    who: str
    what: str
    customer_id: str | None = None
    detail: str | None = None


class AuditTrail:
    """On the engine of a `DeskStore`. Raises `StorageError` when the database is away.

    ``keep_days``: older traces are deleted, once a day.
    """

    def __init__(self, engine: Engine, keep_days: int) -> None:
        self._engine = engine
        self._keep_ms = keep_days * DAY_MS
        self._pruned_ms = 0

    def add(self, trace: Trace) -> None:
        with writing(self._engine) as connection:
            connection.execute(audit.insert().values(**trace._asdict()))
        if trace.at_ms - self._pruned_ms >= DAY_MS:
            self.prune(trace.at_ms)

    def newest(self, limit: int, customer_id: str | None = None) -> Iterator[Trace]:
        """The newest traces, newest first; with ``customer_id`` those about one customer."""
        query = select(*(audit.c[name] for name in Trace._fields)).order_by(audit.c.number.desc()).limit(limit)
        if customer_id is not None:
            query = query.where(audit.c.customer_id == customer_id)
        with reading(self._engine) as connection:
            for row in connection.execute(query):
                yield Trace._make(row)

    def prune(self, now_ms: int) -> None:
        """Delete what is older than it may be kept."""
        self._pruned_ms = now_ms
        with writing(self._engine) as connection:
            connection.execute(delete(audit).where(audit.c.at_ms < now_ms - self._keep_ms))
