"""Features: name, number, unit, window, exactness, meaning, model input and wording.

A feature with a ``source`` is summed by the loops over windows. Any other has an expression in
`stream.features.vector`, bound to its name.
"""

from collections.abc import Iterable
from typing import Final

from stream.catalogue.declaring import MAX_NUMBERS, Feature, Transform, Window, Wording
from stream.catalogue.events import CHANNELS
from stream.catalogue.extension import extended
from stream.catalogue.summing import MONEY, count
from stream.catalogue.windows import DAY_7, DAY_28, DAY_90, WINDOWS
from stream.catalogue.wording import (
    active_days,
    cart,
    days,
    no_order_for,
    number_of,
    percent,
    spend_wording,
)

__all__ = ["FEATURES", "in_columns"]

#: The days since an action that the model assumes for a customer who never did it.
NEVER_DAYS: Final = 365.0

_SITE = ("No site or app event", "Site and app events", "site or app event", "site or app events")
_EMAIL = ("No e-mail opened", "Reactions to e-mails", "reaction to e-mails", "reactions to e-mails")
_ORDER = ("No order", "Orders", "order", "orders")


def _spend(window: Window, number: int) -> Feature:
    return Feature(
        f"spend_{window.label}",
        number,
        "currency",
        window,
        window.exactness,
        f"orders less refunds in the last {window.label}",
        spend_wording(window),
        leaving=-1,
        source=MONEY,
        title=f"spend {window.bare}",
    )


def _days(name: str, number: int, description: str, leaving: int, wording: Wording, title: str = "") -> Feature:
    return Feature(
        name,
        number,
        "days",
        None,
        "exact",
        description,
        wording,
        missing=NEVER_DAYS,
        absent=None,
        leaving=leaving,
        title=title,
    )


def in_columns(features: Iterable[Feature]) -> tuple[Feature, ...]:
    """Features by number. Raises ValueError unless numbers and names are distinct, and sources known."""
    found = tuple(sorted(features, key=lambda feature: feature.number))
    numbered = [(feature.number, feature.name) for feature in found]
    if not all(0 <= number < MAX_NUMBERS for number, _ in numbered):
        raise ValueError(f"the numbers of features must be from 0 to {MAX_NUMBERS - 1}: {numbered}")
    if len({number for number, _ in numbered}) < len(found):
        raise ValueError(f"two features have the same number: {numbered}")
    if len({name for _, name in numbered}) < len(found):
        raise ValueError(f"two features have the same name: {numbered}")
    channels = {channel.name: channel for channel in CHANNELS}
    for feature in found:
        if not feature.source:
            continue
        if feature.window not in WINDOWS:
            raise ValueError(f"{feature.name}: a feature with a source needs one of the windows")
        if feature.source == MONEY and feature.window in {DAY_7, DAY_28, DAY_90}:
            continue
        if feature.source not in channels:
            raise ValueError(f"{feature.name}: there is no channel {feature.source}")
        if feature.window.hop_ms < DAY_7.hop_ms and not channels[feature.source].is_fine:
            raise ValueError(f"{feature.name}: the channel {feature.source} is counted by the day only")
    return found


