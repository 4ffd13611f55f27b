"""Hypothesis strategies for the events of a customer."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from stream.events.kinds import EventKind, EventType
from stream.features.profile import MAX_REFUNDS
from tests.oracle.event import KERNEL_KINDS, KIND_TYPE, Event

__all__ = ["BEGIN", "DAY", "event_lists", "is_whole_refund"]

HOUR = 3_600_000
DAY = 24 * HOUR
#: A day in 2024, at no boundary of a tile.
BEGIN = 19_800 * DAY + 5 * HOUR + 1_234_567
MAX_CANCELLATIONS = 16

_KINDS = [
    *KERNEL_KINDS,
    *[EventKind.ORDER_COMPLETED] * 6,
    *[EventKind.ORDER_CANCELLED] * 3,
    *[EventKind.ORDER_REFUNDED] * 3,
]
_HOPS = (1, HOUR // 12, HOUR, DAY)

_Draw = tuple[EventKind, int, int, int, int, int | None]


def _event(number: int, draw: _Draw, span: int) -> Event:
    kind, offset, hop, nudge, order, amount = draw
    at = (BEGIN + offset % (span + 1)) // hop * hop + nudge
    is_order = KIND_TYPE[kind] is EventType.PURCHASE
    has_amount = kind in {EventKind.ORDER_COMPLETED, EventKind.ORDER_REFUNDED}
    return Event(
        event_id=f"event-{number}",
        kind=kind,
        at=min(max(at, BEGIN), BEGIN + span),
        order_id=f"order-{order}" if is_order else "",
        amount=amount if has_amount else 0,
    )


def _few(events: Sequence[Event]) -> list[Event]:
    cancellations = [event for event in events if event.kind is EventKind.ORDER_CANCELLED]
    refunds = [event for event in events if event.kind is EventKind.ORDER_REFUNDED]
    return [
        event
        for event in events
        if event not in cancellations[MAX_CANCELLATIONS:] and event not in refunds[MAX_REFUNDS:]
    ]


def is_whole_refund(event: Event) -> bool:
    """Whether the event gives back all that is left of its order: such a one must come after it."""
    return event.kind is EventKind.ORDER_REFUNDED and event.amount is None


def _behind_their_orders(events: Sequence[Event]) -> list[Event]:
    """Refunds of whole orders at the end, and given an amount if there is nothing of their order."""
    known = {event.order_id for event in events if event.order_id and event.kind is not EventKind.ORDER_REFUNDED}
    given = [
        replace(event, amount=77_777) if is_whole_refund(event) and event.order_id not in known else event
        for event in events
    ]
    return sorted(given, key=is_whole_refund)


def event_lists(span: int = 90 * DAY, least: int = 1, most: int = 60) -> st.SearchStrategy[list[Event]]:
    """Events of one customer with different ids and few order ids, within ``span`` (ms) of `BEGIN`.

    Many of them stand at the very edge of a tile, or at the same time. Cancellations and refunds are as many as are
    remembered. Orders are told again and again, some without an amount; refunds without one stand at the end.
    """
    draws = st.tuples(
        st.sampled_from(_KINDS),
        st.integers(0, span) | st.integers(0, 200).map(lambda k: k * DAY),
        st.sampled_from(_HOPS),
        st.sampled_from([0, 0, -1, 1]),
        st.integers(0, 5),
        st.integers(0, 5_000_000) | st.sampled_from([0, 10**13, None]),
    )
    return st.lists(draws, min_size=least, max_size=most).map(
        lambda many: _behind_their_orders(_few([_event(number, draw, span) for number, draw in enumerate(many)]))
    )
