"""What scorers load of the purchase process."""

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from stream.errors import SnapshotError
from stream.features.order_process import ProcessTerm, log_odds
from stream.features.registry import COLUMN, FEATURES
from stream.online_models.purchase_process import PurchaseProcess

__all__ = ["PURCHASES", "PurchasesSnapshot", "TypicalHistory"]

#: Name of the component, under which it publishes.
PURCHASES: Final = "purchases"


class TypicalHistory(Struct, frozen=True, kw_only=True):
    """The means of the customers in the sample: further days with an order, days to the last and since the first.

    The defaults are those of a customer of whom little is known.
    """

    x: float = 0.0
    last: float = 0.0
    age: float = 28.0

    def inputs(self) -> npt.NDArray[np.float64]:
        """The inputs of such a customer, float64[features]; those that the process does not know are 0."""
        inputs = np.zeros(len(FEATURES))
        silence, gap = self.age - self.last, self.last / self.x if self.x > 0.0 else math.inf
        inputs[COLUMN["purchase_days"]] = math.log1p(self.x + 1.0)
        inputs[COLUMN["days_since_purchase"]] = math.log1p(silence)
        inputs[COLUMN["silence_ratio"]] = math.log1p(silence / max(gap, 1.0))
        return inputs


class PurchasesSnapshot(Struct, frozen=True, kw_only=True):
    """``customers``: whose orders the parameters were fitted to; 0: they are those of the prior."""

    process: PurchaseProcess
    customers: int
    typical: TypicalHistory = TypicalHistory()

    def term(self, weight: float, horizon_days: float, *, is_alone: bool) -> ProcessTerm:
        """Its part in the log-odds of churn."""
        fitted, typical = self.process, self.typical
        process = np.array([fitted.r, fitted.alpha, fitted.a, fitted.b, horizon_days])
        return ProcessTerm(
            weight=weight,
            process=process,
            typical=float(log_odds(typical.x, typical.last, typical.age, process)),
            typical_silence=typical.age - typical.last,
            is_alone=is_alone,
        )

    def check(self) -> None:
        """Raises `SnapshotError` for parameters that are none."""
        process, typical = self.process, self.typical
        parameters = (process.r, process.alpha, process.a, process.b)
        if not all(math.isfinite(value) and value > 0.0 for value in parameters):
            raise SnapshotError(f"parameters of the purchase process must be positive, got {parameters}")
        if not 0.0 <= typical.last <= typical.age < math.inf or not 0.0 <= typical.x < math.inf:
            raise SnapshotError(f"the typical customer of the purchase process has no history: {typical}")
