"""How good the risks that were given have been, and how many labels there were."""

from stream.online_models.component import Component, Context
from stream.online_models.evaluation import Evaluation, EvaluationReport
from stream.online_models.example import Example, Label

__all__ = ["Evaluated"]


class Evaluated(Component):
    """`Evaluation` of every label, before any model learns it."""

    name = "evaluation"
    state_type = Evaluation

    def __init__(self, shop: Context) -> None:
        super().__init__(shop)
        self.evaluation = Evaluation.with_half_life(shop.settings.half_life_examples)

    @property
    def ready(self) -> bool:
        """Enough labels of both classes were seen to score customers."""
        labels, churned = self.evaluation.labels, self.evaluation.churned
        settings = self.shop.settings
        return labels >= max(settings.min_labels, 1) and min(churned, labels - churned) >= settings.min_class_labels

    def learn(self, example: Example) -> None:
        if isinstance(example, Label):
            self.evaluation.record(example)

    def state(self) -> Evaluation:
        return self.evaluation

    def resume(self, state: Evaluation) -> None:
        self.evaluation = state
        self.evaluation.half_life_examples = self.shop.settings.half_life_examples

    def describe(self) -> str:
        return f"evaluates the risks given: {self.evaluation.labels} labels, {self.evaluation.churned} churned"

    def evaluate(self) -> EvaluationReport:
        return self.evaluation.report()
