"""What to tell the owner about one customer: why they are on the list, and what to do about it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final

from stream.reporting.writing import days, number_of

__all__ = ["Advice", "advice_of", "advice_text", "reason_of", "returned_share"]

#: Who was on the site within so many days is still interested.
_LOOKED_DAYS: Final = 14.0
#: From this share of their money on that went back, something went wrong for the customer.
_MUCH_RETURNED: Final = 0.25
#: From so many habits of silence on, a reminder is not enough.
_LONG_OVERDUE: Final = 2.25
#: Among those who spent so many times the mean of all buyers, a personal word pays.
_BEST_TIMES_MEAN: Final = 4.0

Values = Mapping[str, float]


class Advice(StrEnum):
    """What to do, by situation; the first that fits."""

    DO_NOT_EMAIL = "do_not_email"
    ASK_WHAT_WENT_WRONG = "ask_what_went_wrong"
    REMIND_OF_CART = "remind_of_cart"
    WRITE_NOW = "write_now"
    CALL = "call"
    INVITE_AGAIN = "invite_again"
    OFFER = "offer"
    REMIND = "remind"


#: What to do where e-mails are refused, by the channel that it takes.
_INSTEAD: Final = {"phone": "call", "post": "send a card"}
_TEXTS: Final[Mapping[Advice, str]] = {
    Advice.ASK_WHAT_WENT_WRONG: "Ask what went wrong first: much of what they bought went back.",
    Advice.INVITE_AGAIN: "Invite to a second order, with what goes well with the first.",
    Advice.OFFER: "Offer a reason to come back: a voucher, free delivery, something new.",
    Advice.REMIND: "Send a friendly reminder of what they usually buy.",
}


def reason_of(silent_days: float, habit_days: float, order_days: float) -> str:
    """Why a customer with an order is on the list, against their own habit.

    >>> reason_of(86.4, 14.2, 7)
    'No order for 86 days; usually every 14.'
    >>> reason_of(45.0, 30.0, 1)
    'One order, 45 days ago; a second usually follows after 30.'
    """
    usual = max(round(habit_days), 1)
    if order_days <= 1:
        return f"One order, {days(silent_days)} ago; a second usually follows after {usual}."
    return f"No order for {days(silent_days)}; usually every {'day' if usual == 1 else usual}."


def advice_of(values: Values, *, overdue: float, spend: float, mean_spend: float, unsubscribed: bool) -> Advice:
    """What to do about a customer at risk.

    ``values``: features by name, NaN where not known. ``overdue``: habits since the last order. ``mean_spend``: of all
    customers with an order.
    """
    looked_lately = values["days_since_click"] <= min(_LOOKED_DAYS, values["days_since_purchase"] - 1.0)
    fits = {
        Advice.DO_NOT_EMAIL: unsubscribed,
        Advice.ASK_WHAT_WENT_WRONG: returned_share(values, spend) >= _MUCH_RETURNED,
        Advice.REMIND_OF_CART: values["open_cart_additions"] > 0,
        Advice.WRITE_NOW: looked_lately,
        Advice.CALL: spend >= _BEST_TIMES_MEAN * mean_spend > 0,
        Advice.INVITE_AGAIN: values["purchase_days"] <= 1,
        Advice.OFFER: overdue >= _LONG_OVERDUE,
        Advice.REMIND: True,
    }
    return next(advice for advice, does in fits.items() if does)


def returned_share(values: Values, spend: float) -> float:
    """Share of the money of all orders that was refunded; ``spend`` is what is left.

    >>> returned_share({"order_value": 50.0, "purchases_total": 4.0}, spend=150.0)
    0.25
    """
    gross = values["order_value"] * values["purchases_total"]
    return 1.0 - spend / gross if gross > 0 else 0.0


def advice_text(advice: Advice, values: Values, refused: Collection[str] = ()) -> str:
    """One sentence for the owner. ``refused``: channels by which the customer wants no marketing.

    >>> advice_text(Advice.REMIND_OF_CART, {"open_cart_additions": 2.0})
    'Remind of the 2 products left in the cart.'
    >>> advice_text(Advice.DO_NOT_EMAIL, {}, ("email",))
    'Do not e-mail: unsubscribed. Call or send a card instead.'
    >>> advice_text(Advice.DO_NOT_EMAIL, {}, ("email", "sms", "phone", "post"))
    'Do not e-mail: unsubscribed. No other way is allowed either.'
    >>> advice_text(Advice.CALL, {}, ("phone",))
    'One of your best customers: write in person.'
    """
    if advice is Advice.DO_NOT_EMAIL:
        others = [word for channel, word in _INSTEAD.items() if channel not in refused]
        instead = f"{' or '.join(others).capitalize()} instead." if others else "No other way is allowed either."
        return f"Do not e-mail: unsubscribed. {instead}"
    if advice is Advice.CALL:
        return f"One of your best customers: {'' if 'phone' in refused else 'call, or '}write in person."
    if advice is Advice.REMIND_OF_CART:
        products = number_of(values["open_cart_additions"], "product", "products")
        return f"Remind of the {products} left in the cart."
    if advice is Advice.WRITE_NOW:
        return f"Was in the shop {_ago(values['days_since_click'])}: write now, no discount needed."
    return _TEXTS[advice]


def _ago(count: float) -> str:
    return "today" if count < 1 else f"{days(count)} ago"
