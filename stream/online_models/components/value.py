"""What customers are worth over the next horizon."""

from stream.online_models.component import Component, Context, HorizonChange
from stream.online_models.components.rhythm import ShopRhythm
from stream.online_models.example import Example, Label
from stream.online_models.value import ValueModel, ValueState
from stream.online_models.value_snapshot import ValueSnapshot

__all__ = ["Value"]


class Value(Component):
    """`ValueModel` over the labels."""

    name = "value"
    state_type = ValueState

    def __init__(self, shop: Context) -> None:
        super().__init__(shop)
        self._model = ValueModel()

    def learn(self, example: Example) -> None:
        if isinstance(example, Label):
            self._model.learn_one(example, example.horizon_ms / self.shop.of(ShopRhythm).horizon_ms)

    def horizon_changed(self, change: HorizonChange) -> None:
        self._model.convert(change.scale)

    def snapshot(self) -> ValueSnapshot | None:
        return self._model.snapshot() if self._model.ready else None

    def state(self) -> ValueState:
        return self._model.state()

    def resume(self, state: ValueState) -> None:
        self._model = ValueModel.from_state(state)

    def describe(self) -> str:
        return f"expects orders and spend: {'ready' if self._model.ready else 'too few buyers yet'}"
