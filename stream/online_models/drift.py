"""Detectors of drift: River's ADWIN and Page-Hinkley over the means of blocks of examples.

Both detectors see the same series, one mean per week of stream time. What they have seen
since the last alarm is kept (at most `MAX_BLOCKS` means), and *is* their state: detectors are made again from it, so a
checkpoint holds numbers and no object, and continues bit for bit. When the series is full, its older half is forgotten.

Sources: A. Bifet and R. Gavalda, "Learning from time-changing data with adaptive windowing" (2007); E. S. Page,
"Continuous inspection schemes" (1954).
"""

from collections.abc import Hashable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from stream.features.registry import COLUMN, INPUT_SCALE
from stream.online_models.alarms import Detector, FeatureAlarm
from stream.online_models.first_layout import FIRST_DRIFT_FEATURES
from stream.online_models.inputs import lacks
from stream.online_models.open_weeks import Weeks, WeekState
from stream.online_models.river_parts import ADWIN, PageHinkley
from stream.online_models.scaler_state import ScalerState
from stream.online_models.scaling import FlooredScaler

__all__ = [
    "DRIFT_FEATURES",
    "FEATURE_LIMITS",
    "LOSS_LIMITS",
    "MAX_BLOCKS",
    "FeatureDrift",
    "FeatureDriftState",
    "Limits",
    "LossDrift",
    "LossDriftState",
    "Series",
    "SeriesState",
]

#: Two years of weeks; ADWIN forgets of its own accord what is older than the last change.
MAX_BLOCKS = 104
#: Blocks before either detector may speak.
FIRST_BLOCKS = 10
ADWIN_DELTA = 1e-3

#: What the features of new observations are watched by: one of each kind of behaviour, over the last four weeks.
DRIFT_FEATURES = (
    "days_since_purchase",
    "purchases_28d",
    "spend_28d",
    "order_value",
    "clicks_28d",
    "emails_28d",
    "active_days_28d",
)
_COLUMNS = tuple(COLUMN[name] for name in DRIFT_FEATURES)
#: Inputs count as at most so many deviations: one absurd customer is no drift.
_MAX_DEVIATIONS = 5.0
#: Observations before the standardised inputs mean anything.
_SETTLED = 2_000


class Limits(NamedTuple):
    """Page-Hinkley's: changes below ``tolerance`` are none, the sum of what is over it may reach ``threshold``.

    ``rises_only``: a fall is no alarm; it only begins the series afresh. Over independent blocks that deviate by s, a
    false alarm begins at a given block with probability ``exp(-2 tolerance threshold / s**2)``. ADWIN sees means in
    ``adwin_unit``, about their deviation: its bound holds for values within 0..1, of which a mean uses a small part.
    """

    tolerance: float
    threshold: float
    rises_only: bool
    adwin_unit: float


#: Of the excess loss: a rise by 0.5 nats is found in the week it comes, by 0.2 in three. The season moves it by some
#: hundredths.
LOSS_LIMITS = Limits(tolerance=0.07, threshold=0.3, rises_only=True, adwin_unit=0.03)
#: Of weekly means: a shift by one deviation is found in two weeks, by a half in four. The season moves them, too.
FEATURE_LIMITS = Limits(tolerance=0.2, threshold=1.0, rises_only=False, adwin_unit=0.2)


class SeriesState(Struct, frozen=True, kw_only=True):
    """Means of blocks."""

    blocks: tuple[float, ...] = ()


