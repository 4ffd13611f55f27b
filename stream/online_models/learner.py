"""The trainer's whole state: learn examples in order, give snapshots, be stored and go on."""

from dataclasses import dataclass

from msgspec import Struct

from stream.errors import SettingsError, SnapshotError
from stream.features.registry import FEATURE_NAMES
from stream.online_models.churn import ChurnModel, ChurnState
from stream.online_models.evaluation import Evaluation
from stream.online_models.example import Example, InvalidExample, Label, problem_of
from stream.online_models.sealed import open_sealed, seal
from stream.online_models.segment_names import ARCHETYPES
from stream.online_models.segments import COLUMNS, SegmentModel, SegmentState
from stream.online_models.snapshot import ChurnSnapshot, ModelSnapshot, SegmentSnapshot

__all__ = ["Learner", "LearnerSettings"]

SCHEMA = "stream.learner-checkpoint/1"

_LONGEST_HALF_LIFE = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerSettings:
    """What is asked of the models. Raises `SettingsError` for values that make no sense.

    ``min_labels`` labels, and ``min_class_labels`` of them churned and as many not, make the churn model
    ready. ``segments`` is the number of clusters. Recent figures halve the weight of examples every
    ``half_life_examples``.
    """

    min_labels: int = 500
    min_class_labels: int = 50
    segments: int = 6
    half_life_examples: float = 10_000.0

    def __post_init__(self) -> None:
        if self.min_labels < 0 or self.min_class_labels < 0:
            raise SettingsError(
                f"min_labels {self.min_labels}, min_class_labels {self.min_class_labels}: expected >= 0"
            )
        if not 1 <= self.segments <= len(ARCHETYPES):
            raise SettingsError(f"segments is {self.segments}, expected 1..{len(ARCHETYPES)}: each has a name")
        if not 1.0 <= self.half_life_examples <= _LONGEST_HALF_LIFE:
            raise SettingsError(f"half_life_examples is {self.half_life_examples}, expected 1..{_LONGEST_HALF_LIFE:g}")


class _Checkpoint(Struct, frozen=True, kw_only=True):
    features: tuple[str, ...]
    stream_time_ms: int
    churn: ChurnState
    segments: SegmentState
    evaluation: Evaluation


class Learner:
    """Both models and the evaluation, as one fold over the examples.

    ``load(dump())`` goes on exactly where the first left off: the same examples give the same snapshot, bit
    for bit. Memory is bounded: it does not grow with the examples.
    """

    def __init__(self, settings: LearnerSettings | None = None) -> None:
        self.settings = settings or LearnerSettings()
        self._churn = ChurnModel()
        self._segments = SegmentModel(self.settings.segments)
        self._evaluation = Evaluation.with_half_life(self.settings.half_life_examples)
        self._stream_time_ms = 0

    @property
    def labels_seen(self) -> int:
        return self._churn.labels_seen

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
            self._churn.learn_one(example.x, churned=example.churned)
            at_ms = example.matured_at_ms
        else:
            self._segments.learn_one(example.x)
            at_ms = example.at_ms
        self._stream_time_ms = max(self._stream_time_ms, at_ms)
        return None

    def snapshot(self, now_ms: int) -> ModelSnapshot:
        """The models as they are; asking changes nothing."""
        labels, churned = self._evaluation.labels, self._evaluation.churned
        linear = self._churn.linear()
        churn = ChurnSnapshot(
            version=labels,
            ready=self.ready,
            labels_seen=labels,
            churned_seen=churned,
            features=FEATURE_NAMES,
            weights=tuple(linear.weights.tolist()),
            means=tuple(linear.means.tolist()),
            scales=tuple(linear.scales.tolist()),
            intercept=linear.intercept,
            base_rate=churned / labels if labels else None,
            evaluation=self._evaluation.report(),
        )
        return ModelSnapshot(
            created_at_ms=now_ms,
            stream_time_ms=self._stream_time_ms,
            churn=churn,
            segments=self._segment_snapshot() if self._segments.ready else None,
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
            churn=self._churn.state(),
            segments=self._segments.state(),
            evaluation=self._evaluation,
        )
        return seal(SCHEMA, checkpoint)

    @classmethod
    def load(cls, value: bytes, settings: LearnerSettings | None = None) -> "Learner":
        """Go on from a checkpoint. Raises `SnapshotError` if it is damaged or of other features."""
        checkpoint = open_sealed(value, SCHEMA, _Checkpoint)
        if checkpoint.features != FEATURE_NAMES:
            raise SnapshotError(
                "the checkpoint was learned on other features; run the version that wrote it, "
                "or delete it to learn again from the log"
            )
        learner = cls(settings)
        learner._churn = ChurnModel.from_state(checkpoint.churn)
        learner._segments = SegmentModel.from_state(checkpoint.segments, learner.settings.segments)
        learner._evaluation = checkpoint.evaluation
        learner._evaluation.half_life_examples = learner.settings.half_life_examples
        learner._stream_time_ms = checkpoint.stream_time_ms
        return learner
