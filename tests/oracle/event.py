"""Events as the oracle sees them, and which of them count."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stream.events.kinds import EventKind

__all__ = ["Arrival", "Event", "arrivals", "merged", "survivors"]


@dataclass(frozen=True, slots=True)
class Event:
    """One event of one customer: ``at`` in ms since the epoch, ``amount`` in 1/10,000 of the currency unit."""

    event_id: str
    kind: EventKind
    at: int
    order_id: str = ""
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event that was applied, and the stream time when it was: the newest event time of its partition so far."""

    event: Event
    seen_at: int


def merged(topics: Sequence[Sequence[tuple[str, Event]]]) -> list[tuple[str, Event]]:
    """The logs of a partition's topics as one: by newest event time so far in the topic, then topic, then offset."""
    order = []
    for number, topic in enumerate(topics):
        newest = 0
        for offset, (customer, event) in enumerate(topic):
            newest = max(newest, event.at)
            order.append((newest, number, offset, customer, event))
    order.sort(key=lambda entry: entry[:3])
    return [(customer, event) for *_, customer, event in order]


def arrivals(log: Iterable[tuple[str, Event]]) -> dict[str, list[Arrival]]:
    """What each customer of a partition has, from the merged log of (customer, event).

    Of events of a customer with the same id only the first counts.
    """
    stream_time = 0
    known: set[tuple[str, str]] = set()
    applied: dict[str, list[Arrival]] = {}
    for customer, event in log:
        stream_time = max(stream_time, event.at)
        if (customer, event.event_id) not in known:
            known.add((customer, event.event_id))
            applied.setdefault(customer, []).append(Arrival(event, stream_time))
    return applied


def survivors(events: Iterable[Event]) -> list[Event]:
    """Events without repeats of an id and without the orders that were cancelled, whenever that was."""
    first_of: dict[str, Event] = {}
    for event in events:
        first_of.setdefault(event.event_id, event)
    cancelled = {event.order_id for event in first_of.values() if event.kind is EventKind.ORDER_CANCELLED}
    return [
        event
        for event in first_of.values()
        if event.kind is not EventKind.ORDER_COMPLETED or event.order_id not in cancelled
    ]
