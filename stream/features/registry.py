"""The one declaration of every feature: name, unit, window, exactness, meaning and model input.

The position of a feature in `FEATURES` is its column in every feature vector, so the order is part of the
layout of stored profiles and snapshots: append, never reorder.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

__all__ = ["COLUMN", "FEATURES", "FEATURE_NAMES", "INPUT_SCALE", "SILENCE", "Feature", "Transform", "complete"]

#: Model inputs are quantised to 1/INPUT_SCALE: a frozen vector is small and exactly what was scored.
INPUT_SCALE = 1024

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class Transform(Enum):
    """How a feature value becomes a model input."""

    IDENTITY = "identity"
    LOG1P = "log1p"


@dataclass(frozen=True, slots=True)
class Feature:
    """A declared feature.

    ``window_ms`` is the look-back (None: the whole history). ``exactness`` says how far the value may be from a
    continuous window: a *sawtooth* window of hop *h* is exact at the head and up to *h* longer at the tail.
    ``missing`` is the value that stands for "not known yet" in the model input. ``absent`` is what a document means
    that does not show the feature: what it is of one who never did the thing, None (not known yet) where that is not
    defined. ``leaving``: the direction in which the feature can be a reason for leaving: 1 where it is high, -1 where
    it is low, 0 if it is none, as the age of an account. A part in a score that goes against it is no reason.
    """

    name: str
    unit: str
    window_ms: int | None
    exactness: str
    description: str
    transform: Transform = Transform.LOG1P
    missing: float = 0.0
    absent: float | None = 0.0
    leaving: int = 0

    def input_of(self, value: float | None) -> float:
        """The model input of a value, before it is quantised; None is "not known yet"."""
        known = self.missing if value is None else value
        return math.log1p(max(known, 0.0)) if self.transform is Transform.LOG1P else known

    def value_of(self, model_input: float) -> float:
        """The value behind a model input; what was not known comes back as ``missing``."""
        return math.expm1(model_input) if self.transform is Transform.LOG1P else model_input


#: A customer who never did a thing is, for the model, one who last did it this many days ago.
NEVER_DAYS = 365.0

_WINDOWS = (
    ("1h", HOUR_MS, "5 min"),
    ("1d", DAY_MS, "1 h"),
    ("7d", 7 * DAY_MS, "1 d"),
    ("28d", 28 * DAY_MS, "1 d"),
    ("90d", 90 * DAY_MS, "1 d"),
)


def _counts(name: str, what: str) -> tuple[Feature, ...]:
    return tuple(
        Feature(f"{name}_{label}", "events", window, f"sawtooth, hop {hop}", f"{what} in the last {label}", leaving=-1)
        for label, window, hop in _WINDOWS
    )


def _days(name: str, description: str, leaving: int) -> Feature:
    return Feature(name, "days", None, "exact", description, missing=NEVER_DAYS, absent=None, leaving=leaving)


FEATURES: tuple[Feature, ...] = (
    *_counts("clicks", "site and app events"),
    *_counts("emails", "e-mails opened, clicked or answered"),
    *_counts("purchases", "completed orders"),
    *(
        Feature(
            f"spend_{label}",
            "currency",
            window,
            f"sawtooth, hop {hop}",
            f"orders less refunds in the last {label}",
            leaving=-1,
        )
        for label, window, hop in _WINDOWS[2:]
    ),
    _days("days_since_click", "since the last site or app event", 1),
    _days("days_since_email", "since the last e-mail opened, clicked or answered", 1),
    _days("days_since_purchase", "since the last completed order", 1),
    Feature("tenure", "days", None, "exact", "since the first event"),
    Feature("purchases_total", "events", None, "exact", "completed orders", leaving=-1),
    _days("purchase_gap", "mean time between orders: (last - first) / (orders - 1)", 0),
    Feature(
        "silence_ratio",
        "ratio",
        None,
        "exact",
        "days since the last order over the mean gap between orders, a gap below one day counted as one",
        missing=1.0,
        absent=None,
        leaving=1,
    ),
    Feature(
        "order_value",
        "currency",
        None,
        "exact",
        "mean amount of the orders whose amount is known, refunds not counted",
        absent=None,
    ),
    Feature(
        "email_open_rate",
        "ratio",
        None,
        "exact",
        "e-mails opened by a person over e-mails sent, smoothed: (opened + 1) / (sent + 5)",
        Transform.IDENTITY,
        absent=1.0 / 5.0,
        leaving=-1,
    ),
    Feature(
        "email_click_rate",
        "ratio",
        None,
        "exact",
        "e-mails clicked over e-mails sent, smoothed: (clicked + 0.25) / (sent + 5)",
        Transform.IDENTITY,
        absent=0.25 / 5.0,
        leaving=-1,
    ),
    Feature(
        "open_cart_additions",
        "events",
        28 * DAY_MS,
        "whole days",
        "products added on days after the day of the last order, in the last 28d",
    ),
    Feature(
        "refund_ratio",
        "ratio",
        None,
        "exact",
        "refunds over completed orders",
        Transform.IDENTITY,
        leaving=1,
    ),
    Feature(
        "active_days_28d",
        "days",
        28 * DAY_MS,
        "whole days",
        "distinct days with an order, a site event or an e-mail opened, clicked or answered",
        leaving=-1,
    ),
    Feature("purchase_days", "days", None, "exact", "distinct days with a completed order", leaving=-1),
    Feature(
        "purchase_interval",
        "days",
        None,
        "exact",
        "expected time between days with an order: (tenure + 30) / (purchase_days + 0.5)",
        missing=60.0,
    ),
)

FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
COLUMN: dict[str, int] = {name: column for column, name in enumerate(FEATURE_NAMES)}

#: Columns of the inputs that grow with the time since the last order.
SILENCE: tuple[int, int] = (COLUMN["days_since_purchase"], COLUMN["silence_ratio"])


def complete(shown: Mapping[str, float | None]) -> dict[str, float | None]:
    """All features in their order, of those that a document shows; None is "not known yet"."""
    return {feature.name: shown.get(feature.name, feature.absent) for feature in FEATURES}
