"""Hypothesis strategies: the merged log of a few customers of one partition."""

from functools import partial

from hypothesis import strategies as st

from stream.events.kinds import EventKind
from tests.features.lists_of_events import BEGIN, DAY
from tests.oracle.event import Event

__all__ = ["CUSTOMERS", "logs"]

CUSTOMERS = ("ada", "bob", "cleo")
_KINDS = (
    *[EventKind.ORDER_COMPLETED] * 5,
    *[EventKind.PAGE_VIEWED] * 3,
    EventKind.PRODUCT_ADDED,
    EventKind.EMAIL_SENT,
    EventKind.EMAIL_OPENED,
    EventKind.ORDER_REFUNDED,
    EventKind.ORDER_CANCELLED,
    EventKind.EMAIL_UNSUBSCRIBED,
)
_HOUR = DAY // 24

_Draw = tuple[str, EventKind, int, int, int, int | None]


def _amount(kind: EventKind, amount: int | None, *, whole_refunds: bool) -> int | None:
    if kind is EventKind.ORDER_REFUNDED and not whole_refunds:
        return amount or 0
    return amount if kind in {EventKind.ORDER_COMPLETED, EventKind.ORDER_REFUNDED} else 0


def _log(draws: list[_Draw], *, whole_refunds: bool) -> list[tuple[str, Event]]:
    """Time goes on by ``gap`` from event to event; an event may be late by ``late``."""
    now = BEGIN
    log = []
    for number, (customer, kind, gap, late, order, amount) in enumerate(draws):
        now += gap
        is_order = kind >= EventKind.ORDER_COMPLETED
        event = Event(
            event_id=f"event-{number}",
            kind=kind,
            at=now - late,
            # an order id is used for a month only: what is older than the retention can not be cancelled
            order_id=f"{customer}-{order}-{now // (30 * DAY)}" if is_order else "",
            amount=_amount(kind, amount, whole_refunds=whole_refunds),
        )
        log.append((customer, event))
    return log


def logs(
    least: int = 30, most: int = 100, longest_gap: int = 30 * DAY, *, whole_refunds: bool = False
) -> st.SearchStrategy[list[tuple[str, Event]]]:
    """Events of `CUSTOMERS` in the order of arrival, some of them up to two days late.

    ``whole_refunds``: some refunds have no amount, so their effect depends on earlier events.

    Hypothesis prefers short lists, in which nothing much can happen: hence ``least``.
    """
    draws = st.tuples(
        st.sampled_from(CUSTOMERS),
        st.sampled_from(_KINDS),
        st.integers(0, 3 * DAY) | st.integers(0, longest_gap),
        st.just(0) | st.integers(0, 2 * DAY),
        st.integers(0, 9),
        st.integers(0, 1_000_000) | st.none(),
    )
    return st.lists(draws, min_size=least, max_size=most).map(partial(_log, whole_refunds=whole_refunds))
