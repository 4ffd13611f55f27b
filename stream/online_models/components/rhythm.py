"""How often the shop's customers order, and the horizon that follows from it."""

import math

from stream.features.registry import DAY_MS
from stream.online_models.component import Component, Context, HorizonChange
from stream.online_models.components.evaluation import Evaluated
from stream.online_models.example import Example, Observation
from stream.online_models.horizon import HorizonPeriod, Rhythm
from stream.online_models.rhythm import RhythmModel, RhythmState

__all__ = ["ShopRhythm"]


class ShopRhythm(Component):
    """`RhythmModel` over the observations; when the horizon changes, every component goes over to the new one."""

    name = "rhythm"
    state_type = RhythmState

    def __init__(self, shop: Context) -> None:
        super().__init__(shop)
        self._model = RhythmModel(shop.settings.horizon_days, seed=shop.settings.seed)
        #: Whether the last observation began a week.
        self.has_begun_week = False

    @property
    def schedule(self) -> tuple[HorizonPeriod, ...]:
        """The horizons, ascending in time; the last one is in force."""
        return self._model.schedule

    @property
    def horizon_ms(self) -> int:
        """The horizon in force."""
        return _horizon_ms(self.schedule)

    def learn(self, example: Example) -> None:
        if not isinstance(example, Observation):
            return
        before = self.schedule
        self.has_begun_week = self.begins_week(example)
        if self._model.learn_one(example) is not None:
            self._convert(self.horizon_ms / _horizon_ms(before))
            self.shop.on_horizon(self.snapshot())

    def begins_week(self, example: Example) -> bool:
        """Whether the horizon may change with the example."""
        return isinstance(example, Observation) and self._model.begins_week(example.at_ms)

    def _convert(self, power: float) -> None:
        """Go over to a horizon that is ``power`` times as long.

        Who orders at a constant rate is silent for it with probability ``p ** power``: of log-odds that is a straight
        line, for risks around the share of churn.
        """
        evaluation = self.shop.of(Evaluated).evaluation
        if evaluation.labels == 0:
            return
        churned = (evaluation.churned + 1) / (evaluation.labels + 2)
        after = churned**power
        scale = power * (1.0 - churned) / (1.0 - after)
        change = HorizonChange(power, scale, _log_odds(after) - scale * _log_odds(churned))
        for component in self.shop.all():
            component.horizon_changed(change)

    def snapshot(self) -> Rhythm:
        return self._model.snapshot()

    def state(self) -> RhythmState:
        return self._model.state()

    def resume(self, state: RhythmState) -> None:
        self._model = RhythmModel(self.shop.settings.horizon_days, state)

    def describe(self) -> str:
        return f"learns how often customers order: {self.snapshot().sentence()}"


def _horizon_ms(schedule: tuple[HorizonPeriod, ...]) -> int:
    return round(schedule[-1].days * DAY_MS)


def _log_odds(probability: float) -> float:
    return math.log(probability / (1.0 - probability))
