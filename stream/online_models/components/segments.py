"""Segments of customers who behave alike."""

from stream.features.registry import FEATURE_NAMES
from stream.online_models.component import Component, Context
from stream.online_models.example import Example, Observation
from stream.online_models.segments import COLUMNS, SegmentModel, SegmentState
from stream.online_models.snapshot import SegmentSnapshot

__all__ = ["Segmentation"]


class Segmentation(Component):
    """`SegmentModel` over the observations."""

    name = "segments"
    state_type = SegmentState

    def __init__(self, shop: Context) -> None:
        super().__init__(shop)
        self._model = SegmentModel(shop.settings.segments)

    @property
    def observations_seen(self) -> int:
        return self._model.observations_seen

    def learn(self, example: Example) -> None:
        if isinstance(example, Observation):
            self._model.learn_one(example.x)

    def snapshot(self) -> SegmentSnapshot | None:
        if not self._model.is_stable:
            return None
        means, scales = self._model.affine()
        return SegmentSnapshot(
            version=self.observations_seen,
            columns=COLUMNS,
            features=tuple(FEATURE_NAMES[column] for column in COLUMNS),
            means=means,
            scales=scales,
            segments=self._model.segments(),
        )

    def state(self) -> SegmentState:
        return self._model.state()

    def resume(self, state: SegmentState) -> None:
        self._model = SegmentModel.from_state(state, self.shop.settings.segments)

    def describe(self) -> str:
        names = ", ".join(segment.name for segment in self._model.segments()) or "none yet"
        waiting = "" if self._model.is_stable or not self._model.ready else " (until they are stable, rules decide)"
        return f"makes segments of {self.observations_seen} observations: {names}{waiting}"
