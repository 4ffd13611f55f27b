"""How much must be at stake for an alert."""

from stream.features.habit import RISK_POWER
from stream.online_models.component import Component, Context, HorizonChange
from stream.online_models.components.churn import Churn
from stream.online_models.components.evaluation import Evaluated
from stream.online_models.components.purchases import Purchases
from stream.online_models.example import Example, Label, Overdue
from stream.online_models.purchase_process import PurchaseProcess
from stream.online_models.scoring import Scoring
from stream.online_models.stakes import StakeLevel

__all__ = ["Stakes"]


class Stakes(Component):
    """`StakeLevel` over the customers who have come to be overdue, by the champion's risk."""

    name = "stakes"
    state_type = StakeLevel

    def __init__(self, shop: Context) -> None:
        super().__init__(shop)
        self._level = StakeLevel()
        self._scoring: tuple[tuple[str, int, PurchaseProcess | None], Scoring] | None = None
        self._settled = False

    def learn(self, example: Example) -> None:
        if isinstance(example, Overdue):
            self._weigh(example)
        # what is published changes when the version of the models does, which is with the labels, once there are any
        elif isinstance(example, Label) or self.shop.of(Evaluated).evaluation.labels == 0:
            self._settle()

    def _settle(self) -> None:
        if not self._settled:
            self._level.settle(self.shop.settings.alerts_per_week)
            self._settled = True

    def _weigh(self, overdue: Overdue) -> None:
        """Count a customer by the stake under the present model."""
        if self.shop.settings.alerts_per_week <= 0.0:
            return
        evaluated, churn, purchases = self.shop.of(Evaluated), self.shop.of(Churn), self.shop.find(Purchases)
        champion = churn.championship.champion
        model = (champion, evaluated.evaluation.labels, None if purchases is None else purchases.process)
        if self._scoring is None or self._scoring[0] != model:
            self._scoring = model, churn.scoring(champion)
        if not self._scoring[1].says_something:
            return
        self._settled = False
        self._level.learn_one(overdue.weight * self._scoring[1].risk(overdue.x) ** RISK_POWER, overdue.at_ms)

    def horizon_changed(self, _: HorizonChange) -> None:
        self._scoring = None

    def snapshot(self) -> float | None:
        return self._level.present

    def state(self) -> StakeLevel:
        return self._level

    def resume(self, state: StakeLevel) -> None:
        self._level = state
        self._settled = False

    def describe(self) -> str:
        return f"weighs who is overdue: alerts need {self._level.present} at stake"
