"""Inputs by name: how an example names its features on the way, and what a model does with one that it lacks.

Programs of two releases exchange examples, and their lists of features differ. So the order of `FEATURES` means nothing
outside of a process. On the way ``x`` holds the inputs of `FIRST_FEATURES`, a list that never changes, in its order;
``others`` holds the inputs of every later feature by name. A reader puts them into its own order:

* a feature that the reader does not know is left out;
* a feature that the writer did not know is `MISSING`. A model takes its term as that of a typical customer, and does
  not learn from it.

An example of today's features costs not one byte more than a bare list.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from stream.features.registry import FEATURE_NAMES, FEATURES, INPUT_SCALE

__all__ = ["FIRST_FEATURES", "INPUT_LIMIT", "MISSING", "NEUTRAL", "lacks", "packed_inputs", "unpacked_inputs"]

#: Model inputs are int16 in units of 1/INPUT_SCALE, within +-INPUT_LIMIT.
INPUT_LIMIT: Final = 32_767
#: The input of a feature that an example does not have.
MISSING: Final = -32_768

#: The features of the first release, in the order in which examples carry them. Never add, remove or reorder: what is
#: on the way, and what is stored, refers to it.
FIRST_FEATURES: Final = (
    "clicks_1h",
    "clicks_1d",
    "clicks_7d",
    "clicks_28d",
    "clicks_90d",
    "emails_1h",
    "emails_1d",
    "emails_7d",
    "emails_28d",
    "emails_90d",
    "purchases_1h",
    "purchases_1d",
    "purchases_7d",
    "purchases_28d",
    "purchases_90d",
    "spend_7d",
    "spend_28d",
    "spend_90d",
    "days_since_click",
    "days_since_email",
    "days_since_purchase",
    "tenure",
    "purchases_total",
    "purchase_gap",
    "silence_ratio",
    "order_value",
    "email_open_rate",
    "email_click_rate",
    "open_cart_additions",
    "refund_ratio",
    "active_days_28d",
    "purchase_days",
    "purchase_interval",
)

#: The default inputs of an unknown customer, in the order of `FEATURES`.
NEUTRAL: Final = tuple(round(feature.input_of(feature.absent) * INPUT_SCALE) for feature in FEATURES)


def packed_inputs(x: list[int], features: Sequence[str] = FEATURE_NAMES) -> tuple[list[int], dict[str, int]]:
    """Inputs ``x`` of ``features`` as ``x`` of `FIRST_FEATURES` and the others by name.

    >>> x, others = packed_inputs([5, 7], ["shoe_size", "tenure"])
    >>> x[FIRST_FEATURES.index("tenure")], x.count(MISSING), others
    (7, 32, {'shoe_size': 5})
    """
    if tuple(features) == FIRST_FEATURES:
        return x, {}
    found = dict(zip(features, x, strict=True))
    first = [found.pop(name, MISSING) for name in FIRST_FEATURES]
    return first, {name: value for name, value in found.items() if value != MISSING}


def unpacked_inputs(x: list[int], others: Mapping[str, int], features: Sequence[str] = FEATURE_NAMES) -> list[int]:
    """The inputs of ``features``: the reverse of `packed_inputs`, for another list as well.

    >>> x, others = packed_inputs([5, 7], ["shoe_size", "tenure"])
    >>> unpacked_inputs(x, others, ["tenure", "shoe_size", "hat_size"])
    [7, 5, -32768]
    """
    if tuple(features) == FIRST_FEATURES:
        return x
    found = {**dict(zip(FIRST_FEATURES, x, strict=True)), **others}
    return [found.get(name, MISSING) for name in features]


def lacks(x: Sequence[int], columns: Sequence[int]) -> bool:
    """Whether one of the inputs in ``columns`` is missing."""
    for column in columns:  # noqa: SIM110 - asked of every example, and a generator costs three times as much
        if x[column] == MISSING:
            return True
    return False
