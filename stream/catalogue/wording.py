"""Phrases of which the sentences of features are made, for the owner of a shop.

A sentence states the fact that the value is, in words that fit its *level*: below or above that of a typical customer.
"""

from typing import Final

from stream.catalogue.declaring import Money, Values, Window, Wording
from stream.catalogue.windows import WINDOWS

__all__ = [
    "HABIT",
    "active_days",
    "cart",
    "count_wording",
    "days",
    "habit_sentence",
    "no_order_for",
    "number_of",
    "percent",
    "plain_money",
    "spend_wording",
]

#: Under this name ``Values`` may hold the usual gap between orders in days (`stream.features.habit`).
HABIT: Final = "habit_days"
_MIN_ORDERS_FOR_A_HABIT: Final = 3
_WINDOW_OF: Final = {window.label: window for window in WINDOWS}


def habit_sentence(silence_days: float | None, habit_days: float) -> str:
    """The silence against the habit, both in days; None: no order yet.

    >>> habit_sentence(86.3, 14.2)
    'No order for 86 days; usually every 14.'
    >>> habit_sentence(2.0, 1.2)
    'No order for 2 days; usually every day.'
    """
    if silence_days is None:
        return "No order yet."
    usual = round(habit_days)
    every = "day" if usual <= 1 else f"{usual:,}" if silence_days >= 1 else f"{usual:,} days"
    return f"No order for {days(silence_days)}; usually every {every}."


def number_of(count: float, one: str, many: str) -> str:
    """A count with its noun."""
    return f"{count:,.0f} {one if round(count) == 1 else many}"


def days(count: float) -> str:
    """A time in days."""
    return "less than a day" if count < 1 else number_of(count, "day", "days")


def plain_money(amount: float) -> str:
    """An amount in major units, of a currency that is not known."""
    return f"{amount:,.2f}"


def percent(ratio: float) -> str:
    """A ratio in percent."""
    return f"{100 * ratio:.0f} %"


def _fell(name: str, window: Window, value: float, values: Values) -> bool:
    """Whether `value` is below the mean rate of the earlier part of the next longer window."""
    if not window.longer:
        return False
    longer = _WINDOW_OF[window.longer]
    whole = values.get(f"{name}_{longer.label}")
    return whole is not None and value < (whole - value) / (longer.hops - window.hops) * window.hops


def count_wording(name: str, window: Window, none: str, fell: str, one: str, many: str) -> Wording:
    """How to speak of a count over a window; ``none``, ``fell``: "No order", "Orders"."""

    def low(value: float, values: Values, _: Money) -> str:
        if value <= 0:
            return f"{none} {window.bare}."
        if _fell(name, window, value, values):
            return f"{fell} fell to {value:,.0f} {window.last}."
        return f"Only {number_of(value, one, many)} {window.last}."

    def high(value: float, _: Values, __: Money) -> str:
        return f"{number_of(value, one, many)} {window.last}." if value > 0 else f"{none} {window.bare}."

    return Wording(low, high, f"{none} yet.")


def spend_wording(window: Window) -> Wording:
    """How to speak of orders less refunds over a window."""

    def none(value: float, money: Money) -> str:
        if value < 0:
            return f"Refunds exceeded orders by {money(-value)} {window.last}."
        return f"Nothing spent {window.bare}."

    def low(value: float, values: Values, money: Money) -> str:
        if value <= 0:
            return none(value, money)
        if _fell("spend", window, value, values):
            return f"Spending fell to {money(value)} {window.last}."
        return f"Only {money(value)} spent {window.last}."

    def high(value: float, _: Values, money: Money) -> str:
        return f"{money(value)} spent {window.last}." if value > 0 else none(value, money)

    return Wording(low, high, "Nothing spent yet.")


def no_order_for(silence_days: float, values: Values, _: Money) -> str:
    """The silence since the last order, beside the habit where one is known."""
    habit, gap, orders = values.get(HABIT), values.get("purchase_gap"), values.get("purchases_total")
    if orders is None or orders < _MIN_ORDERS_FOR_A_HABIT:
        return f"No order for {days(silence_days)}."
    if habit is None and (gap is None or gap < 1):
        return f"No order for {days(silence_days)}."
    return habit_sentence(silence_days, gap or 1.0 if habit is None else habit)


def cart(value: float, values: Values, _: Money) -> str:
    """Products added to a cart that has become no order."""
    since = "without an order" if values.get("days_since_purchase") is None else "after the day of the last order"
    if value <= 0:
        return f"No product added to the cart {since} in 28 days."
    return f"{number_of(value, 'product', 'products')} added to the cart {since} in the last 28 days."


def active_days(value: float) -> str:
    """Days of the last 28; the window of whole days can show one day more than its name."""
    return f"{min(value, 28):.0f} of the last 28 days"
