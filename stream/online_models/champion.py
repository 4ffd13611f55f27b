"""Champion and challengers: several churn models learn the same labels side by side; one scores.

Every contender predicts each label with what it had learned before, and then learns it: a fair comparison. The
champion stays until a challenger is *clearly* better over the recent labels, all of the following:

* at least `MIN_LABELS` labels count (weights halve every `HALF_LIFE_LABELS`) since the champion was crowned, the
  challenger began, or an alarm of drift raised by the champion;
* the challenger's mean log loss is below the champion's by `MARGIN` of it;
* the mean difference is at least `MIN_DEVIATIONS` of its standard errors.

Drift: each contender's losses are watched (`stream.online_models.drift`), minus the loss that the contender expects
(the entropy of its risk). While the risks are right this excess is 0 on average, for any customers in any order; it
rises when the world no longer follows the model. A challenger whose loss has risen restarts from nothing. The
champion continues to score unchanged; the comparison starts again, so that only labels after the alarm count. A
champion that is replaced after an alarm restarts too.

All of this is a fold over the labels. Decisions of operators are not part of it: see `stream.storage.model_store`.
"""

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from stream.online_models.alarms import LossAlarm
from stream.online_models.basis import expand, expand_run
from stream.online_models.churn import ChurnModel, ChurnState
from stream.online_models.contenders import ROSTER, ContenderStanding
from stream.online_models.drift import LossDrift, LossDriftState
from stream.online_models.first_layout import FIRST_CONTENDERS
from stream.online_models.judging import judge
from stream.online_models.label_run import LabelRun
from stream.online_models.lead import GROWTH, Lead
from stream.online_models.slots import Slots
from stream.online_models.tally import Tally, expected_loss_of, log_loss_of

__all__ = [
    "MARGIN",
    "Championship",
    "ChampionshipState",
]

#: Labels of neighbouring landmarks overlap and all contenders predict at maturity, so the quick ones have seen part of
#: what they predict; by some hundredths that is no merit.
MARGIN = 0.05

#: Losses over this are as alarming as this: one label that was as good as impossible is no drift.
_MAX_LOSS = 5.0


class ContenderState(Struct, frozen=True, kw_only=True):
    """One contender, whole. ``shaken``: it raised an alarm while it was the champion."""

    name: str
    churn: ChurnState
    recent: Tally
    lead: Lead
    loss: LossDriftState
    restarts: int
    alarms: int
    shaken: bool


class ChampionshipState(Struct, frozen=True, kw_only=True):
    """Everything: ``champion`` is one of the names of ``contenders``; ``slots``: see `Slots`."""

    champion: str
    contenders: tuple[ContenderState, ...]
    slots: tuple[str, ...] = FIRST_CONTENDERS


@dataclass(slots=True)
class _Contender:
    name: str
    pace: float
    model: ChurnModel
    recent: Tally
    lead: Lead
    loss: LossDrift
    restarts: int = 0
    alarms: int = 0
    shaken: bool = False

    @classmethod
    def new(cls, name: str, pace: float) -> "_Contender":
        return cls(name, pace, ChurnModel(pace), Tally.empty(), Lead(), LossDrift())

    def begin_anew(self) -> None:
        self.model = ChurnModel(self.pace)
        self.recent, self.lead, self.loss = Tally.empty(), Lead(), LossDrift()
        self.restarts += 1
        self.shaken = False

    def state(self) -> ContenderState:
        return ContenderState(
            name=self.name,
            churn=self.model.state(),
            recent=self.recent,
            lead=self.lead,
            loss=self.loss.state(),
            restarts=self.restarts,
            alarms=self.alarms,
            shaken=self.shaken,
        )

    @classmethod
    def from_state(cls, state: ContenderState, pace: float) -> "_Contender":
        return cls(
            state.name,
            pace,
            ChurnModel.from_state(state.churn, pace),
            deepcopy(state.recent),
            deepcopy(state.lead),
            LossDrift(state.loss),
            state.restarts,
            state.alarms,
            state.shaken,
        )


