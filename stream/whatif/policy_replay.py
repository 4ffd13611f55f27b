"""A log under one policy, scored by models that were recorded: the alerts that production would have given.

The kernel decides, with the rules of the policy. Nothing is learned but the level of what must be at stake, which
belongs to the policy; and no documents are built. Under the policy of the recording the alerts are those of production,
byte for byte. Under another one, models and their moments stay those of the recording: whom a policy alerts changes no
label.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from stream.alerts.alert_records import Alert
from stream.catalogue.declaring import Money
from stream.catalogue.wording import plain_money
from stream.events.decode import Decoder
from stream.events.log_event import LogEvent
from stream.features.habit import RISK_POWER
from stream.online_models.horizon import FIRST_HORIZON_DAYS
from stream.online_models.scoring import Scoring
from stream.online_models.stakes import StakeLevel
from stream.processing.bare_outcomes import BareOutcomes
from stream.processing.emission import EmissionKind
from stream.processing.played_log import PlayedLog, PlayedPlace
from stream.processing.rules import rules_of
from stream.processing.scorer import Scorer, scoring_of
from stream.processing.state import Outgoing
from stream.processing.step_outcome import ALERTS, StepOutcome
from stream.settings import Settings
from stream.whatif.recorded_models import Recording, example_key

__all__ = ["alerts_under"]

#: After every part of a phase.
_END: Final = 2**62
_alerts_alone: Final = partial(BareOutcomes, recorded=ALERTS)
_decoder: Final = msgspec.json.Decoder(Alert)
_OVERDUE, _LABEL, _LANDMARK = (int(kind) for kind in (EmissionKind.OVERDUE, EmissionKind.LABEL, EmissionKind.LANDMARK))


def alerts_under(
    recording: Recording,
    events: Sequence[LogEvent],
    settings: Settings,
    now_ms: int,
    money: Money = plain_money,
    advance: Callable[[int], None] = lambda _: None,
) -> list[Alert]:
    """The alerts of ``events``, in order, as `stream replay` writes them: emitted when they occur.

    ``advance`` is told from time to time how many events are done.
    """
    found: list[Alert] = []

    def take(record: Outgoing) -> None:
        alert = _decoder.decode(record.value or b"")
        found.append(msgspec.structs.replace(alert, emitted_at=alert.occurred_at))

    models = _PolicyModels(recording, settings.alerts_per_week)
    decoder = Decoder.of(settings, in_clear=True)
    played = PlayedLog(
        rules_of(settings), models, decoder, now_ms, on_outgoing=take, money=money, builder=_alerts_alone
    )
    for done in played.run(events):
        advance(done)
    return found


class _PolicyModels:
    """The models of a recording, each with the level that belongs to the policy."""

    def __init__(self, recording: Recording, per_week: float) -> None:
        self._level = _FollowedLevel(per_week, recording.stakes)
        self._model_at = recording.reader()
        self.scorer = Scorer.first(FIRST_HORIZON_DAYS)
        self._follow(PlayedPlace(0, 0))

    def accept(self, outcome: StepOutcome, place: PlayedPlace) -> None:
        if outcome.emissions is not None:
            self._level.see(outcome.emissions, outcome.emitting, self.scorer)
        self._follow(place)

    def swept(self, phase: int) -> None:
        # a sweep in which nobody was due under this policy may have brought a model all the same
        self._follow(PlayedPlace(phase, _END))

    def _follow(self, place: PlayedPlace) -> None:
        scorer = self._model_at(place)
        if scorer is not None:
            self.scorer = _with_level(scorer, self._level.present)


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


def _with_level(scorer: Scorer, level: float | None) -> Scorer:
    if not scorer.model.ready:
        return scorer
    return replace(scorer, model=scorer.model._replace(stake_level=np.inf if level is None else level))