#: The order of the list is free: what is stored are the columns.
_FEATURES = (
    *(count("clicks", 0 + k, "click", window, "site and app events", _SITE) for k, window in enumerate(WINDOWS)),
    *(
        count("emails", 5 + k, "email", window, "e-mails opened, clicked or answered", _EMAIL)
        for k, window in enumerate(WINDOWS)
    ),
    *(
        count("purchases", 10 + k, "purchase", window, "completed orders", _ORDER, title="orders")
        for k, window in enumerate(WINDOWS)
    ),
    *(_spend(window, 15 + k) for k, window in enumerate((DAY_7, DAY_28, DAY_90))),
    _days(
        "days_since_click",
        18,
        "since the last site or app event",
        1,
        Wording(
            lambda n, *_: f"Last site or app event {days(n)} ago.",
            lambda n, *_: f"No site or app event for {days(n)}.",
            "No site or app event yet.",
        ),
    ),
    _days(
        "days_since_email",
        19,
        "since the last e-mail opened, clicked or answered",
        1,
        Wording(
            lambda n, *_: f"Last opened, clicked or answered an e-mail {days(n)} ago.",
            lambda n, *_: f"No e-mail opened for {days(n)}.",
            "No e-mail opened yet.",
        ),
    ),
    _days(
        "days_since_purchase",
        20,
        "since the last completed order",
        1,
        Wording(lambda n, *_: f"Last order {days(n)} ago.", no_order_for, "No order yet."),
        title="days since the last order",
    ),
    Feature(
        "tenure",
        21,
        "days",
        None,
        "exact",
        "since the first event",
        Wording(
            lambda n, *_: f"A customer for only {days(n)}.",
            lambda n, *_: f"A customer for {days(n)}.",
            "A customer for less than a day.",
        ),
    ),
    Feature(
        "purchases_total",
        22,
        "events",
        None,
        "exact",
        "completed orders",
        Wording(
            lambda n, *_: f"Only {number_of(n, 'order', 'orders')} so far." if n > 0 else "No order so far.",
            lambda n, *_: f"{number_of(n, 'order', 'orders')} so far." if n > 0 else "No order so far.",
            "No order so far.",
        ),
        leaving=-1,
        title="orders so far",
    ),
    _days(
        "purchase_gap",
        23,
        "mean time between orders: (last - first) / (orders - 1)",
        0,
        Wording(
            lambda n, *_: f"Orders are close together: {days(n)} apart on average.",
            lambda n, *_: f"Orders are far apart: {days(n)} on average.",
            "Fewer than two orders, so the time between orders is not known.",
        ),
        title="days between orders",
    ),
    Feature(
        "silence_ratio",
        24,
        "ratio",
        None,
        "exact",
        "days since the last order over the mean gap between orders, a gap below one day counted as one",
        Wording(
            lambda ratio, *_: f"Time since the last order: only {ratio:.1f} times the usual gap between orders.",
            lambda ratio, *_: f"Time since the last order: {ratio:.1f} times the usual gap between orders.",
            "Fewer than two orders, so it is not known which silence is usual.",
        ),
        missing=1.0,
        absent=None,
        leaving=1,
        title="silence in usual gaps",
    ),
    Feature(
        "order_value",
        25,
        "currency",
        None,
        "exact",
        "mean amount of the orders whose amount is known, refunds not counted",
        Wording(
            lambda amount, _, money: f"Orders are small: {money(amount)} on average.",
            lambda amount, _, money: f"Orders are large: {money(amount)} on average.",
            "No order yet, so the value of an order is not known.",
        ),
        absent=None,
    ),
    # The rates are estimates that begin at a prior: with no e-mail sent yet they are not zero.
    Feature(
        "email_open_rate",
        26,
        "ratio",
        None,
        "exact",
        "e-mails opened by a person over e-mails sent, smoothed: (opened + 1) / (sent + 5)",
        Wording(
            lambda rate, *_: f"Expected to open only {percent(rate)} of e-mails.",
            lambda rate, *_: f"Expected to open {percent(rate)} of e-mails.",
            "Not known yet how many e-mails are opened.",
        ),
        Transform.IDENTITY,
        absent=1.0 / 5.0,
        leaving=-1,
    ),
    Feature(
        "email_click_rate",
        27,
        "ratio",
        None,
        "exact",
        "e-mails clicked over e-mails sent, smoothed: (clicked + 0.25) / (sent + 5)",
        Wording(
            lambda rate, *_: f"Expected to click in only {percent(rate)} of e-mails.",
            lambda rate, *_: f"Expected to click in {percent(rate)} of e-mails.",
            "Not known yet how many e-mails are clicked.",
        ),
        Transform.IDENTITY,
        absent=0.25 / 5.0,
        leaving=-1,
    ),
    Feature(
        "open_cart_additions",
        28,
        "events",
        DAY_28,
        "whole days",
        "products added on days after the day of the last order, in the last 28d",
        Wording(cart, cart, "No product added to the cart yet."),
    ),
    Feature(
        "refund_ratio",
        29,
        "ratio",
        None,
        "exact",
        "refunds over completed orders",
        Wording(
            lambda ratio, *_: f"Few refunds: {ratio:.2f} per order." if ratio > 0 else "No refund so far.",
            lambda ratio, *_: f"Many refunds: {ratio:.2f} per order." if ratio > 0 else "No refund so far.",
            "No refund so far.",
        ),
        Transform.IDENTITY,
        leaving=1,
    ),
    Feature(
        "active_days_28d",
        30,
        "days",
        DAY_28,
        "whole days",
        "distinct days with an order, a site event or an e-mail opened, clicked or answered",
        Wording(
            lambda n, *_: f"Active on only {active_days(n)}." if n > 0 else "Not active in 28 days.",
            lambda n, *_: f"Active on {active_days(n)}." if n > 0 else "Not active in 28 days.",
            "Not active yet.",
        ),
        leaving=-1,
        title="active days in 28 days",
    ),
    Feature(
        "purchase_days",
        31,
        "days",
        None,
        "exact",
        "distinct days with a completed order",
        Wording(
            lambda n, *_: f"Orders on only {number_of(n, 'day', 'days')} so far." if n > 0 else "No order so far.",
            lambda n, *_: f"Orders on {number_of(n, 'day', 'days')} so far." if n > 0 else "No order so far.",
            "No order so far.",
        ),
        leaving=-1,
        title="days with an order",
    ),
    Feature(
        "purchase_interval",
        32,
        "days",
        None,
        "exact",
        "expected time between days with an order: (tenure + 30) / (purchase_days + 0.5)",
        Wording(
            lambda n, *_: f"Expected to order every {days(n)}.".replace("every 1 day.", "every day."),
            lambda n, *_: f"Expected to order only every {days(n)}.".replace("every 1 day.", "every day."),
            "Too little is known to say how often an order is to be expected.",
        ),
        missing=60.0,
        title="days to the next order, as expected",
    ),
)

#: By column: a feature's place here is its place in feature vectors.
FEATURES: Final = in_columns((*_FEATURES, *extended().features))
