"""Every feature from the raw list of events, straight from its definition, without regard to speed."""

from collections.abc import Sequence

from stream.events.kinds import EventKind
from tests.oracle.event import Event, survivors

__all__ = ["Values", "features_at"]

Values = dict[str, float | None]

_MINUTE = 60_000
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR

#: Length and hop of each window.
_WINDOWS = {
    "1h": (_HOUR, 5 * _MINUTE),
    "1d": (_DAY, _HOUR),
    "7d": (7 * _DAY, _DAY),
    "28d": (28 * _DAY, _DAY),
    "90d": (90 * _DAY, _DAY),
}
_CLICKS = frozenset(kind for kind in EventKind if kind.name.startswith(("PRODUCT_", "CART_", "CHECKOUT_", "COUPON_")))
_CLICKS |= {EventKind.PAGE_VIEWED}
_ENGAGED = frozenset({EventKind.EMAIL_OPENED, EventKind.EMAIL_CLICKED, EventKind.EMAIL_REPLIED})


def _within(events: Sequence[Event], now: int, window: str) -> list[Event]:
    length, hop = _WINDOWS[window]
    newest = now // hop
    return [event for event in events if newest - length // hop <= event.at // hop <= newest]


def _last(events: Sequence[Event]) -> int | None:
    return max((event.at for event in events), default=None)


def _days(at: int | None, now: int) -> float | None:
    return None if at is None else (now - at) / 86_400_000.0


def _major(amount: int) -> float:
    return amount / 10_000.0


def features_at(events: Sequence[Event], now: int) -> Values:
    """Feature values of a customer with these ``events``, none of them after ``now`` (ms); None: not known yet."""
    valid = survivors(events)
    clicks = [event for event in valid if event.kind in _CLICKS]
    emails = [event for event in valid if event.kind in _ENGAGED]
    orders = [event for event in valid if event.kind is EventKind.ORDER_COMPLETED]
    refunds = [event for event in valid if event.kind is EventKind.ORDER_REFUNDED]
    values: Values = {}
    for window in _WINDOWS:
        values[f"clicks_{window}"] = len(_within(clicks, now, window))
        values[f"emails_{window}"] = len(_within(emails, now, window))
        values[f"purchases_{window}"] = len(_within(orders, now, window))
    for window in ("7d", "28d", "90d"):
        paid = sum(order.amount or 0 for order in _within(orders, now, window))
        returned = sum(refund.amount or 0 for refund in _within(refunds, now, window))
        values[f"spend_{window}"] = _major(paid - returned)
    values["days_since_click"] = _days(_last(clicks), now)
    values["days_since_email"] = _days(_last(emails), now)
    values["days_since_purchase"] = _days(_last(orders), now)
    # an order that is cancelled now was an event all the same
    purchase_days = len({order.at // _DAY for order in orders})
    values["purchase_days"] = purchase_days
    values["tenure"] = tenure = _days(min((event.at for event in events), default=None), now)
    values["purchase_interval"] = None if tenure is None else (tenure + 30.0) / (purchase_days + 0.5)
    values |= _order_history(orders, refunds, now)
    sent = sum(event.kind is EventKind.EMAIL_SENT for event in valid)
    opened = sum(event.kind is EventKind.EMAIL_OPENED for event in valid)
    clicked = sum(event.kind is EventKind.EMAIL_CLICKED for event in valid)
    values["email_open_rate"] = (opened + 1.0) / (sent + 5.0)
    values["email_click_rate"] = (clicked + 0.25) / (sent + 5.0)
    last_order = _last(orders)
    values["open_cart_additions"] = sum(
        event.kind is EventKind.PRODUCT_ADDED and (last_order is None or event.at // _DAY > last_order // _DAY)
        for event in _within(clicks, now, "28d")
    )
    values["active_days_28d"] = len({event.at // _DAY for event in _within([*clicks, *emails, *orders], now, "28d")})
    return values


def _order_history(orders: Sequence[Event], refunds: Sequence[Event], now: int) -> Values:
    count = len(orders)
    values: Values = {"purchases_total": count, "purchase_gap": None, "silence_ratio": None, "order_value": None}
    values["refund_ratio"] = len(refunds) / count if count else 0.0
    amounts = [order.amount for order in orders if order.amount is not None]
    if amounts:
        values["order_value"] = _major(sum(amounts)) / len(amounts)
    if count > 1:
        times = [order.at for order in orders]
        gap = (max(times) - min(times)) / 86_400_000.0 / (count - 1)
        values["purchase_gap"] = gap
        values["silence_ratio"] = (now - max(times)) / 86_400_000.0 / max(gap, 1.0)
    return values
