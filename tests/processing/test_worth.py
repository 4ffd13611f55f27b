"""The worth of scored customers, by the value model or by their past."""

import msgspec
import numpy as np
import pytest

from stream.alerts.customer_value import lifetime_value
from stream.features.registry import COLUMN, DAY_MS, FEATURES, INPUT_SCALE
from stream.online_models.learner import Learner
from stream.online_models.snapshot import ModelSnapshot
from stream.processing.rules import Rules
from stream.processing.scorer import WARMING, Scorer
from stream.processing.worth import Worth, worth_of
from tests.online_models.test_value import customers
from tests.processing.frozen import SILENCE, frozen

#: Inputs of four orders of 50 each.
ORDER_VALUE, ORDERS = round(np.log1p(50) * INPUT_SCALE), round(np.log1p(4) * INPUT_SCALE)
RULES = Rules(horizon_ms=28 * DAY_MS, discount_rate=0.1)


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    learner = Learner()
    for one in customers(1, 1_500):
        learner.learn(one)
    value = learner.snapshot(0).value
    assert value is not None
    snapshot: ModelSnapshot = msgspec.structs.replace(frozen(SILENCE), value=value)
    return Scorer.of(snapshot)


def worth(scorer: Scorer, risk: list[float], *, has_ordered: bool = True, net_spend: float = 10_000.0) -> Worth:
    """Of the same customer at different risks: 100 spent a day for 100 days."""
    rows = len(risk)
    x = list(customers(2, 1)[0].x)
    x[COLUMN["order_value"]], x[COLUMN["purchases_total"]] = ORDER_VALUE, ORDERS
    return worth_of(
        scorer,
        RULES,
        inputs=np.array([x] * rows, np.int16).reshape(rows, len(FEATURES)),
        risk=np.array(risk),
        net_spend=np.full(rows, net_spend),
        tenure_days=np.full(rows, 100.0),
        has_ordered=np.full(rows, has_ordered),
    )


def test_without_a_value_model_the_past_gives_the_money_at_risk() -> None:
    for without in (WARMING, Scorer.of(frozen(SILENCE))):
        found = worth(without, [0.5, 0.0])
        assert found.at_risk.tolist() == [round(0.5 * 28 * 10_000 / (100 + 30), 2), 0.0]
        assert np.isnan([found.orders, found.spend, found.lifetime]).all()


def test_nothing_is_at_stake_where_everything_was_sent_back(scorer: Scorer) -> None:
    ordered = 4 * float(np.expm1(ORDER_VALUE / INPUT_SCALE))
    kept_all, kept_half, kept_little, kept_nothing = (
        worth(scorer, [0.5], net_spend=share * ordered) for share in (1.0, 0.5, 0.1, 0.0)
    )
    assert [*kept_all] == [*kept_half]
    assert kept_little.at_risk == pytest.approx(0.2 * kept_all.at_risk, abs=0.01)
    assert kept_nothing.at_risk == 0.0
    for without in (WARMING, Scorer.of(frozen(SILENCE))):
        assert worth(without, [0.9], net_spend=0.0).at_risk == 0.0


def test_the_more_was_sent_back_the_less_is_expected(scorer: Scorer) -> None:
    value = scorer.snapshot.value if scorer.snapshot is not None else None
    assert value is not None
    # the shop's usual order counts as one more that was kept
    usual = float(np.expm1(value.means[value.columns.index(COLUMN["order_value"])]))
    ordered = 4 * float(np.expm1(ORDER_VALUE / INPUT_SCALE))
    kept = [worth(scorer, [0.5], net_spend=share * ordered).spend[0] for share in (1.0, 0.1, 0.0)]
    for share, spend in zip((0.1, 0.0), kept[1:], strict=True):
        pooled = min((share * ordered + usual) / (ordered + usual) / 0.5, 1.0)
        assert spend == pytest.approx(pooled * kept[0], abs=0.02)
    assert kept == sorted(kept, reverse=True)


def test_what_is_at_risk_grows_with_the_risk_while_what_is_expected_falls(scorer: Scorer) -> None:
    found = worth(scorer, [0.1, 0.5, 0.9])
    assert np.all(np.diff(found.at_risk) > 0)
    assert np.all(np.diff(found.spend) < 0)
    assert np.all(np.diff(found.orders) < 0)
    assert np.all(np.diff(found.lifetime) < 0)


def test_the_lifetime_value_is_the_discounted_sum_over_all_horizons(scorer: Scorer) -> None:
    found = worth(scorer, [0.3])
    discount = 1.1 ** (-28 / 365)
    horizons = np.arange(2_000)
    expected = (found.spend[0] * (0.7 * discount) ** horizons * discount**0.5).sum()
    assert found.lifetime[0] == pytest.approx(expected, abs=0.02)


def test_of_a_customer_without_an_order_nothing_is_known_but_the_past(scorer: Scorer) -> None:
    found = worth(scorer, [0.5], has_ordered=False)
    assert np.isnan([found.orders[0], found.spend[0], found.lifetime[0]]).all()
    assert found.at_risk.tolist() == [round(0.5 * 28 * 10_000 / (100 + 30), 2)]


def test_a_customer_who_has_not_been_scored_has_no_value(scorer: Scorer) -> None:
    found = worth(scorer, [float("nan")])
    assert np.isnan(np.array(found)).all()


def test_a_customer_who_never_leaves_is_worth_no_more_than_money_at_that_rate_for_ever() -> None:
    assert lifetime_value([0.0], [1.0], 28.0, 0.1)[0] == pytest.approx(365 / 28 / np.log(1.1), rel=0.01)
