"""How many days with an order the customers of a time have."""

from collections.abc import Sequence

from stream.features.registry import INPUT_SCALE
from stream.online_models.basis import RELATIVE
from stream.online_models.component import Component, Context
from stream.online_models.example import Example, Label, Observation
from stream.online_models.inputs import lacks
from stream.online_models.level import Levels

__all__ = ["OrderLevels"]


class OrderLevels(Component):
    """`Levels` of the labels and observations that have the input."""

    name = "levels"
    state_type = Levels

    def __init__(self, shop: Context) -> None:
        super().__init__(shop)
        self.levels = Levels()
        #: The level of each label of the last run.
        self.of_run: list[float] = []

    def learn(self, example: Example) -> None:
        if lacks(example.x, (RELATIVE,)):
            return
        value = example.x[RELATIVE] / INPUT_SCALE
        if isinstance(example, Label):
            self.levels.of_label(value, example.at_ms)
        elif isinstance(example, Observation):
            self.levels.observe(value, example.at_ms)

    def learn_run(self, examples: Sequence[Example]) -> None:
        self.of_run = []
        for example in examples:
            self.learn(example)
            if isinstance(example, Label):
                self.of_run.append(self.levels.then.mean)

    def state(self) -> Levels:
        return self.levels

    def resume(self, state: Levels) -> None:
        self.levels = state

    def describe(self) -> str:
        return f"follows the mean number of days with an order: {self.levels.present:.3f} on the scale of inputs"
