"""A shop's events as messages of the directory's inputs, and all rows of the directory."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select

from stream.directory import schema
from stream.directory.database import as_dict, reading
from stream.directory.message_inputs import inputs_of
from stream.directory.store import DirectoryClaim, DirectoryStore, Step
from stream.events.kinds import EventType
from stream.events.log_event import LogEvent, LogRecord
from stream.settings import Settings

__all__ = ["APPENDED_MS", "commit", "messages_of", "rows_of"]

#: Later than any event.
APPENDED_MS = 4_000_000_000_000


def messages_of(events: Iterable[LogEvent], settings: Settings | None = None) -> list[object]:
    """The messages that the inputs make from events, in order within each topic."""
    settings = settings or Settings()
    inputs = inputs_of(settings)
    found: list[object] = []
    told = [*events]
    for event_type in EventType:
        of_type = [
            LogRecord.of(event, APPENDED_MS, n) for n, event in enumerate(told) if event.event_type is event_type
        ]
        read = inputs[settings.topic_of(event_type)].read(of_type)
        assert len(read.keyed) == len(of_type)
        found += [message for _, message in read.keyed]
    return found


def commit(store: DirectoryStore, claim: DirectoryClaim, messages: Sequence[object], offset: int = 0) -> None:
    store.commit(claim, Step(messages, {("topic", 0): offset}, 0))


def rows_of(store: DirectoryStore) -> dict[str, list[dict[str, Any]]]:
    """All rows, sorted; totals of zero are left out because they mean the same as no row."""
    of_customers = (schema.timeline, schema.customers, schema.channels, schema.orders, schema.mailings, schema.persons)
    tables = (*of_customers, schema.totals, schema.campaigns)
    found = {}
    with reading(store.engine) as connection:
        for table in tables:
            rows = [as_dict(row) for row in connection.execute(select(table))]
            found[table.name] = sorted((row for row in rows if row.get("value") != 0), key=repr)
    return found
