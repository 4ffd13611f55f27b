"""A seeded log with repeats, late events, cancellations, and records that are no events."""

import json
import random
from dataclasses import dataclass, field, replace

from stream.events.kinds import EventKind, EventType
from tests.oracle.event import Event
from tests.oracle.record import LogEntry, Record, record_of

__all__ = ["MadeUp", "made_up"]

HOUR = 3_600_000
DAY = 24 * HOUR
#: 2024-01-01.
BEGIN = 19_723 * DAY

_KINDS = {
    EventKind.PAGE_VIEWED: 8,
    EventKind.PRODUCT_VIEWED: 8,
    EventKind.PRODUCT_ADDED: 3,
    EventKind.CHECKOUT_STARTED: 1,
    EventKind.EMAIL_SENT: 5,
    EventKind.EMAIL_OPENED: 3,
    EventKind.EMAIL_MACHINE_OPENED: 2,
    EventKind.EMAIL_CLICKED: 1,
    EventKind.EMAIL_UNSUBSCRIBED: 1,
    EventKind.ORDER_COMPLETED: 8,
    EventKind.ORDER_REFUNDED: 1,
}


@dataclass(slots=True)
class MadeUp:
    """``entries``: in the order in which they are produced. ``events``: of each customer, every one once.

    ``bad``: (key, value, reason) of the records that must become dead letters.
    """

    entries: list[LogEntry] = field(default_factory=list)
    events: dict[str, list[Event]] = field(default_factory=dict)
    duplicates: int = 0
    bad: list[tuple[bytes | None, bytes | None, str]] = field(default_factory=list)


def made_up(seed: int, *, customers: int, days: int, events: int) -> MadeUp:
    """Events of ``customers`` over ``days``: up to half a day late, one in twelve sent twice, one in forty bad."""
    generator = random.Random(seed)
    names = [f"customer-{k:03d}" for k in range(customers)]
    leaves = {name: generator.uniform(0.3, 1.5) * days * DAY for name in names}
    timed: list[tuple[float, LogEntry]] = []
    log = MadeUp()
    for number in range(events):
        name = generator.choice(names)
        at = BEGIN + int(generator.uniform(0, min(leaves[name], days * DAY)))
        for event in _act(generator, f"{name}-{number}", at):
            log.events.setdefault(name, []).append(event)
            produced_at = event.at + generator.choice([0.0, 0.0, 0.0, generator.uniform(0, 12 * HOUR)])
            timed.append((produced_at, (name, event)))
            if generator.random() < 1 / 12:
                log.duplicates += 1
                timed.append((produced_at + generator.uniform(0, 5 * DAY), (name, event)))
            if generator.random() < 1 / 40:
                event_type, record, reason = _spoil(generator, name, event)
                log.bad.append((record.key, record.value, reason))
                timed.append((produced_at, (event_type, record)))
    timed.sort(key=lambda entry: entry[0])
    log.entries = [entry for _, entry in timed]
    _add_too_late(log)
    return log


def _act(generator: random.Random, name: str, at: int) -> list[Event]:
    kind = generator.choices(list(_KINDS), list(_KINDS.values()))[0]
    if kind is EventKind.ORDER_COMPLETED:
        order = Event(name, kind, at, f"order-{name}", generator.randrange(50_000, 3_000_000))
        if generator.random() < 0.15:
            cancelled_at = at + generator.randrange(-HOUR, 6 * DAY)
            return [order, Event(f"{name}-cancelled", EventKind.ORDER_CANCELLED, cancelled_at, order.order_id)]
        return _told_of(generator, order)
    if kind is EventKind.ORDER_REFUNDED:
        return [Event(name, kind, at, f"order-{name}", generator.randrange(1, 200_000))]
    return [Event(name, kind, at)]


def _told_of(generator: random.Random, order: Event) -> list[Event]:
    """The order and further events about it: repeats, and a refund or two, some larger than the order."""
    events = [order]
    if generator.random() < 0.1:
        again = order.at + generator.randrange(0, 3 * DAY)
        amount = generator.choice([order.amount, None, generator.randrange(50_000, 3_000_000)])
        events.append(replace(order, event_id=f"{order.event_id}-again", at=again, amount=amount))
    while generator.random() < 0.15:
        at = order.at + generator.randrange(0, 20 * DAY)
        amount = generator.randrange(1, 3_000_000)
        name = f"{order.event_id}-refund-{len(events)}"
        events.append(Event(name, EventKind.ORDER_REFUNDED, at, order.order_id, amount))
    return events


def _spoil(generator: random.Random, name: str, event: Event) -> tuple[EventType, Record, str]:
    """A record that resembles an event but is invalid."""
    key = name.encode()
    good = json.loads(record_of(name, replace(event, kind=EventKind.PAGE_VIEWED, order_id="")).value or b"")
    good["event_id"] += "-bad"
    order = {**good, "name": "completed", "order_id": "x", "amount": 5.0, "currency": "EUR"}
    choices: list[tuple[EventType, bytes | None, object, str]] = [
        (EventType.CLICK, key, b"{not json", "malformed_json"),
        (EventType.EMAIL, key, None, "null_value"),
        (EventType.CLICK, None, good, "null_key"),
        (EventType.CLICK, key, {**good, "name": "teleported"}, "unknown_name"),
        (EventType.CLICK, key, {**good, "customer_id": "somebody else"}, "key_mismatch"),
        (
            EventType.EMAIL,
            key,
            {**good, "name": "opened", "occurred_at": "1989-01-01T00:00:00Z"},
            "timestamp_out_of_range",
        ),
        (EventType.PURCHASE, key, {**order, "currency": None}, "missing_field"),
        (EventType.PURCHASE, key, {**order, "name": "refunded", "amount": None}, "unknown_order"),
        (EventType.PURCHASE, key, {**order, "amount": "5"}, "wrong_type"),
        (EventType.PURCHASE, key, {**order, "currency": "euro"}, "unknown_currency"),
        (EventType.CLICK, key, {**good, "url": 70_000 * "u"}, "too_large"),
    ]
    event_type, key_sent, content, reason = generator.choice(choices)
    value = content if content is None or isinstance(content, bytes) else json.dumps(content).encode()
    return event_type, Record(key_sent, value, event.at), reason


def _add_too_late(log: MadeUp) -> None:
    """At the end of the log, events of customers who were seen more than a retention later."""
    for number, (name, events) in enumerate(sorted(log.events.items())):
        newest_click = max((event.at for event in events if event.kind <= EventKind.PAGE_VIEWED), default=0)
        at = BEGIN + number
        if number % 5 == 0 and newest_click - at > 90 * DAY:
            record = record_of(name, Event(f"{name}-late", EventKind.PAGE_VIEWED, at))
            log.bad.append((record.key, record.value, "too_late"))
            log.entries.append((EventType.CLICK, record))
