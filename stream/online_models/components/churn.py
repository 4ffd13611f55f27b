"""The risk of churn: the contenders, who of them scores, and how far off what they gave was.

What scores is a contender and the purchase process together, see `stream.online_models.scoring`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct, field
from msgspec.structs import replace

from stream.features.order_process import HISTORY_COLUMNS, histories, log_odds
from stream.features.registry import DAY_MS, FEATURE_NAMES, INPUT_SCALE
from stream.online_models.basis import PAIR_NAMES, Quadratic
from stream.online_models.champion import Championship, ChampionshipState
from stream.online_models.churn import ChurnModel
from stream.online_models.component import Component, Context, HorizonChange
from stream.online_models.components.evaluation import Evaluated
from stream.online_models.components.levels import OrderLevels
from stream.online_models.components.purchases import Purchases
from stream.online_models.components.rhythm import ShopRhythm
from stream.online_models.contenders import ContenderStanding
from stream.online_models.example import LANDMARK_MS, Example, Label, Observation
from stream.online_models.hedge import Hedge
from stream.online_models.inputs import MISSING
from stream.online_models.label_run import LabelRun, inputs_of, label_run
from stream.online_models.purchase_process import PurchaseProcess
from stream.online_models.scoring import Scoring, mixed
from stream.online_models.slots import MAX_SLOTS
from stream.online_models.snapshot import ChurnSnapshot

__all__ = ["Churn", "ChurnComponentState"]


class PastProcess(Struct, frozen=True):
    """The purchase process that was known at landmarks from ``since_ms`` on."""

    since_ms: int
    process: PurchaseProcess


class ChurnComponentState(Struct, frozen=True, kw_only=True):
    """``converted_at``: the labels learned when the horizon last changed.

    ``processes``: of the weeks whose labels may still come, ascending. ``hedge``: between the process and the risks
    that were given.
    """

    championship: ChampionshipState
    converted_at: int
    processes: tuple[PastProcess, ...] = ()
    hedge: Hedge = field(default_factory=Hedge)


class Churn(Component):
    """`Championship` over the labels."""

    name = "churn"
    state_type = ChurnComponentState

    def __init__(self, shop: Context) -> None:
        super().__init__(shop)
        self.championship = Championship()
        self._converted_at = 0
        self._processes: list[PastProcess] = []
        self._hedge = Hedge()

    def learn(self, example: Example) -> None:
        if isinstance(example, Observation) and self.shop.of(ShopRhythm).has_begun_week:
            self._hedge.begin_week()
            self._note_process(example.at_ms)
        if not isinstance(example, Label):
            return
        self._calibrate(example)
        odds = float(self._odds([example], inputs_of([example]))[0])
        horizon_ms = self.shop.of(ShopRhythm).horizon_ms
        if example.logit is not None and example.horizon_ms == self._spoke_of(example) == horizon_ms:
            self._hedge.learn([odds], [example.logit / INPUT_SCALE], [example.churned], [example.novelty])
        self._learn_label(example, self.shop.of(OrderLevels).levels.then.mean, odds)

    def _note_process(self, at_ms: int) -> None:
        """A week begins: its labels will be compared with the purchase process as it is now.

        A later one has seen the orders that these labels tell of, and looks better than it is.
        """
        purchases = self.shop.find(Purchases)
        if purchases is None:
            return
        self._processes.append(PastProcess(at_ms, purchases.process))
        oldest_ms = at_ms - max(period.days for period in self.shop.of(ShopRhythm).schedule) * DAY_MS - LANDMARK_MS
        while len(self._processes) > 1 and self._processes[1].since_ms <= oldest_ms:
            del self._processes[0]

    def _odds(self, labels: Sequence[Label], inputs: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
        """Log-odds of no order in the horizon, by the purchase process known at the landmark of each label, float64[N].

        ``inputs``: of the labels, int16[N, features]. NaN where they are not known.
        """
        found = np.full(len(inputs), np.nan)
        if not self._processes:
            return found
        at_ms = np.array([label.at_ms for label in labels])
        since_ms = np.array([past.since_ms for past in self._processes])
        position = np.maximum(np.searchsorted(since_ms, at_ms, side="right") - 1, 0)
        days = self.shop.of(ShopRhythm).horizon_ms / DAY_MS
        processes = [np.array([of.r, of.alpha, of.a, of.b, days]) for of in (past.process for past in self._processes)]
        x, last, age = histories(inputs)
        has_ordered = (x >= 0.0) & ~(inputs[:, HISTORY_COLUMNS] == MISSING).any(axis=1)
        # one by one: NumPy's logarithms may differ in the last digit with the number of rows
        for row in np.flatnonzero(has_ordered).tolist():
            found[row] = log_odds(x[row], last[row], age[row], processes[position[row]])
        return found

    def _learn_label(self, label: Label, level: float, odds: float) -> None:
        for alarm in self.championship.learn_one(
            label.x,
            churned=label.churned,
            matured_at_ms=label.matured_at_ms,
            level=level,
            odds=odds,
            novelty=label.novelty,
            power=label.horizon_ms / self.shop.of(ShopRhythm).horizon_ms,
        ):
            self.shop.on_drift(alarm)

    def learn_run(self, examples: Sequence[Example]) -> None:
        labels = [example for example in examples if isinstance(example, Label)]
        levels = self.shop.of(OrderLevels).of_run
        inputs = inputs_of(labels)
        run = label_run(labels, inputs, levels, self._odds(labels, inputs), self.shop.of(ShopRhythm).horizon_ms)
        self._hedge_run(run)
        done = 0
        while done < len(labels):
            # those who gave the logits of the run: one that begins anew after it is not calibrated by it
            speakers = {name: self.championship.model(name) for name in self.championship.names()}
            if learned := self.championship.learn_run(run.part(done, len(labels))):
                self._calibrate_run(run.part(done, done + learned), speakers)
            else:
                learned = 1
                self._calibrate(labels[done])
                self._learn_label(labels[done], levels[done], float(run.odds[done]))
            done += learned

    def _hedge_run(self, run: LabelRun) -> None:
        """The process and the risk that was given are compared, for each label of a run."""
        told = self._are_told(run) & (run.horizons == self.shop.of(ShopRhythm).horizon_ms)
        columns = run.odds, run.logits / INPUT_SCALE, run.churned, run.novelty
        self._hedge.learn(*(column[told].tolist() for column in columns))

    def _are_told(self, run: LabelRun) -> npt.NDArray[np.bool_]:
        """Of which labels of a run a logit was given for their own horizon, bool[N]."""
        labels = run.versions // MAX_SLOTS
        days = np.array([period.days for period in self.shop.of(ShopRhythm).schedule[-2:]])
        # as `_spoke_of` says: the last horizon, or for earlier labels the one before
        horizons = np.rint(np.where(labels >= self._converted_at, days[-1], days[0]) * DAY_MS)
        told: npt.NDArray[np.bool_] = run.has_logit & (run.horizons == horizons)
        return told

    def _calibrate_run(self, run: LabelRun, speakers: Mapping[str, ChurnModel]) -> None:
        """`_calibrate` for each label of a run."""
        labels, slots = np.divmod(run.versions, MAX_SLOTS)
        told = self._are_told(run)
        for slot, name in enumerate(self.championship.slots.names):
            of = told & (slots == slot)
            if name in speakers and of.any():
                logits = run.logits[of] / INPUT_SCALE
                speakers[name].calibration.learn_run(logits, run.churned[of], labels[of], run.novelty[of])

    def _calibrate(self, label: Label) -> None:
        """The contender that gave the logit learns how it was off, unless it spoke of another horizon."""
        if label.logit is None:
            return
        name, labels = self.championship.slots.speaker(label.model_version)
        if name not in self.championship.names() or label.horizon_ms != self._spoke_of(label):
            return
        self.championship.model(name).calibration.learn_one(
            label.logit / INPUT_SCALE, churned=label.churned, labels=labels, novelty=label.novelty
        )

    def _spoke_of(self, label: Label) -> int:
        """The horizon (ms) for which the logit of a label was given."""
        _, labels = self.championship.slots.speaker(label.model_version)
        schedule = self.shop.of(ShopRhythm).schedule
        period = schedule[-1] if labels >= self._converted_at or len(schedule) == 1 else schedule[-2]
        return round(period.days * DAY_MS)

    def horizon_changed(self, change: HorizonChange) -> None:
        self.championship.convert(change.scale, change.shift)
        self._converted_at = self.shop.of(Evaluated).evaluation.labels

    def _calibrated(self, contender: str) -> Quadratic:
        """The calibrated model of a contender at the present time, without the purchase process."""
        model = self.championship.model(contender)
        quadratic = model.quadratic(self.shop.of(OrderLevels).levels.present)
        return quadratic.calibrated(model.calibration.slope, model.calibration.shift)

    def _is_ready(self, contender: str) -> bool:
        labels = self.championship.model(contender).labels_seen
        return self.shop.of(Evaluated).ready and labels >= self.shop.settings.min_labels

    def scoring(self, contender: str) -> Scoring:
        """What gives the risk at the present time if a contender scores."""
        model = self.championship.model(contender)
        purchases = self.shop.find(Purchases)
        return mixed(
            self._calibrated(contender) if self._is_ready(contender) else None,
            None if purchases is None else purchases.snapshot(),
            share=model.process_share,
            hedge=self._hedge.weight,
            slope=model.calibration.slope,
            shift=model.calibration.shift,
            horizon_days=self.shop.of(ShopRhythm).horizon_ms / DAY_MS,
        )

    def snapshot(self, contender: str | None = None) -> ChurnSnapshot:
        """The champion, or another contender."""
        evaluated = self.shop.of(Evaluated)
        labels, churned = evaluated.evaluation.labels, evaluated.evaluation.churned
        name = contender or self.championship.champion
        model, scoring = self.championship.model(name), self._calibrated(name)
        return ChurnSnapshot(
            name=name,
            version=self.championship.slots.version(name, labels) if labels else 0,
            ready=self._is_ready(name),
            labels_seen=labels,
            churned_seen=churned,
            features=FEATURE_NAMES,
            weights=tuple(scoring.weights.tolist()),
            curvature=tuple(scoring.curvature.tolist()),
            pairs=PAIR_NAMES,
            means=tuple(scoring.means.tolist()),
            scales=tuple(scoring.scales.tolist()),
            intercept=scoring.intercept,
            slope=model.calibration.slope,
            shift=model.calibration.shift,
            base_rate=churned / labels if labels else None,
            evaluation=evaluated.evaluate(),
            process_share=model.process_share,
            process_hedge=self._hedge.weight,
            odds_weight=scoring.odds_weight,
            odds_mean=scoring.odds_mean,
        )

    def evaluate(self) -> tuple[ContenderStanding, ...]:
        return self.championship.standings()

    def state(self) -> ChurnComponentState:
        return ChurnComponentState(
            championship=self.championship.state(),
            converted_at=self._converted_at,
            processes=tuple(self._processes),
            hedge=replace(self._hedge),
        )

    def resume(self, state: ChurnComponentState) -> None:
        self.championship = Championship.from_state(state.championship)
        self._converted_at = state.converted_at
        self._processes = list(state.processes)
        self._hedge = replace(state.hedge)

    def describe(self) -> str:
        return f"predicts churn by {', '.join(self.championship.names())}; {self.championship.champion} leads"
