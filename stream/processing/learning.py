"""Models that learn as a log is played, in step with event time."""

from __future__ import annotations

from collections.abc import Sequence

from stream.online_models.example import Example, InvalidExample, Label, decode_example
from stream.online_models.learner import Learner
from stream.processing.outgoing import Topics
from stream.processing.played_log import PlayedPlace
from stream.processing.scorer import Scorer
from stream.processing.step_outcome import StepOutcome
from stream.processing.teaching import examples_of

__all__ = ["LearningModels", "taught"]

_TOPICS = Topics()


class LearningModels:
    """The models of a ``learner``, made anew when what they score with may have changed."""

    def __init__(self, learner: Learner, now_ms: int) -> None:
        self.learner = learner
        self.scorer = Scorer.of(learner.snapshot(now_ms))
        self._now_ms = now_ms
        self._schedule = learner.schedule
        self._process = learner.process

    def accept(self, outcome: StepOutcome, place: PlayedPlace) -> None:
        """Learn what a step teaches."""
        del place
        self.learn(taught(outcome))

    def swept(self, phase: int) -> None:
        """Learn nothing from time itself."""

    def learn(self, examples: Sequence[Example]) -> None:
        """Learn, and score with what was learned from now on."""
        learner = self.learner
        learner.learn_run(examples)
        labels = any(isinstance(example, Label) for example in examples)
        # A fixed schedule is another object each time it is asked for: models are then made anew with every step, also
        # by what landmarks alone have taught. Figures that were published rest on this.
        if labels or learner.schedule is not self._schedule or learner.process is not self._process:
            self._schedule, self._process = learner.schedule, learner.process
            self.scorer = Scorer.of(learner.snapshot(self._now_ms))


def taught(outcome: StepOutcome) -> list[Example]:
    """The examples that a step emitted, or else published, in their order."""
    if outcome.emissions is not None:
        return examples_of(outcome.emissions, outcome.emitting)
    found = []
    for record in outcome.outgoing:
        if record.topic == _TOPICS.training_examples:
            example = decode_example(record.value or b"")
            if isinstance(example, InvalidExample):
                raise AssertionError(f"the kernel emitted an example that no model may learn: {example}")
            found.append(example)
    return found
