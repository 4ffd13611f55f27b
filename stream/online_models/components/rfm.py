"""Recency, frequency and money of the shop's customers."""

from stream.online_models.component import Component, Context
from stream.online_models.example import Example, Observation
from stream.online_models.rfm_classes import RFM, RfmModel, RfmSnapshot, RfmState

__all__ = ["RfmClasses"]


class RfmClasses(Component):
    """`RfmModel` over the observations."""

    name = RFM
    state_type = RfmState
    may_begin_anew = True

    def __init__(self, shop: Context) -> None:
        super().__init__(shop)
        self._model = RfmModel()

    def learn(self, example: Example) -> None:
        if isinstance(example, Observation):
            self._model.learn_one(example)

    def snapshot(self) -> RfmSnapshot | None:
        return self._model.snapshot()

    def state(self) -> RfmState:
        return self._model.state()

    def resume(self, state: RfmState) -> None:
        self._model = RfmModel(state)

    def describe(self) -> str:
        return f"knows recency, frequency and money of customers from {self._model.observations} recent landmarks"