class Series:
    """One watched quantity. `update` takes the mean of a block and returns the detectors that raise the alarm now."""

    def __init__(self, limits: Limits, state: SeriesState | None = None) -> None:
        self._limits = limits
        self._blocks: list[float] = []
        self._begin(() if state is None else state.blocks)

    def update(self, mean: float) -> tuple[Detector, ...]:
        """Take one block in; an alarm begins the series afresh."""
        changed = self._see(mean)
        alarms = tuple(detector for detector, risen in changed if risen or not self._limits.rises_only)
        if changed:
            self._begin(())
        elif len(self._blocks) == MAX_BLOCKS:
            self._begin(self._blocks[MAX_BLOCKS // 2 :])
        return alarms

    def _begin(self, blocks: Sequence[float]) -> None:
        self._blocks = []
        self._adwin = ADWIN(delta=ADWIN_DELTA, clock=1, grace_period=FIRST_BLOCKS)  # type: ignore[no-untyped-call]
        self._up, self._down = self._page_hinkley("up"), self._page_hinkley("down")
        for mean in blocks:
            self._see(mean)

    def _page_hinkley(self, mode: str) -> PageHinkley:
        return PageHinkley(
            min_instances=FIRST_BLOCKS, delta=self._limits.tolerance, threshold=self._limits.threshold, mode=mode
        )

    def _see(self, mean: float) -> list[tuple[Detector, bool]]:
        """Detectors that see a change, and whether it is a rise."""
        before = sum(self._blocks) / len(self._blocks) if self._blocks else mean
        self._blocks.append(mean)
        self._adwin.update(mean / self._limits.adwin_unit)  # type: ignore[no-untyped-call]  # River leaves it untyped
        self._up.update(mean)  # type: ignore[no-untyped-call]
        self._down.update(mean)  # type: ignore[no-untyped-call]
        changed = []
        if self._adwin.drift_detected:
            # the window now begins at the change
            changed.append((Detector.ADWIN, self._adwin.estimation * self._limits.adwin_unit > before))
        if self._up.drift_detected or self._down.drift_detected:
            changed.append((Detector.PAGE_HINKLEY, self._up.drift_detected))
        return changed

    def state(self) -> SeriesState:
        return SeriesState(blocks=tuple(self._blocks))


class LossDriftState(Struct, frozen=True, kw_only=True):
    """``weeks``: those that are open, by week since the epoch."""

    series: SeriesState = SeriesState()
    weeks: dict[int, WeekState] = {}


class LossDrift:
    """Watches the weekly means of one model's excess loss."""

    def __init__(self, state: LossDriftState | None = None) -> None:
        state = state or LossDriftState()
        self._series = Series(LOSS_LIMITS, state.series)
        self._weeks = Weeks(state.weeks)

    def update(self, excess: float, at_ms: int) -> tuple[Detector, ...]:
        """Take the excess loss (nats) of a label that matured at ``at_ms`` in."""
        closed = self._weeks.add(at_ms, (excess,))
        return tuple(detector for week in closed for detector in self._series.update(week.sums[0] / week.count))

    def is_open(self, weeks: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Whether labels that matured in these weeks since the epoch, bool[N], can raise no alarm."""
        return self._weeks.is_open(weeks)

    def add_open(self, weeks: npt.NDArray[np.int64], excess: npt.NDArray[np.float64]) -> None:
        """`update` for the labels of a run, all of weeks that are open."""
        self._weeks.add_open(weeks, excess)

    def state(self) -> LossDriftState:
        return LossDriftState(series=self._series.state(), weeks=self._weeks.state())


class FeatureDriftState(Struct, frozen=True, kw_only=True):
    """``series``: one for each of ``features``. ``weeks``: those that are open, by week since the epoch."""

    features: tuple[str, ...] = FIRST_DRIFT_FEATURES
    scaler: ScalerState
    series: tuple[SeriesState, ...]
    weeks: dict[int, WeekState]


class FeatureDrift:
    """Watches the weekly means of the standardised `DRIFT_FEATURES`; it alarms people and touches no model.

    Other customers than before need not make the risk worse: the loss tells when they do.
    """

    def __init__(self, state: FeatureDriftState | None = None) -> None:
        self._scaler = (
            FlooredScaler()
            if state is None
            else FlooredScaler.from_state(state.scaler.of(state.features, DRIFT_FEATURES))
        )
        known = {} if state is None else dict(zip(state.features, state.series, strict=True))
        self._series = [Series(FEATURE_LIMITS, known.get(name)) for name in DRIFT_FEATURES]
        # sums of other features say nothing; a week or two are missing then
        self._weeks = Weeks(state.weeks if state is not None and state.features == DRIFT_FEATURES else None)

    def observe(self, inputs: Sequence[int], at_ms: int) -> list[FeatureAlarm]:
        """Take the inputs (int16[features], checked) of a new observation at ``at_ms`` in, unless one is missing."""
        if lacks(inputs, _COLUMNS):
            return []
        x: dict[Hashable, Any] = {axis: inputs[column] / INPUT_SCALE for axis, column in enumerate(_COLUMNS)}
        means, scales = self._scaler.affine(len(_COLUMNS))
        for axis, (mean, scale) in enumerate(zip(means, scales, strict=True)):
            if self._scaler.counts[axis] >= _SETTLED:
                x[axis] = min(max(x[axis], mean - _MAX_DEVIATIONS * scale), mean + _MAX_DEVIATIONS * scale)
        self._scaler.learn_one(x)
        closed = self._weeks.add(at_ms, [x[axis] for axis in range(len(_COLUMNS))])
        return [*self._alarms(closed)] if closed else []

    def _alarms(self, closed: Sequence[WeekState]) -> Iterator[FeatureAlarm]:
        means, scales = self._scaler.affine(len(_COLUMNS))
        for week in closed:
            for axis, series in enumerate(self._series):
                if self._scaler.counts[axis] < _SETTLED:
                    continue
                mean = (week.sums[axis] / week.count - means[axis]) / scales[axis]
                for detector in series.update(mean):
                    yield FeatureAlarm(detector, DRIFT_FEATURES[axis])

    def state(self) -> FeatureDriftState:
        return FeatureDriftState(
            features=DRIFT_FEATURES,
            scaler=self._scaler.state(len(_COLUMNS)),
            series=tuple(series.state() for series in self._series),
            weeks=self._weeks.state(),
        )
