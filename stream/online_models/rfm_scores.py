"""Recency, frequency and money of one customer, and their scores; compiled, because every document has them."""

import math
from typing import Final

from stream.compiling import jit
from stream.features.registry import COLUMN, INPUT_SCALE
from stream.online_models.inputs import INPUT_LIMIT

__all__ = ["MEASURED", "measure", "score"]

_RECENCY, _DAYS = COLUMN["days_since_purchase"], COLUMN["purchase_days"]
_ORDERS, _ORDER_VALUE = COLUMN["purchases_total"], COLUMN["order_value"]
#: The inputs that `measure` reads.
MEASURED: Final = (_RECENCY, _DAYS, _ORDERS, _ORDER_VALUE)


@jit
def measure(x, measured):  # type: ignore[no-untyped-def]
    """Fill ``measured`` (int64[3]) from inputs ``x``: days since the last order, negative; days with an order; money.

    Of each, ``log1p`` in units of 1/INPUT_SCALE, as inputs are. The more, the better.
    """
    orders = round(math.expm1(x[_ORDERS] / INPUT_SCALE))
    spend = max(orders * math.expm1(x[_ORDER_VALUE] / INPUT_SCALE), 0.0)
    measured[0] = -x[_RECENCY]
    measured[1] = x[_DAYS]
    measured[2] = min(round(math.log1p(spend) * INPUT_SCALE), INPUT_LIMIT)


@jit
def score(measured, edges):  # type: ignore[no-untyped-def]
    """The score, 1 to `SCORES`, of one measure by its ascending ``edges``."""
    found = 1
    for edge in edges:
        found += measured >= edge
    return found
