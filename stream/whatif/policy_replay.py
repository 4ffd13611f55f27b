"""A log under one policy, scored by models that were recorded: the alerts that production would have given.

The kernel decides, with the rules of the policy. Nothing is learned but the level of what must be at stake, which
belongs to the policy; and no documents are built. Under the policy of the recording the alerts are those of production,
byte for byte. Under another one, models and their moments stay those of the recording: whom a policy alerts changes no
label.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from stream.alerts.alert_records import Alert
from stream.catalogue.declaring import Money
from stream.catalogue.events import KERNEL_TYPES
from stream.catalogue.wording import plain_money
from stream.events.decode import Decoder
from stream.events.log_event import LogEvent
from stream.events.rejections import Rejection
from stream.features.habit import RISK_POWER
from stream.online_models.example import Example
from stream.online_models.horizon import HorizonPeriod
from stream.online_models.learner import Learner
from stream.online_models.learner_settings import LearnerSettings, learner_settings_of
from stream.online_models.scoring import Scoring
from stream.online_models.stakes import StakeLevel
from stream.processing.emission import EmissionKind
from stream.processing.kernel import Kernel, Run
from stream.processing.outgoing import Topics, publishable
from stream.processing.partition import Partition
from stream.processing.rules import Rules, rules_of
from stream.processing.scorer import Scorer, scoring_of
from stream.processing.state import Outgoing, PartitionState
from stream.processing.step_outcome import ALERTS, OutcomeBuilder, StepOutcome, changed_timers
from stream.settings import Settings
from stream.whatif.recorded_models import PlacedReplay, Recording, example_key

__all__ = ["alerts_under"]

_TOPICS: Final = Topics()
_INPUTS: Final = [kind.value for kind in KERNEL_TYPES]
_END: Final = 2**62
_decoder: Final = msgspec.json.Decoder(Alert)
_OVERDUE, _LABEL, _LANDMARK = (int(kind) for kind in (EmissionKind.OVERDUE, EmissionKind.LABEL, EmissionKind.LANDMARK))


def alerts_under(
    recording: Recording,
    events: Sequence[LogEvent],
    settings: Settings,
    now_ms: int,
    money: Money = plain_money,
) -> list[Alert]:
    """The alerts of ``events``, in order, as `stream replay` writes them: emitted when they occur."""
    found: list[Alert] = []

    def take(record: Outgoing) -> None:
        alert = _decoder.decode(record.value or b"")
        found.append(msgspec.structs.replace(alert, emitted_at=alert.occurred_at))

    replayed = _PolicyReplay(recording, settings, now_ms, money, take)
    for _ in replayed.run(events):
        pass
    return found


class _PolicyReplay(PlacedReplay):
    def __init__(
        self,
        recording: Recording,
        settings: Settings,
        now_ms: int,
        money: Money,
        on_alert: Callable[[Outgoing], None],
    ) -> None:
        rules = rules_of(settings)
        learner = _NothingLearned(learner_settings_of(settings))
        super().__init__(rules, learner, Decoder.of(settings, in_clear=True), now_ms, on_outgoing=on_alert, money=money)
        self._level = _FollowedLevel(settings.alerts_per_week, recording.stakes)
        self._partition = _AlertingPartition(rules, self._kernel, money, self._level)
        self._model_at = recording.reader()

    def _sweep(self) -> None:
        super()._sweep()
        # a sweep in which nobody was due under this policy may have brought a model all the same
        self._follow(_END)

    def _accept(self, outcome: StepOutcome) -> None:
        super()._accept(outcome)
        self._follow(self.part)

    def _follow(self, part: int) -> None:
        scorer = self._model_at(self.phase if part != _END else self.phase - 1, part)
        if scorer is not None:
            self.scorer = _with_level(scorer, self._level.present)


class _NothingLearned(Learner):
    """Learns nothing: the recording says which model scores, also where only this policy has an outcome."""

    def __init__(self, settings: LearnerSettings) -> None:
        super().__init__(settings)
        self._schedule = super().schedule

    @property
    def schedule(self) -> tuple[HorizonPeriod, ...]:
        return self._schedule

    def learn_run(self, examples: Sequence[Example]) -> None:
        del examples


class _FollowedLevel:
    """The level of what must be at stake, learned as `stream.online_models.components.stakes` does.

    ``recorded``: what customers weighed when the models were recorded; others are weighed by the model in use.
    """

    def __init__(self, per_week: float, recorded: Mapping[int, float | None]) -> None:
        self._per_week = per_week
        self._recorded = recorded
        self._level = StakeLevel()
        self._settled = False
        self._labels = 0
        self._scoring: tuple[Scorer, Scoring] | None = None

    @property
    def present(self) -> float | None:
        return self._level.present

    def see(self, emissions: npt.NDArray[np.void], customers: Sequence[str], scorer: Scorer) -> None:
        """Take emissions in their order."""
        kinds = emissions["kind"]
        labels, landmarks = kinds == _LABEL, kinds == _LANDMARK
        begin = 0
        # what is between two who are overdue counts as a whole
        for k in (*np.flatnonzero(kinds == _OVERDUE).tolist(), len(kinds)):
            self._labels_or_landmarks(int(labels[begin:k].sum()), bool(landmarks[begin:k].any()))
            if k < len(kinds):
                self._weigh(emissions[k], customers, scorer)
            begin = k + 1

    def _labels_or_landmarks(self, labels: int, has_landmarks: bool) -> None:  # noqa: FBT001 - two kinds of one thing
        if (labels or (has_landmarks and self._labels == 0)) and not self._settled:
            self._level.settle(self._per_week)
            self._settled = True
        self._labels += labels

    def _weigh(self, emission: np.void, customers: Sequence[str], scorer: Scorer) -> None:
        customer, at_ms = customers[int(emission["row"])], int(emission["at"])
        key = example_key(customer, at_ms)
        stake = self._recorded[key] if key in self._recorded else self._by_model(emission, scorer)
        if self._per_week > 0.0 and stake is not None:
            self._settled = False
            self._level.learn_one(stake, at_ms)

    def _by_model(self, emission: np.void, scorer: Scorer) -> float | None:
        if self._scoring is None or self._scoring[0] is not scorer:
            self._scoring = scorer, Scoring(None, None) if scorer.snapshot is None else scoring_of(scorer.snapshot)
        scoring = self._scoring[1]
        if not scoring.says_something:
            return None
        risk = scoring.risk(emission["inputs"].tolist())
        return float(emission["weight"] * risk**RISK_POWER)


class _AlertsOnly(OutcomeBuilder):
    """Outcomes of steps without what nobody reads here: documents, examples, changes of stage."""

    def __init__(self, rules: Rules, money: Money, level: _FollowedLevel) -> None:
        super().__init__(0, _INPUTS, rules, _TOPICS, money, ())
        self._level = level

    def build(
        self,
        stored: Mapping[str, int],
        state: PartitionState,
        customers: Sequence[str],
        run: Run | None,
        scorer: Scorer,
        now_ms: int,
        rejections: Sequence[tuple[int, object, Rejection]],
        appended_at_ms: Mapping[int, int] = MappingProxyType({}),
    ) -> StepOutcome:
        state.counters.dead_letters += len(rejections)
        if run is None:
            return StepOutcome(state, {}, {}, [], [], {}, [])
        self._level.see(run.emissions, customers, scorer)
        alerting = run.emissions[np.isin(run.emissions["kind"], ALERTS)]
        outgoing = (
            publishable(
                alerting,
                customers,
                scorer,
                self._rules,
                _TOPICS,
                now_ms,
                appended_at_ms,
                self._money,
            )
            if len(alerting)
            else []
        )
        timers, idle = changed_timers(run, customers, stored)
        return StepOutcome(
            state=state,
            documents={},
            timers=timers,
            idle=idle,
            retired=[],
            packed=dict(zip(customers, run.packed(), strict=True)),
            outgoing=outgoing,
        )


class _AlertingPartition(Partition):
    def __init__(self, rules: Rules, kernel: Kernel, money: Money, level: _FollowedLevel) -> None:
        published: Collection[EmissionKind] = ()
        super().__init__(0, rules, kernel, _TOPICS, _INPUTS, _END, None, money, published)
        self._outcomes = _AlertsOnly(rules, money, level)


def _with_level(scorer: Scorer, level: float | None) -> Scorer:
    if not scorer.model.ready:
        return scorer
    return replace(scorer, model=scorer.model._replace(stake_level=np.inf if level is None else level))
