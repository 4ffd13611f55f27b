"""Tells people when customers behave otherwise than before."""

from stream.online_models.component import Component, Context
from stream.online_models.drift import DRIFT_FEATURES, FeatureDrift, FeatureDriftState
from stream.online_models.example import Example, Observation

__all__ = ["Drift"]


class Drift(Component):
    """`FeatureDrift` over the observations."""

    name = "drift"
    state_type = FeatureDriftState

    def __init__(self, shop: Context) -> None:
        super().__init__(shop)
        self._drift = FeatureDrift()

    def learn(self, example: Example) -> None:
        if isinstance(example, Observation):
            for alarm in self._drift.observe(example.x, example.at_ms):
                self.shop.on_drift(alarm)

    def state(self) -> FeatureDriftState:
        return self._drift.state()

    def resume(self, state: FeatureDriftState) -> None:
        self._drift = FeatureDrift(state)

    def describe(self) -> str:
        return f"watches {len(DRIFT_FEATURES)} features of new observations for drift"
