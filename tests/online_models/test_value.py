"""Future money of customers: learned online, right in total and for small and large customers."""

import math

import msgspec
import numpy as np
import pytest

from stream.features.registry import COLUMN, FEATURES, INPUT_SCALE
from stream.online_models.example import Label
from stream.online_models.learner import Learner
from stream.online_models.snapshot import encode_snapshot
from stream.online_models.value import MIN_BUYERS, ValueModel
from tests.online_models.made_up import label, quantised

_SPEND, _ORDERS = COLUMN["spend_90d"], COLUMN["purchases_90d"]


def customers(seed: int, count: int) -> list[Label]:
    """Customers who buy with a known risk, and then for what they spent before, times a heavy-tailed error."""
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        x = [0] * len(FEATURES)
        before = float(generator.lognormal(4.0, 1.0))
        x[_SPEND] = min(round(math.log1p(before) * INPUT_SCALE), 32_767)
        x[_ORDERS] = round(math.log1p(generator.integers(1, 9)) * INPUT_SCALE)
        risk = float(generator.uniform(0.05, 0.95))
        churned = bool(generator.random() < risk)
        spend = 0.0 if churned else before * float(generator.lognormal(-0.5, 1.0))
        orders = 0 if churned else 1 + int(generator.poisson(math.expm1(x[_ORDERS] / INPUT_SCALE) / 3))
        found.append(
            msgspec.structs.replace(label(x, churned=churned, risk=risk), purchases=orders, spend=round(spend, 2))
        )
    return found


def learned(labels: list[Label]) -> ValueModel:
    model = ValueModel()
    for one in labels:
        model.learn_one(one)
    return model


@pytest.fixture(scope="module")
def model() -> ValueModel:
    return learned(customers(1, 12_000))


def test_nothing_is_expected_of_anybody_before_enough_have_bought() -> None:
    buyers = [one for one in customers(2, 1_000) if not one.churned]
    assert not learned(buyers[: MIN_BUYERS - 1]).ready
    assert learned(buyers[:MIN_BUYERS]).ready


def test_totals_and_deciles_are_right(model: ValueModel) -> None:
    fresh = customers(3, 20_000)
    expected = model.snapshot().expect(
        np.array([one.x for one in fresh], np.int16), np.array([one.risk for one in fresh], np.float64)
    )
    spend = np.array([one.spend for one in fresh])
    orders = np.array([one.purchases for one in fresh])
    assert expected.spend.sum() == pytest.approx(spend.sum(), rel=0.08)
    assert expected.orders.sum() == pytest.approx(orders.sum(), rel=0.08)
    for decile in np.array_split(np.argsort(expected.spend), 10):
        assert expected.spend[decile].sum() == pytest.approx(spend[decile].sum(), rel=0.25)


def test_likelier_churn_lowers_the_expectation_except_for_returning_customers(model: ValueModel) -> None:
    x = np.repeat([customers(4, 1)[0].x], 3, axis=0).astype(np.int16)
    expected = model.snapshot().expect(x, np.array([0.1, 0.5, 1.0]))
    assert expected.spend[0] > expected.spend[1] > expected.spend[2] == 0.0
    assert expected.orders[0] > expected.orders[1] > expected.orders[2] == 0.0
    assert expected.spend_if_back.min() > 0.0
    assert np.all(expected.orders >= np.array([0.9, 0.5, 0.0]))


def test_what_is_expected_of_a_customer_does_not_depend_on_who_else_is_asked_about(model: ValueModel) -> None:
    fresh = customers(5, 300)
    x, risk = np.array([one.x for one in fresh], np.int16), np.array([one.risk for one in fresh], np.float64)
    together = model.snapshot().expect(x, risk)
    alone = [model.snapshot().expect(x[k : k + 1], risk[k : k + 1]).spend[0] for k in range(len(fresh))]
    assert together.spend.tolist() == alone


def test_an_absurd_first_customer_does_not_spoil_the_start() -> None:
    labels = customers(9, 4_000)
    first = msgspec.structs.replace(labels[0], churned=False, purchases=10**9, spend=1e15)
    expected = (
        learned([first, *labels])
        .snapshot()
        .expect(np.array([one.x for one in labels], np.int16), np.array([one.risk for one in labels], np.float64))
    )
    assert expected.spend.sum() == pytest.approx(sum(one.spend for one in labels), rel=0.15)


def test_absurd_customers_do_no_lasting_harm(model: ValueModel) -> None:
    resumed = ValueModel.from_state(model.state())
    worst = label([32_767] * len(FEATURES), churned=False, risk=0.0)
    for spend in (1e12, 1e-2, 0.0, -1e9):
        resumed.learn_one(msgspec.structs.replace(worst, purchases=1_000_000, spend=spend))
    for certain in (0.0, 1.0):
        resumed.learn_one(label(quantised(), churned=True, risk=certain))
    expected = resumed.snapshot().expect(np.array([worst.x, quantised()], np.int16), np.array([0.0, 1.0]))
    assert np.isfinite(np.array(expected)).all()
    fresh = customers(10, 500)
    x, risk = np.array([one.x for one in fresh], np.int16), np.array([one.risk for one in fresh], np.float64)
    before, after = model.snapshot().expect(x, risk), resumed.snapshot().expect(x, risk)
    assert after.spend.sum() == pytest.approx(before.spend.sum(), rel=0.05)


def test_money_may_be_counted_in_cents_or_in_millions() -> None:
    labels = customers(6, 3_000)
    ratios = []
    for unit in (1e-2, 1.0, 1e4):
        scaled = learned([msgspec.structs.replace(one, spend=one.spend * unit) for one in labels])
        expected = scaled.snapshot().expect(np.array([one.x for one in labels], np.int16), np.full(len(labels), 0.5))
        ratios.append(expected.spend_if_back.sum() / unit)
    assert ratios == pytest.approx([ratios[1]] * 3, rel=0.05)


@pytest.mark.parametrize("stop", [0, 1, 150, 700])
def test_a_restored_model_continues_unchanged(stop: int) -> None:
    labels = customers(7, 800)
    resumed = ValueModel.from_state(learned(labels[:stop]).state())
    for one in labels[stop:]:
        resumed.learn_one(one)
    assert resumed.state() == learned(labels).state()


def test_the_value_travels_with_the_snapshot() -> None:
    learner = Learner()
    for one in customers(8, 700):
        assert learner.learn(one) is None
    value = learner.snapshot(0).value
    assert value is not None
    assert value.columns
    assert encode_snapshot(learner.snapshot(0))
