"""The chance of a first order, against a maximum found by another method."""

import math
from random import Random

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize  # type: ignore[import-untyped]  # SciPy ships no types
from scipy.special import expit  # type: ignore[import-untyped]

from stream.leads.chance import PRIOR_LEADS, PRIOR_ORDERS, ChanceModel, signs_of
from stream.leads.signs import SIGNS

SIZES = [len(sign.levels) for sign in SIGNS]
EXPECTED = [effect for sign in SIGNS for _, effect in sign.levels]
VARIANCE = 0.25

Counts = list[tuple[str, float, float]]
Floats = npt.NDArray[np.float64]

cells = st.tuples(*(st.integers(0, size - 1) for size in SIZES)).map(lambda levels: "".join(map(str, levels)))
examples = st.lists(st.tuples(cells, st.integers(1, 40), st.floats(0, 1)), max_size=8)


def learned(counts: Counts) -> ChanceModel:
    model = ChanceModel()
    for cell, leads, orders in counts:
        model.learn(cell, leads, orders)
    return model


def row(cell: str) -> Floats:
    return np.concatenate([[1.0], *(np.eye(size)[int(level)] for size, level in zip(SIZES, cell, strict=True))])


def loss(w: Floats, rows: Floats, leads: Floats, orders: Floats) -> float:
    logits = rows @ w
    away = ((w[1:] - EXPECTED) ** 2).sum() / (2 * VARIANCE)
    return float(leads @ np.logaddexp(0, logits) - orders @ logits + away)


@settings(max_examples=40)
@given(examples, cells)
def test_it_is_the_mean_over_a_normal_around_the_maximum_of_the_posterior(
    drawn: list[tuple[str, int, float]], cell: str
) -> None:
    counts = [(of, float(leads), leads * share) for of, leads, share in drawn]
    rows = np.array([np.eye(1, 1 + sum(SIZES))[0], *(row(of) for of, _, _ in counts)])
    leads = np.array([PRIOR_LEADS, *(one[1] for one in counts)])
    orders = np.array([PRIOR_ORDERS, *(one[2] for one in counts)])
    found = minimize(loss, np.zeros(rows.shape[1]), args=(rows, leads, orders), method="BFGS", options={"gtol": 1e-6})
    p = expit(rows @ found.x)
    curvature = (rows.T * (leads * p * (1 - p))) @ rows + np.diag([0.0, *[1 / VARIANCE] * sum(SIZES)])
    logit = row(cell) @ found.x
    deviation = math.sqrt(row(cell) @ np.linalg.inv(curvature) @ row(cell))
    judged = learned(counts).judge(cell)
    assert judged.low == pytest.approx(expit(logit - 1.96 * deviation), rel=2e-3)
    assert judged.high == pytest.approx(expit(logit + 1.96 * deviation), rel=2e-3)
    assert judged.chance == pytest.approx(expit(logit / math.sqrt(1 + math.pi * deviation**2 / 8)), rel=2e-3)
    assert judged.low < judged.chance < judged.high


@settings(max_examples=40)
@given(examples, st.randoms(use_true_random=False))
def test_the_order_of_the_examples_does_not_matter(drawn: list[tuple[str, int, float]], random: Random) -> None:
    counts = [(of, float(leads), float(round(leads * share))) for of, leads, share in drawn]
    shuffled = [*counts]
    random.shuffle(shuffled)
    assert learned(counts).judge("00000") == learned(shuffled).judge("00000")


def test_one_at_a_time_is_the_same_as_all_at_once() -> None:
    model = ChanceModel()
    for ordered in (True, False, False, True):
        model.learn_one(signs_of("61301"), ordered)
    assert model.judge("61301") == learned([("61301", 4, 2)]).judge("61301")
    assert model.predict_proba_one(signs_of("61301"))[True] == model.judge("61301").chance
    assert model.predict_one(signs_of("61301")) is (model.judge("61301").chance > 0.5)


def test_before_the_first_label_there_is_an_answer_and_it_is_not_sure() -> None:
    judged = ChanceModel().judge("61301")
    assert ChanceModel().judge("00103").chance < judged.chance
    assert judged.low < 0.05
    assert judged.high > 0.4


def test_with_labels_it_becomes_surer_and_forgetting_takes_that_back() -> None:
    model = learned([("61301", 400, 100)])
    sure = model.judge("61301")
    assert sure.chance == pytest.approx(0.25, abs=0.02)
    assert sure.high - sure.low < 0.1
    model.forget(0.1)
    assert model.judge("61301").high - model.judge("61301").low > 0.15


def test_signs_that_separate_leads_are_told_apart() -> None:
    model = learned([("60000", 500, 100), ("00000", 500, 5)])
    better, worse = model.judge("60000").parts, model.judge("00000").parts
    assert better[0] > 0 > worse[0]
    assert better[1:] == pytest.approx(worse[1:])
