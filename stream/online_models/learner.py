"""The trainer's whole state: learn examples in order, give snapshots, be stored and go on."""

import math
from collections.abc import Callable

from msgspec import Struct, field

from stream.errors import SnapshotError
from stream.features.habit import RISK_POWER
from stream.features.registry import DAY_MS, FEATURE_NAMES, INPUT_SCALE
from stream.online_models.basis import RELATIVE, Quadratic
from stream.online_models.champion import Championship, ChampionshipState, LossAlarm, Standing
from stream.online_models.drift import FeatureAlarm, FeatureDrift, FeatureDriftState
from stream.online_models.evaluation import Evaluation
from stream.online_models.example import Example, InvalidExample, Label, Overdue, problem_of
from stream.online_models.horizon import HorizonPeriod, Rhythm
from stream.online_models.learner_settings import LearnerSettings
from stream.online_models.level import Levels
from stream.online_models.rhythm import RhythmModel, RhythmState
from stream.online_models.scorecard import Figures
from stream.online_models.sealed import open_sealed, seal
from stream.online_models.segments import COLUMNS, SegmentModel, SegmentState
from stream.online_models.snapshot import ChurnSnapshot, ModelSnapshot, SegmentSnapshot
from stream.online_models.stakes import StakeLevel
from stream.online_models.value import ValueModel, ValueState

__all__ = ["Learner", "LearnerSettings"]

SCHEMA = "stream.learner-checkpoint/3"

#: Versions of churn models are this times the labels learned, plus the position in the roster.
_CONTENDERS = 10


class _Checkpoint(Struct, frozen=True, kw_only=True):
    features: tuple[str, ...]
    stream_time_ms: int
    championship: ChampionshipState
    levels: Levels
    features_drift: FeatureDriftState
    segments: SegmentState
    value: ValueState
    evaluation: Evaluation
    rhythm: RhythmState | None = None
    converted_at: int = 0
    stakes: StakeLevel = field(default_factory=StakeLevel)


