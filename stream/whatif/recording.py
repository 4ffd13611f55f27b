"""Recording what a log teaches, as production learns it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stream.errors import SnapshotError
from stream.events.decode import Decoder
from stream.events.log_event import LogEvent
from stream.features.habit import RISK_POWER
from stream.online_models.components.churn import Churn
from stream.online_models.example import Overdue
from stream.online_models.learner import Learner
from stream.online_models.learner_settings import learner_settings_of
from stream.online_models.snapshot import encode_snapshot
from stream.processing.bare_outcomes import BareOutcomes
from stream.processing.learning import LearningModels, taught
from stream.processing.played_log import PlayedLog, PlayedPlace
from stream.processing.rules import rules_of
from stream.processing.scorer import Scorer
from stream.processing.step_outcome import StepOutcome
from stream.settings import Settings
from stream.whatif.recorded_models import Recording, example_key

__all__ = ["record_models"]


class _Recorded(LearningModels):
    """Notes each model with the place from which on it scores, and what customers weighed."""

    def __init__(self, learner: Learner, now_ms: int) -> None:
        super().__init__(learner, now_ms)
        self.models = [(PlayedPlace(0, 0), _encoded(self.scorer))]
        self.stakes: dict[int, float | None] = {}

    def accept(self, outcome: StepOutcome, place: PlayedPlace) -> None:
        examples, before = taught(outcome), self.scorer
        for example in examples:
            if isinstance(example, Overdue):
                self._weigh(example)
        self.learn(examples)
        if self.scorer is not before:
            self.models.append((place, _encoded(self.scorer)))

    def _weigh(self, example: Overdue) -> None:
        """Weigh what `stream.online_models.components.stakes` is about to, by the model of this moment."""
        scoring = self.learner.of(Churn).scoring(self.learner.champion)
        stake = example.weight * scoring.risk(example.x) ** RISK_POWER if scoring.says_something else None
        self.stakes[example_key(example.customer_id, example.at_ms)] = stake


def record_models(
    events: Sequence[LogEvent], settings: Settings, now_ms: int, advance: Callable[[int], None] = lambda _: None
) -> Recording:
    """Replay ``events``, which are in time order, as production does under ``settings``.

    ``advance`` is told from time to time how many are done.
    """
    models = _Recorded(Learner(learner_settings_of(settings)), now_ms)
    decoder = Decoder.of(settings, in_clear=True)
    for done in PlayedLog(rules_of(settings), models, decoder, now_ms, builder=BareOutcomes).run(events):
        advance(done)
    return Recording(models.models, models.stakes)


def _encoded(scorer: Scorer) -> bytes:
    if scorer.snapshot is None:
        raise SnapshotError("models without a snapshot cannot be recorded")
    return encode_snapshot(scorer.snapshot)
