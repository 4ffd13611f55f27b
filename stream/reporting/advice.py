"""What to tell the owner about one customer: why they are on the list, and what to do about it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final

from stream.reporting.words import ENGLISH, Words, to_say

__all__ = ["Advice", "advice_of", "advice_text", "reason_of", "returned_share", "silence_sentence"]

#: A customer who was on the site within so many days is still interested.
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


_NO_EMAIL: Final = {
    (True, True): to_say("Do not e-mail: unsubscribed. Call or send a card instead."),
    (True, False): to_say("Do not e-mail: unsubscribed. Call instead."),
    (False, True): to_say("Do not e-mail: unsubscribed. Send a card instead."),
    (False, False): to_say("Do not e-mail: unsubscribed. No other way is allowed either."),
}
_IN_PERSON: Final = {
    True: to_say("One of your best customers: call, or write in person."),
    False: to_say("One of your best customers: write in person."),
}
_TEXTS: Final[Mapping[Advice, str]] = {
    Advice.ASK_WHAT_WENT_WRONG: to_say("Ask what went wrong first: much of what they bought went back."),
    Advice.INVITE_AGAIN: to_say("Invite to a second order, with what goes well with the first."),
    Advice.OFFER: to_say("Offer a reason to come back: a voucher, free delivery, something new."),
    Advice.REMIND: to_say("Send a friendly reminder of what they usually buy."),
}


def reason_of(silent_days: float, habit_days: float, order_days: float, words: Words = ENGLISH) -> str:
    """Why a customer with an order is on the list, against their own habit.

    >>> reason_of(86.4, 14.2, 7)
    'No order for 86 days; usually every 14.'
    >>> reason_of(45.0, 30.0, 1)
    'One order, 45 days ago; a second usually follows after 30.'
    """
    if order_days > 1:
        return silence_sentence(silent_days, habit_days, words)
    usual = words.number(max(round(habit_days), 1))
    if silent_days < 1:
        return words.gettext("One order, less than a day ago; a second usually follows after %(usual)s.", usual=usual)
    return words.ngettext(
        "One order, %(num)s day ago; a second usually follows after %(usual)s.",
        "One order, %(num)s days ago; a second usually follows after %(usual)s.",
        round(silent_days),
        usual=usual,
    )


def silence_sentence(silent_days: float, habit_days: float, words: Words = ENGLISH) -> str:
    """The silence since the last order, against the habit; in the days that alerts and reasons count, too.

    >>> silence_sentence(86.4, 14.2), silence_sentence(0.4, 1.0)
    ('No order for 86 days; usually every 14.', 'No order for less than a day; usually every day.')
    """
    usual = max(round(habit_days), 1)
    return words.gettext(
        "%(silence)s; %(usual)s.",
        silence=words.gettext("No order for less than a day")
        if silent_days < 1
        else words.ngettext("No order for %(num)s day", "No order for %(num)s days", round(silent_days)),
        usual=words.gettext("usually every day")
        if usual == 1
        else words.gettext("usually every %(days)s", days=words.number(usual)),
    )


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


def advice_text(advice: Advice, values: Values, refused: Collection[str] = (), words: Words = ENGLISH) -> str:
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
        return words.name(_NO_EMAIL["phone" not in refused, "post" not in refused])
    if advice is Advice.CALL:
        return words.name(_IN_PERSON["phone" not in refused])
    if advice is Advice.REMIND_OF_CART:
        return words.ngettext(
            "Remind of the %(num)s product left in the cart.",
            "Remind of the %(num)s products left in the cart.",
            values["open_cart_additions"],
        )
    if advice is Advice.WRITE_NOW:
        return _looked(int(values["days_since_click"]), words)
    return words.name(_TEXTS[advice])


def _looked(days_ago: int, words: Words) -> str:
    if days_ago < 1:
        return words.gettext("Was in the shop today: write now, no discount needed.")
    return words.ngettext(
        "Was in the shop %(num)s day ago: write now, no discount needed.",
        "Was in the shop %(num)s days ago: write now, no discount needed.",
        days_ago,
    )