class Championship:
    """The contenders of `ROSTER`, or of another ``roster`` (name -> pace), and which of them scores."""

    def __init__(self, roster: Mapping[str, float] = ROSTER) -> None:
        self._contenders = {name: _Contender.new(name, pace) for name, pace in roster.items()}
        self._champion = next(iter(roster))
        self.slots = Slots(tuple(roster))

    @property
    def champion(self) -> str:
        """Name of the model that scores unless an operator has decided otherwise."""
        return self._champion

    def names(self) -> tuple[str, ...]:
        """The contenders, in the order of the roster."""
        return tuple(self._contenders)

    def model(self, name: str) -> ChurnModel:
        return self._contenders[name].model

    def convert(self, scale: float, shift: float) -> None:
        """Every contender goes over to another horizon, see `ChurnModel.convert`; the comparison begins afresh."""
        for contender in self._contenders.values():
            contender.model.convert(scale, shift)
        self._compare_afresh()

    def learn_one(
        self,
        inputs: Sequence[int],
        *,
        churned: bool,
        matured_at_ms: int,
        level: float = 0.0,
        odds: float = math.nan,
        novelty: float = 1.0,
        power: float = 1.0,
    ) -> list[LossAlarm]:
        """Every contender predicts, is judged, and learns; then the champion may change.

        ``level``, ``odds``, ``novelty`` and ``power`` are as for `ChurnModel.learn_one`.
        """
        champion = self._contenders[self._champion]
        losses, excess = {}, {}
        terms = expand(inputs, level, odds)
        for name, contender in self._contenders.items():
            predicted = contender.model.predict_then_learn(terms, churned=churned, novelty=novelty, power=power)
            risk = predicted**power
            losses[name] = loss = log_loss_of(risk, churned=churned)
            excess[name] = min(loss - expected_loss_of(risk), _MAX_LOSS)
            contender.recent.record(risk, loss, GROWTH, churned=churned)
        alarms = []
        for name, contender in self._contenders.items():
            if contender is not champion:
                contender.lead.record(losses[champion.name], losses[name])
            found = contender.loss.update(excess[name], matured_at_ms)
            if found:
                alarms += [LossAlarm(detector, name) for detector in found]
                contender.alarms += 1
                self._answer(contender)
        self._crown()
        return alarms

    def learn_run(self, labels: LabelRun) -> int:
        """As `learn_one` for the first labels of a run, one after the other; how many it has learned.

        These are the ones up to the first that makes another contender the champion. None where the first label begins
        a week: an alarm may follow from it, so it is one for `learn_one`.
        """
        contenders = [*self._contenders.values()]
        is_open = np.logical_and.reduce([one.loss.is_open(labels.weeks) for one in contenders])
        run = labels.part(0, len(is_open) if is_open.all() else int(np.argmin(is_open)))
        if not len(run.churned):
            return 0
        terms = expand_run(run.inputs, run.levels, run.odds)
        marks = [one.model.mark() for one in contenders]
        risks = np.array([one.model.predict_then_learn_run(terms, **run.told()) for one in contenders])
        position = [one.name for one in contenders].index(self._champion)
        recent, leads = [one.recent for one in contenders], [one.lead for one in contenders]
        _to_powers(risks, run.powers)
        count, excess = judge(risks, run.churned, _MAX_LOSS, MARGIN, position, recent, leads)
        for one, mark, of in zip(contenders, marks, excess, strict=True):
            one.loss.add_open(run.weeks[:count], of)
            if count < len(run.churned):
                one.model.back_to(mark)
                one.model.predict_then_learn_run(terms[:count], **run.part(0, count).told())
        self._crown()
        return count

    def _answer(self, contender: _Contender) -> None:
        """What an alarm leads to."""
        if contender.name != self._champion:
            contender.begin_anew()
            return
        contender.shaken = True
        self._compare_afresh()

    def _compare_afresh(self) -> None:
        for contender in self._contenders.values():
            contender.lead = Lead()

    def _crown(self) -> None:
        best = max(self._contenders.values(), key=lambda contender: contender.lead.share)
        if best.lead.share < MARGIN:
            return
        dethroned = self._contenders[self._champion]
        self._champion = best.name
        self._compare_afresh()
        if dethroned.shaken:
            dethroned.begin_anew()

    def standings(self) -> tuple[ContenderStanding, ...]:
        return tuple(
            ContenderStanding(
                name=contender.name,
                champion=contender.name == self._champion,
                labels=contender.model.labels_seen,
                restarts=contender.restarts,
                alarms=contender.alarms,
                recent=contender.recent.figures(),
            )
            for contender in self._contenders.values()
        )

    def state(self) -> ChampionshipState:
        return ChampionshipState(
            champion=self._champion,
            contenders=tuple(contender.state() for contender in self._contenders.values()),
            slots=self.slots.names,
        )

    @classmethod
    def from_state(cls, state: ChampionshipState, roster: Mapping[str, float] = ROSTER) -> "Championship":
        """Go on from ``state``. A contender that is new in ``roster`` begins; one that is gone is forgotten."""
        championship = cls(roster)
        for contender in state.contenders:
            if contender.name in roster:
                championship._contenders[contender.name] = _Contender.from_state(contender, roster[contender.name])
        if state.champion in roster:
            championship._champion = state.champion
        championship.slots = Slots(tuple(roster), state.slots)
        return championship


def _to_powers(risks: npt.NDArray[np.float64], powers: npt.NDArray[np.float64]) -> None:
    """Raise risks float64[contenders, N] to the powers of the labels, in place."""
    for k in np.flatnonzero(powers != 1.0).tolist():
        # Python's power, as for a single label: NumPy's may differ in the last digit
        risks[:, k] = [risk ** float(powers[k]) for risk in risks[:, k].tolist()]
