"""Events as the oracle sees them, and which of them count."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from stream.catalogue.events import KERNEL_TYPES
from stream.events.kinds import KIND_OF, EventKind, EventType

__all__ = ["KERNEL_KINDS", "KIND_TYPE", "Arrival", "Event", "arrivals", "merged", "survivors"]


KIND_TYPE = {kind: event_type for (event_type, _), kind in KIND_OF.items()}
KIND_TYPE[EventKind.EMAIL_MACHINE_OPENED] = EventType.EMAIL
#: The event types that the kernel reads.
KERNEL_KINDS = tuple(kind for kind in EventKind if KIND_TYPE[kind] in KERNEL_TYPES)


@dataclass(frozen=True, slots=True)
class Event:
    """One event of one customer: ``at`` in ms since the epoch, ``amount`` in 1/10,000 of the currency unit.

    ``amount`` is None for an order of unknown amount, and for a refund of all that is left of its order.
    """

    event_id: str
    kind: EventKind
    at: int
    order_id: str = ""
    amount: int | None = 0

    @property
    def identity(self) -> tuple[str, str]:
        """Ids of events count per type."""
        return KIND_TYPE[self.kind], self.event_id


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
    """The events of each customer of a partition, from the merged log of (customer, event).

    Of events of a customer with the same type and id only the first counts.
    """
    stream_time = 0
    known: set[tuple[str, tuple[str, str]]] = set()
    applied: dict[str, list[Arrival]] = {}
    for customer, event in log:
        stream_time = max(stream_time, event.at)
        if (customer, event.identity) not in known:
            known.add((customer, event.identity))
            applied.setdefault(customer, []).append(Arrival(event, stream_time))
    return applied


def survivors(events: Iterable[Event]) -> list[Event]:
    """The events that count: each event once, each order once, refunds up to the order's amount, no cancelled orders.

    An order has the time of its first `completed` and the amount of the newest that names one (the largest of several
    at the same time). Its refunds reduce it by time.
    """
    first_of: dict[tuple[str, str], Event] = {}
    for event in events:
        first_of.setdefault(event.identity, event)
    told = first_of.values()
    cancelled = {event.order_id for event in told if event.kind is EventKind.ORDER_CANCELLED}
    of_money = {EventKind.ORDER_COMPLETED, EventKind.ORDER_REFUNDED}
    others = [event for event in told if event.kind not in of_money]
    by_order: dict[str, list[Event]] = {}
    for event in told:
        if event.kind in of_money and event.order_id not in cancelled:
            by_order.setdefault(event.order_id, []).append(event)
    return others + [event for of_one in by_order.values() for event in _order_of(of_one)]


def _order_of(events: Sequence[Event]) -> list[Event]:
    """The one order that these events tell of, if any, and its refunds, of what they really gave back."""
    tellings = sorted((e for e in events if e.kind is EventKind.ORDER_COMPLETED), key=lambda e: e.at)
    refunds = sorted((e for e in events if e.kind is EventKind.ORDER_REFUNDED), key=lambda e: e.at)
    if not tellings:
        return refunds
    amounts = [(e.at, e.amount) for e in tellings if e.amount is not None]
    amount = max(amounts)[1] if amounts else None
    left = amount or 0
    found = [replace(tellings[0], amount=amount)]
    for event in refunds:
        taken = left if event.amount is None else min(event.amount, left)
        left -= taken
        found.append(replace(event, amount=taken))
    return found
