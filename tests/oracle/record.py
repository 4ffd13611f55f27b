"""Oracle events as producers would publish them."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from stream.catalogue.events import KERNEL_TYPES
from stream.events.kinds import KIND_OF, EventKind, EventType
from tests.oracle.event import Event

__all__ = ["LogEntry", "Record", "logs_of", "record_of", "type_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAME_OF = {kind: (event_type, name) for (event_type, name), kind in KIND_OF.items()}
_NAME_OF[EventKind.EMAIL_MACHINE_OPENED] = (EventType.EMAIL, "opened")


class Record(NamedTuple):
    """A record of a topic, as consumed."""

    key: bytes | None
    value: bytes | None
    timestamp: int
    offset: int = 0
    headers: tuple[tuple[str, bytes | None], ...] = ()


def type_of(event: Event) -> EventType:
    """The stream of events that this one belongs to."""
    return _NAME_OF[event.kind][0]


def record_of(customer: str, event: Event) -> Record:
    """The event as JSON, keyed by the customer."""
    _, name = _NAME_OF[event.kind]
    content: dict[str, object] = {
        "event_id": event.event_id,
        "customer_id": customer,
        "occurred_at": (_EPOCH + timedelta(milliseconds=event.at)).isoformat(),
        "name": name,
    }
    if event.kind is EventKind.EMAIL_MACHINE_OPENED:
        content["machine_open"] = True
    if event.order_id:
        content["order_id"] = event.order_id
    if event.kind in {EventKind.ORDER_COMPLETED, EventKind.ORDER_REFUNDED} and event.amount is not None:
        content |= {"amount": event.amount / 10_000, "currency": "EUR"}
    return Record(customer.encode(), json.dumps(content).encode(), event.at)


#: An event of a customer, or any record of a stream of events.
LogEntry = tuple[str, Event] | tuple[EventType, Record]


def logs_of(entries: Iterable[LogEntry]) -> dict[EventType, list[Record]]:
    """One log for each input of the kernel, in the order of the entries and with offsets."""
    logs: dict[EventType, list[Record]] = {event_type: [] for event_type in KERNEL_TYPES}
    for owner, item in entries:
        if isinstance(item, Event):
            event_type, record = type_of(item), record_of(owner, item)
        else:
            event_type, record = EventType(owner), item
        logs[event_type].append(record._replace(offset=len(logs[event_type])))
    return logs
