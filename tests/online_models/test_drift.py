"""Detectors of drift: quick after a change, silent without one."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from stream.features.registry import COLUMN, DAY_MS, FEATURES, INPUT_SCALE
from stream.online_models.alarms import Detector
from stream.online_models.drift import (
    DRIFT_FEATURES,
    LOSS_LIMITS,
    MAX_BLOCKS,
    FeatureDrift,
    LossDrift,
    Series,
)
from stream.online_models.open_weeks import OPEN_WEEKS

Floats = npt.NDArray[np.float64]
STATIONARY = 100_000
WEEK_MS = 7 * DAY_MS
PER_WEEK = 500


def losses(seed: int, count: int, *, truth: float = 1.0) -> Floats:
    """Excess losses of a model whose log-odds are to be multiplied by ``truth``; 1.0: it is right."""
    generator = np.random.default_rng(seed)
    logit = generator.normal(-1.0, 2.0, count)
    churned = generator.random(count) < 1.0 / (1.0 + np.exp(-truth * logit))
    given = 1.0 / (1.0 + np.exp(-logit))
    loss = -np.log(np.where(churned, given, 1.0 - given))
    return loss + given * np.log(given) + (1.0 - given) * np.log(1.0 - given)


def alarms(drift: LossDrift, values: Floats, first: int = 0) -> list[tuple[int, Detector]]:
    """Alarms by position, of losses number ``first`` and later; `PER_WEEK` mature in a week."""
    return [
        (k, detector)
        for k, value in enumerate(values.tolist(), first)
        for detector in drift.update(min(value, 5.0), k * WEEK_MS // PER_WEEK)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_no_alarm_in_a_hundred_thousand_stationary_losses(seed: int) -> None:
    assert alarms(LossDrift(), losses(seed, STATIONARY)) == []


def observe(
    drift: FeatureDrift, rows: Sequence[Sequence[int]], first_week: int, per_week: int
) -> list[tuple[int, str]]:
    """Alarms as (week, feature); ``per_week`` observations a week, evenly over it."""
    found = []
    for k, row in enumerate(rows):
        at_ms = int((first_week + k / per_week) * WEEK_MS)
        found += [(first_week + k // per_week, alarm.feature) for alarm in drift.observe(row, at_ms)]
    return found


def test_no_alarm_in_a_hundred_thousand_stationary_customers() -> None:
    generator = np.random.default_rng(3)
    rows = np.zeros((STATIONARY, len(FEATURES)), np.int64)
    columns = [COLUMN[name] for name in DRIFT_FEATURES]
    # skewed, partly zero and wide apart in scale, as features are
    rows[:, columns] = generator.gamma(1.5, [400, 300, 1500, 900, 200, 60, 500], (STATIONARY, len(columns)))
    rows[generator.random(STATIONARY) < 0.5, columns[4]] = 0
    assert observe(FeatureDrift(), rows.tolist(), 2_800, 1_000) == []


def test_the_order_in_which_a_trainer_that_catches_up_sees_customers_is_no_drift() -> None:
    """Active customers of two weeks at once, then the silent ones, again and again."""
    generator = np.random.default_rng(4)
    drift, found = FeatureDrift(), []
    for week in range(2_800, 2_860, 2):
        for level in (4.0, 1.0):
            rows = (generator.normal(level, 0.5, (400, len(FEATURES))) * INPUT_SCALE).astype(int).tolist()
            at_ms = [int((week + 2 * k / 400) * WEEK_MS) for k in range(400)]
            found += [alarm for row, at in zip(rows, at_ms, strict=True) for alarm in drift.observe(row, at)]
    assert found == []


@pytest.mark.parametrize(("truth", "weeks"), [(-1.0, 1), (0.0, 1), (0.5, 4)])
def test_a_model_that_fails_is_noticed_once_so_many_weeks_are_closed(truth: float, weeks: int) -> None:
    drift = LossDrift()
    assert alarms(drift, losses(1, 20_000)) == []
    found = alarms(drift, losses(2, 20_000, truth=truth), 20_000)
    assert found[0][0] <= 20_000 + (weeks + OPEN_WEEKS) * PER_WEEK


@pytest.mark.parametrize(
    ("rise", "first"),
    [(0.5, Detector.PAGE_HINKLEY), (0.06, Detector.ADWIN)],
    ids=["a loud change is heard by Page-Hinkley", "a quiet one by ADWIN"],
)
def test_either_detector_may_be_the_first(rise: float, first: Detector) -> None:
    generator = np.random.default_rng(1)
    series = Series(LOSS_LIMITS)
    weeks = np.concatenate([generator.normal(0.0, 0.02, 30), generator.normal(rise, 0.02, 40)])
    found = [(week, detector) for week, mean in enumerate(weeks.tolist()) for detector in series.update(mean)]
    assert found[0][0] >= 30
    assert found[0][1] is first


def test_a_model_that_becomes_better_is_no_alarm_and_then_watched_at_its_new_level() -> None:
    drift = LossDrift()
    alarms(drift, losses(1, 10_000, truth=-0.5))
    assert alarms(drift, losses(2, 10_000), 10_000) == []
    assert alarms(drift, losses(3, 10_000, truth=-0.5), 20_000)


def test_a_trainer_that_catches_up_and_learns_of_those_who_stayed_first_raises_no_alarm() -> None:
    """Labels come in runs of two weeks: those who stayed, then those who churned."""
    generator = np.random.default_rng(5)
    drift = LossDrift()
    found: list[Detector] = []
    for run in range(60):
        logit = generator.normal(-1.0, 2.0, 1_000)
        risk = 1.0 / (1.0 + np.exp(-logit))
        churned = generator.random(1_000) < risk
        excess = np.where(churned, -np.log(risk), -np.log1p(-risk)) + risk * np.log(risk) + (1 - risk) * np.log1p(-risk)
        at_ms = np.sort(generator.uniform(2 * run, 2 * run + 2, 1_000)) * WEEK_MS
        for k in np.argsort(churned, kind="stable").tolist():
            found += drift.update(min(float(excess[k]), 5.0), int(at_ms[k]))
    assert found == []


def test_other_customers_than_before_are_noticed_by_feature_within_weeks() -> None:
    generator = np.random.default_rng(1)
    drift = FeatureDrift()
    column = COLUMN["spend_28d"]

    def rows(mean: float, count: int) -> list[list[int]]:
        drawn = generator.normal(2.0, 0.5, (count, len(FEATURES))) * INPUT_SCALE
        drawn[:, column] = generator.normal(mean, 1.0, count) * INPUT_SCALE
        return drawn.astype(int).tolist()  # type: ignore[no-any-return]

    assert observe(drift, rows(4.0, 15_000), 2_800, 500) == []
    found = observe(drift, rows(3.0, 5_000), 2_830, 500)
    assert {feature for _, feature in found} == {"spend_28d"}
    assert found[0][0] <= 2_830 + OPEN_WEEKS + 3


def test_memory_does_not_grow() -> None:
    drift = LossDrift()
    alarms(drift, losses(1, (MAX_BLOCKS + 10) * PER_WEEK))
    assert MAX_BLOCKS // 2 <= len(drift.state().series.blocks) < MAX_BLOCKS
    assert len(drift.state().weeks) == OPEN_WEEKS


def test_weeks_of_few_labels_are_taken_together() -> None:
    drift = LossDrift()
    for k, value in enumerate(losses(1, 1_000).tolist()):
        drift.update(value, k * WEEK_MS // 20)
    assert 10 <= len(drift.state().series.blocks) <= 20


@pytest.mark.parametrize("stop", [0, 1, 499, 500, 1_234, 50_000, 57_001])
def test_a_restored_detector_continues_unchanged(stop: int) -> None:
    values = np.concatenate([losses(1, 55_000), losses(2, 5_000, truth=-0.3)])
    whole, stopped = LossDrift(), LossDrift()
    before = alarms(stopped, values[:stop])
    resumed = LossDrift(stopped.state())
    assert before + alarms(resumed, values[stop:], stop) == alarms(whole, values)
    assert resumed.state() == whole.state()


def test_one_absurd_customer_is_no_drift() -> None:
    rows = (np.random.default_rng(1).normal(2.0, 0.5, (10_000, len(FEATURES))) * INPUT_SCALE).astype(int).tolist()
    rows[8_000] = [32_767] * len(FEATURES)
    assert observe(FeatureDrift(), rows, 2_800, 200) == []


@pytest.mark.parametrize("stop", [0, 1_999, 2_001, 7_000])
def test_restored_feature_drift_continues_unchanged(stop: int) -> None:
    rows = (np.random.default_rng(2).gamma(2.0, 800.0, (8_000, len(FEATURES)))).astype(int).tolist()
    whole, stopped = FeatureDrift(), FeatureDrift()
    before = observe(stopped, rows[:stop], 2_800, 100)
    resumed = FeatureDrift(stopped.state())
    after = [
        alarm
        for k, row in enumerate(rows[stop:], stop)
        for alarm in resumed.observe(row, int((2_800 + k / 100) * WEEK_MS))
    ]
    assert len(before) + len(after) == len(observe(whole, rows, 2_800, 100))
    assert resumed.state() == whole.state()
