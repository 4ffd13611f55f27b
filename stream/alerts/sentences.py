"""Plain English for every feature: one table.

A sentence states the fact that the value is, in words that fit its *level*: below or above that of a typical customer.
In which direction a feature can be a reason at all is declared in `stream.features.registry`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["HABIT", "WORDINGS", "Values", "Wording", "change_sentence", "habit_sentence", "sentence"]

Values = Mapping[str, float | None]
#: (value of the feature, all values) -> sentence
Fact = Callable[[float, Values], str]

#: Under this name ``Values`` may hold the usual gap between orders in days (`stream.features.habit`).
HABIT: Final = "habit_days"
_MIN_ORDERS_FOR_A_HABIT: Final = 3
_WINDOWS: Final = {
    "1h": ("in the last hour", "in the last hour"),
    "1d": ("in the last day", "in the last day"),
    "7d": ("in 7 days", "in the last 7 days"),
    "28d": ("in 28 days", "in the last 28 days"),
    "90d": ("in 90 days", "in the last 90 days"),
}
#: Names of features for people, where theirs would not do.
_TITLES: Final = {
    "purchases": "orders",
    "days_since_purchase": "days since the last order",
    "purchases_total": "orders so far",
    "purchase_gap": "days between orders",
    "silence_ratio": "silence in usual gaps",
    "purchase_days": "days with an order",
    "purchase_interval": "days to the next order, as expected",
}
#: A window, and the longer one whose earlier part is what a value "fell" from: (name, days, longer name, its
#: days).
_BEFORE: Final = {"7d": (7, "28d", 28), "28d": (28, "90d", 90)}


@dataclass(frozen=True, slots=True)
class Wording:
    """How to speak of one feature."""

    low: Fact
    high: Fact
    missing: str


def sentence(feature: str, values: Values, *, is_high: bool) -> str:
    """Return the sentence for `feature`, whose input `is_high` or low.

    >>> values = {"days_since_purchase": 34.2, "habit_days": 9.1, "purchases_total": 12}
    >>> sentence("days_since_purchase", values, is_high=True)
    'No order for 34 days; usually every 9.'
    >>> sentence("purchases_total", {"purchases_total": 40}, is_high=True)
    '40 orders so far.'
    """
    wording = WORDINGS[feature]
    value = values.get(feature)
    if value is None:
        return wording.missing
    return wording.high(value, values) if is_high else wording.low(value, values)


def habit_sentence(days: float | None, habit_days: float) -> str:
    """The silence against the habit, both in days; None: no order yet.

    >>> habit_sentence(86.3, 14.2)
    'No order for 86 days; usually every 14.'
    >>> habit_sentence(2.0, 1.2)
    'No order for 2 days; usually every day.'
    """
    if days is None:
        return "No order yet."
    usual = round(habit_days)
    every = "day" if usual <= 1 else f"{usual:,}" if days >= 1 else f"{usual:,} days"
    return f"No order for {_days(days)}; usually every {every}."


def change_sentence(feature: str, before: float, now: float) -> str:
    """What a feature was and is, when it has changed.

    >>> change_sentence("days_since_purchase", 6.1, 34.0)
    'Days since the last order: 34 (was 6).'
    >>> change_sentence("purchases_28d", 3.0, 0.0)
    'Orders in 28 days: 0 (was 3).'
    """
    name, _, window = feature.rpartition("_")
    name = _TITLES.get(name, name)
    title = f"{name} {_WINDOWS[window][0]}" if window in _WINDOWS else _TITLES.get(feature, feature)
    digits = next((d for d in (0, 1, 2) if f"{before:.{d}f}" != f"{now:.{d}f}"), 3)
    return f"{title.replace('_', ' ').capitalize()}: {now:,.{digits}f} (was {before:,.{digits}f})."


def _number_of(count: float, one: str, many: str) -> str:
    return f"{count:,.0f} {one if round(count) == 1 else many}"


def _days(days: float) -> str:
    return "less than a day" if days < 1 else _number_of(days, "day", "days")


def _money(amount: float) -> str:
    return f"{amount:,.2f}"


def _percent(ratio: float) -> str:
    return f"{100 * ratio:.0f} %"


def _fell(name: str, window: str, value: float, values: Values) -> bool:
    """Whether `value` is below the mean rate of the earlier part of the next longer window."""
    if window not in _BEFORE:
        return False
    days, longer, longer_days = _BEFORE[window]
    whole = values.get(f"{name}_{longer}")
    return whole is not None and value < (whole - value) / (longer_days - days) * days


def _count(name: str, window: str, none: str, fell: str, one: str, many: str) -> Wording:
    bare, last = _WINDOWS[window]

    def low(value: float, values: Values) -> str:
        if value <= 0:
            return f"{none} {bare}."
        if _fell(name, window, value, values):
            return f"{fell} fell to {value:,.0f} {last}."
        return f"Only {_number_of(value, one, many)} {last}."

    def high(value: float, _: Values) -> str:
        return f"{_number_of(value, one, many)} {last}." if value > 0 else f"{none} {bare}."

    return Wording(low, high, f"{none} yet.")


def _spend(window: str) -> Wording:
    bare, last = _WINDOWS[window]

    def none(value: float) -> str:
        if value < 0:
            return f"Refunds exceeded orders by {_money(-value)} {last}."
        return f"Nothing spent {bare}."

    def low(value: float, values: Values) -> str:
        if value <= 0:
            return none(value)
        if _fell("spend", window, value, values):
            return f"Spending fell to {_money(value)} {last}."
        return f"Only {_money(value)} spent {last}."

    def high(value: float, _: Values) -> str:
        return f"{_money(value)} spent {last}." if value > 0 else none(value)

    return Wording(low, high, "Nothing spent yet.")


def _no_order_for(days: float, values: Values) -> str:
    habit, gap, orders = values.get(HABIT), values.get("purchase_gap"), values.get("purchases_total")
    if orders is None or orders < _MIN_ORDERS_FOR_A_HABIT:
        return f"No order for {_days(days)}."
    if habit is None and (gap is None or gap < 1):
        return f"No order for {_days(days)}."
    return habit_sentence(days, gap or 1.0 if habit is None else habit)


def _cart(value: float, values: Values) -> str:
    since = "without an order" if values.get("days_since_purchase") is None else "after the day of the last order"
    if value <= 0:
        return f"No product added to the cart {since} in 28 days."
    return f"{_number_of(value, 'product', 'products')} added to the cart {since} in the last 28 days."


def _active_days(value: float) -> str:
    # The window of whole days can show one day more than its name.
    return f"{min(value, 28):.0f} of the last 28 days"


_SITE = ("No site or app event", "Site and app events", "site or app event", "site or app events")
_EMAIL = ("No e-mail opened", "Reactions to e-mails", "reaction to e-mails", "reactions to e-mails")
_ORDER = ("No order", "Orders", "order", "orders")

#: One entry for each feature of `stream.features.registry.FEATURES`.
WORDINGS: Final[Mapping[str, Wording]] = {
    **{
        f"{name}_{window}": _count(name, window, *words)
        for name, words in (("clicks", _SITE), ("emails", _EMAIL), ("purchases", _ORDER))
        for window in _WINDOWS
    },
    **{f"spend_{window}": _spend(window) for window in ("7d", "28d", "90d")},
    "days_since_click": Wording(
        lambda days, _: f"Last site or app event {_days(days)} ago.",
        lambda days, _: f"No site or app event for {_days(days)}.",
        "No site or app event yet.",
    ),
    "days_since_email": Wording(
        lambda days, _: f"Last opened, clicked or answered an e-mail {_days(days)} ago.",
        lambda days, _: f"No e-mail opened for {_days(days)}.",
        "No e-mail opened yet.",
    ),
    "days_since_purchase": Wording(
        lambda days, _: f"Last order {_days(days)} ago.",
        _no_order_for,
        "No order yet.",
    ),
    "tenure": Wording(
        lambda days, _: f"A customer for only {_days(days)}.",
        lambda days, _: f"A customer for {_days(days)}.",
        "A customer for less than a day.",
    ),
    "purchases_total": Wording(
        lambda n, _: f"Only {_number_of(n, 'order', 'orders')} so far." if n > 0 else "No order so far.",
        lambda n, _: f"{_number_of(n, 'order', 'orders')} so far." if n > 0 else "No order so far.",
        "No order so far.",
    ),
    "purchase_gap": Wording(
        lambda days, _: f"Orders are close together: {_days(days)} apart on average.",
        lambda days, _: f"Orders are far apart: {_days(days)} on average.",
        "Fewer than two orders, so the time between orders is not known.",
    ),
    "silence_ratio": Wording(
        lambda ratio, _: f"Time since the last order: only {ratio:.1f} times the usual gap between orders.",
        lambda ratio, _: f"Time since the last order: {ratio:.1f} times the usual gap between orders.",
        "Fewer than two orders, so it is not known which silence is usual.",
    ),
    "order_value": Wording(
        lambda amount, _: f"Orders are small: {_money(amount)} on average.",
        lambda amount, _: f"Orders are large: {_money(amount)} on average.",
        "No order yet, so the value of an order is not known.",
    ),
    # The rates are estimates that begin at a prior: with no e-mail sent yet they are not zero.
    "email_open_rate": Wording(
        lambda rate, _: f"Expected to open only {_percent(rate)} of e-mails.",
        lambda rate, _: f"Expected to open {_percent(rate)} of e-mails.",
        "Not known yet how many e-mails are opened.",
    ),
    "email_click_rate": Wording(
        lambda rate, _: f"Expected to click in only {_percent(rate)} of e-mails.",
        lambda rate, _: f"Expected to click in {_percent(rate)} of e-mails.",
        "Not known yet how many e-mails are clicked.",
    ),
    "open_cart_additions": Wording(_cart, _cart, "No product added to the cart yet."),
    "refund_ratio": Wording(
        lambda ratio, _: f"Few refunds: {ratio:.2f} per order." if ratio > 0 else "No refund so far.",
        lambda ratio, _: f"Many refunds: {ratio:.2f} per order." if ratio > 0 else "No refund so far.",
        "No refund so far.",
    ),
    "active_days_28d": Wording(
        lambda days, _: f"Active on only {_active_days(days)}." if days > 0 else "Not active in 28 days.",
        lambda days, _: f"Active on {_active_days(days)}." if days > 0 else "Not active in 28 days.",
        "Not active yet.",
    ),
    "purchase_days": Wording(
        lambda n, _: f"Orders on only {_number_of(n, 'day', 'days')} so far." if n > 0 else "No order so far.",
        lambda n, _: f"Orders on {_number_of(n, 'day', 'days')} so far." if n > 0 else "No order so far.",
        "No order so far.",
    ),
    "purchase_interval": Wording(
        lambda days, _: f"Expected to order every {_days(days)}.".replace("every 1 day.", "every day."),
        lambda days, _: f"Expected to order only every {_days(days)}.".replace("every 1 day.", "every day."),
        "Too little is known to say how often an order is to be expected.",
    ),
}
