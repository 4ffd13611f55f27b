"""The components of the learner, in the order in which they learn an example; see `stream.online_models.component`."""

from typing import Final

from stream.online_models.component import Component
from stream.online_models.components.churn import Churn
from stream.online_models.components.counted import Counted
from stream.online_models.components.drift import Drift
from stream.online_models.components.evaluation import Evaluated
from stream.online_models.components.levels import OrderLevels
from stream.online_models.components.purchases import Purchases
from stream.online_models.components.rfm import RfmClasses
from stream.online_models.components.rhythm import ShopRhythm
from stream.online_models.components.segments import Segmentation
from stream.online_models.components.stakes import Stakes
from stream.online_models.components.value import Value

__all__ = ["COMPONENTS", "RISK", "SCORING"]

COMPONENTS: Final[tuple[type[Component], ...]] = (
    Evaluated,
    Drift,
    ShopRhythm,
    Value,
    OrderLevels,
    Churn,
    Stakes,
    Segmentation,
    Purchases,
    RfmClasses,
)

#: Those that an evaluation of risk and value depends on; the others do not change a digit of it.
SCORING: Final[tuple[type[Component], ...]] = (Evaluated, ShopRhythm, Value, OrderLevels, Churn, Purchases)

#: Those that an evaluation of the risk alone depends on.
RISK: Final[tuple[type[Component], ...]] = (Counted, ShopRhythm, OrderLevels, Churn, Purchases)
