"""Corrections keep order and sums, and change nothing at first."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.online_models.value_correction import AMOUNTS, CHANCES, MEANS, BinScale, Correction, corrected

SCALES = (AMOUNTS, CHANCES, MEANS)


def range_of(scale: BinScale) -> np.ndarray:
    return np.linspace(1e-4, 1.0 - 1e-4, 3_000) if scale.is_chance else np.geomspace(1e-2, 1e6, 3_000)


@pytest.mark.parametrize("scale", SCALES)
@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 3.0)), min_size=1, max_size=200))
def test_the_correction_keeps_the_order_of_customers(scale: BinScale, labels: list[tuple[float, float]]) -> None:
    correction = Correction(scale)
    for place, ratio in labels:
        expected = place if scale.is_chance else 10.0 ** (5.0 * place)
        correction.record(expected, expected * ratio)
    values = corrected(scale, correction.factors(), range_of(scale))
    assert np.all(np.diff(values) >= -1e-9 * values[1:])
    assert np.isfinite(values).all()


@pytest.mark.parametrize("scale", SCALES)
def test_without_labels_nothing_is_corrected(scale: BinScale) -> None:
    expected = range_of(scale)
    assert corrected(scale, Correction(scale).factors(), expected) == pytest.approx(expected)
    assert corrected(scale, (), expected).tolist() == expected.tolist()
    assert Correction(scale).corrected_by_bin(0.3) == 0.3


def test_a_chance_that_was_too_sure_is_corrected_and_certainty_stays() -> None:
    generator = np.random.default_rng(1)
    correction = Correction(CHANCES)
    for given_chance in generator.uniform(0.02, 0.98, 20_000):
        came = generator.random() < 0.1 + 0.8 * given_chance
        correction.record(given_chance, float(came))
    probe = np.array([0.05, 0.3, 0.5, 0.7, 0.95])
    assert corrected(CHANCES, correction.factors(), probe) == pytest.approx(0.1 + 0.8 * probe, abs=0.04)
    assert corrected(CHANCES, correction.factors(), np.array([0.0, 1.0])).tolist() == [0.0, 1.0]


def test_means_that_were_off_by_size_are_corrected() -> None:
    generator = np.random.default_rng(2)
    correction = Correction(MEANS)
    for expected in generator.lognormal(4.0, 1.0, 20_000):
        correction.record(expected, 20.0 * expected**0.5 * generator.exponential(1.0))
    probe = np.array([20.0, 50.0, 100.0, 200.0])
    assert corrected(MEANS, correction.factors(), probe) == pytest.approx(20.0 * probe**0.5, rel=0.12)