class Learner:
    """All models and the evaluation, as one fold over the examples.

    ``load(dump())`` goes on exactly where the first left off: the same examples give the same snapshot, bit
    for bit. Memory is bounded: it does not grow with the examples.
    """

    def __init__(
        self,
        settings: LearnerSettings | None = None,
        on_drift: Callable[[LossAlarm | FeatureAlarm], None] = lambda _: None,
        on_horizon: Callable[[Rhythm], None] = lambda _: None,
    ) -> None:
        self.settings = settings or LearnerSettings()
        self._on_drift = on_drift
        self._on_horizon = on_horizon
        self._rhythm = RhythmModel(self.settings.horizon_days, seed=self.settings.seed)
        self._championship = Championship()
        self._levels = Levels()
        self._features_drift = FeatureDrift()
        self._value = ValueModel()
        self._segments = SegmentModel(self.settings.segments)
        self._evaluation = Evaluation.with_half_life(self.settings.half_life_examples)
        self._stakes = StakeLevel()
        self._quadratic: tuple[tuple[str, int], Quadratic] | None = None
        self._stream_time_ms = 0
        self._converted_at = 0

    @property
    def labels_seen(self) -> int:
        return self._evaluation.labels

    @property
    def observations_seen(self) -> int:
        return self._segments.observations_seen

    @property
    def stream_time_ms(self) -> int:
        """The latest time of an example: a landmark's, or a label's maturity. 0 before the first."""
        return self._stream_time_ms

    @property
    def ready(self) -> bool:
        """Enough labels of both classes were learned to score customers."""
        labels, churned = self._evaluation.labels, self._evaluation.churned
        return (
            labels >= max(self.settings.min_labels, 1)
            and min(churned, labels - churned) >= self.settings.min_class_labels
        )

    def learn(self, example: Example) -> InvalidExample | None:
        """Evaluate, then learn. An invalid example changes nothing and is returned."""
        if (invalid := problem_of(example)) is not None:
            return invalid
        if isinstance(example, Label):
            self._evaluation.record(example)
            power = example.horizon_ms / self._horizon_ms
            self._value.learn_one(example, power)
            self._calibrate(example)
            level = self._levels.of_label(example.x[RELATIVE] / INPUT_SCALE, example.at_ms)
            for alarm in self._championship.learn_one(
                example.x,
                churned=example.churned,
                matured_at_ms=example.matured_at_ms,
                level=level,
                novelty=example.novelty,
                power=power,
            ):
                self._on_drift(alarm)
            self._stakes.settle(self.settings.alerts_per_week)
            at_ms = example.matured_at_ms
        elif isinstance(example, Overdue):
            self._weigh(example)
            at_ms = example.at_ms
        else:
            for changed in self._features_drift.observe(example.x, example.at_ms):
                self._on_drift(changed)
            before_ms = self._horizon_ms
            if self._rhythm.learn_one(example) is not None:
                self._convert(self._horizon_ms / before_ms)
                self._on_horizon(self._rhythm.snapshot())
            self._segments.learn_one(example.x)
            self._levels.observe(example.x[RELATIVE] / INPUT_SCALE, example.at_ms)
            at_ms = example.at_ms
        self._stream_time_ms = max(self._stream_time_ms, at_ms)
        return None

    @property
    def schedule(self) -> tuple[HorizonPeriod, ...]:
        """The horizons, ascending in time; the last one is in force."""
        return self._rhythm.schedule

    @property
    def _horizon_ms(self) -> int:
        return round(self.schedule[-1].days * DAY_MS)

    def _convert(self, power: float) -> None:
        """Go over to a horizon that is ``power`` times as long; what was learned is kept.

        Who orders at a constant rate is silent for it with probability ``p ** power``: of log-odds that is a straight
        line, for risks around the share of churn.
        """
        if self.labels_seen == 0:
            return
        churned = (self._evaluation.churned + 1) / (self._evaluation.labels + 2)
        after = churned**power
        scale = power * (1.0 - churned) / (1.0 - after)
        self._championship.convert(scale, _log_odds(after) - scale * _log_odds(churned))
        self._value.convert(scale)
        self._converted_at = self._evaluation.labels

    def _weigh(self, overdue: Overdue) -> None:
        """Count a customer who has come to be overdue by what is at stake, under the model as it is."""
        if not self.ready or self.settings.alerts_per_week <= 0.0:
            return
        state = (self.champion, self.labels_seen)
        if self._quadratic is None or self._quadratic[0] != state:
            self._quadratic = state, self._scoring(self.champion)
        risk = self._quadratic[1].risk(overdue.x)
        self._stakes.learn_one(overdue.weight * risk**RISK_POWER, overdue.at_ms)

    def _scoring(self, contender: str) -> Quadratic:
        """The churn model of a contender, calibrated, as of the present."""
        model = self._championship.model(contender)
        return model.quadratic(self._levels.present).calibrated(model.calibration.slope, model.calibration.shift)

    def _calibrate(self, label: Label) -> None:
        """The contender that gave the logit learns how it was off, unless it spoke of another horizon."""
        if label.logit is None:
            return
        labels, position = divmod(label.model_version, _CONTENDERS)
        schedule = self.schedule
        period = schedule[-1] if labels >= self._converted_at or len(schedule) == 1 else schedule[-2]
        if label.horizon_ms != round(period.days * DAY_MS):
            return
        names = self.contenders()
        if position < len(names):
            self._championship.model(names[position]).calibration.learn_one(
                label.logit / INPUT_SCALE,
                churned=label.churned,
                labels=labels,
                novelty=label.novelty,
            )

    @property
    def champion(self) -> str:
        """Name of the churn model that scores unless an operator has decided otherwise."""
        return self._championship.champion

    def rhythm(self) -> Rhythm:
        """How often the shop's customers order, and the horizon."""
        return self._rhythm.snapshot()

    def contenders(self) -> tuple[str, ...]:
        """Names of the churn models that learn side by side."""
        return self._championship.names()

    def figures(self) -> Figures:
        """How good the risks that were given have been, over recent labels."""
        return self._evaluation.recent.figures()

    def standings(self) -> tuple[Standing, ...]:
        """How the contenders do."""
        return self._championship.standings()

    def snapshot(self, now_ms: int, contender: str | None = None) -> ModelSnapshot:
        """The models as they are, with the champion or another contender; asking changes nothing."""
        name = contender or self.champion
        labels, churned = self._evaluation.labels, self._evaluation.churned
        calibration = self._championship.model(name).calibration
        churn_model = self._scoring(name)
        churn = ChurnSnapshot(
            name=name,
            version=_CONTENDERS * labels + self.contenders().index(name) if labels else 0,
            ready=self.ready and self._championship.model(name).labels_seen >= self.settings.min_labels,
            labels_seen=labels,
            churned_seen=churned,
            features=FEATURE_NAMES,
            weights=tuple(churn_model.weights.tolist()),
            curvature=tuple(churn_model.curvature.tolist()),
            means=tuple(churn_model.means.tolist()),
            scales=tuple(churn_model.scales.tolist()),
            intercept=churn_model.intercept,
            slope=calibration.slope,
            shift=calibration.shift,
            base_rate=churned / labels if labels else None,
            evaluation=self._evaluation.report(),
        )
        return ModelSnapshot(
            created_at_ms=now_ms,
            stream_time_ms=self._stream_time_ms,
            churn=churn,
            segments=self._segment_snapshot() if self._segments.ready else None,
            value=self._value.snapshot() if self._value.ready else None,
            rhythm=self._rhythm.snapshot(),
            stake_level=self._stakes.present,
        )

    def _segment_snapshot(self) -> SegmentSnapshot:
        means, scales = self._segments.affine()
        return SegmentSnapshot(
            version=self._segments.observations_seen,
            columns=COLUMNS,
            features=tuple(FEATURE_NAMES[column] for column in COLUMNS),
            means=means,
            scales=scales,
            segments=self._segments.segments(),
        )

    def dump(self) -> bytes:
        """A checkpoint of everything, as sealed JSON."""
        checkpoint = _Checkpoint(
            features=FEATURE_NAMES,
            stream_time_ms=self._stream_time_ms,
            championship=self._championship.state(),
            levels=self._levels,
            features_drift=self._features_drift.state(),
            segments=self._segments.state(),
            value=self._value.state(),
            evaluation=self._evaluation,
            rhythm=self._rhythm.state(),
            converted_at=self._converted_at,
            stakes=self._stakes,
        )
        return seal(SCHEMA, checkpoint)

    @classmethod
    def load(
        cls,
        value: bytes,
        settings: LearnerSettings | None = None,
        on_drift: Callable[[LossAlarm | FeatureAlarm], None] = lambda _: None,
        on_horizon: Callable[[Rhythm], None] = lambda _: None,
    ) -> "Learner":
        """Go on from a checkpoint. Raises `SnapshotError` if it is damaged or of other features."""
        checkpoint = open_sealed(value, SCHEMA, _Checkpoint)
        if checkpoint.features != FEATURE_NAMES:
            raise SnapshotError(
                "the checkpoint was learned on other features; run the version that wrote it, "
                "or delete it to learn again from the log"
            )
        learner = cls(settings, on_drift, on_horizon)
        learner._championship = Championship.from_state(checkpoint.championship)
        learner._levels = checkpoint.levels
        learner._features_drift = FeatureDrift(checkpoint.features_drift)
        learner._value = ValueModel.from_state(checkpoint.value)
        learner._segments = SegmentModel.from_state(checkpoint.segments, learner.settings.segments)
        learner._evaluation = checkpoint.evaluation
        learner._evaluation.half_life_examples = learner.settings.half_life_examples
        if checkpoint.rhythm is not None:
            learner._rhythm = RhythmModel(learner.settings.horizon_days, checkpoint.rhythm)
        learner._converted_at = checkpoint.converted_at
        learner._stakes = checkpoint.stakes
        learner._stream_time_ms = checkpoint.stream_time_ms
        return learner


def _log_odds(probability: float) -> float:
    return math.log(probability / (1.0 - probability))
