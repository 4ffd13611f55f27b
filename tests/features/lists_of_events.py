"""Hypothesis strategies: what a customer does."""

from collections.abc import Sequence

from hypothesis import strategies as st

from stream.events.kinds import EventKind
from tests.oracle.event import Event

__all__ = ["BEGIN", "DAY", "event_lists"]

HOUR = 3_600_000
DAY = 24 * HOUR
#: A day in 2024, at no boundary of a tile.
BEGIN = 19_800 * DAY + 5 * HOUR + 1_234_567
MAX_CANCELLATIONS = 16

_KINDS = [*EventKind, *[EventKind.ORDER_COMPLETED] * 6, *[EventKind.ORDER_CANCELLED] * 3]
_HOPS = (1, HOUR // 12, HOUR, DAY)

_Draw = tuple[EventKind, int, int, int, int, int]


def _event(number: int, draw: _Draw, span: int) -> Event:
    kind, offset, hop, nudge, order, amount = draw
    at = (BEGIN + offset % (span + 1)) // hop * hop + nudge
    is_order = kind >= EventKind.ORDER_COMPLETED
    has_amount = kind in {EventKind.ORDER_COMPLETED, EventKind.ORDER_REFUNDED}
    return Event(
        event_id=f"event-{number}",
        kind=kind,
        at=min(max(at, BEGIN), BEGIN + span),
        order_id=f"order-{order}" if is_order else "",
        amount=amount if has_amount else 0,
    )


def _few_cancellations(events: Sequence[Event]) -> list[Event]:
    cancellations = [event for event in events if event.kind is EventKind.ORDER_CANCELLED]
    return [event for event in events if event not in cancellations[MAX_CANCELLATIONS:]]


def event_lists(span: int = 90 * DAY, least: int = 1, most: int = 60) -> st.SearchStrategy[list[Event]]:
    """Events of one customer with different ids and few order ids, within ``span`` (ms) of `BEGIN`.

    Many of them stand at the very edge of a tile, or at the same time. Cancellations are as many as are remembered.
    """
    draws = st.tuples(
        st.sampled_from(_KINDS),
        st.integers(0, span) | st.integers(0, 200).map(lambda k: k * DAY),
        st.sampled_from(_HOPS),
        st.sampled_from([0, 0, -1, 1]),
        st.integers(0, 5),
        st.integers(0, 5_000_000) | st.sampled_from([0, 10**13]),
    )
    return st.lists(draws, min_size=least, max_size=most).map(
        lambda many: _few_cancellations([_event(number, draw, span) for number, draw in enumerate(many)])
    )
