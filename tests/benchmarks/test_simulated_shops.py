"""The true risk of simulated shops, against drawn rates and lifetimes and against the orders that followed."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import gamma  # type: ignore[import-untyped]  # SciPy ships no types

from benchmarks.simulated_shops import DAYS, SHOPS, Known, SimulatedShop, known_at, simulate, true_risk

Floats = npt.NDArray[np.float64]
DRAWS = 150_000


def clock(speed: Floats, day: Floats | float) -> Floats:
    """The integral of ``speed`` up to ``day``."""
    whole = np.minimum(np.floor(day), DAYS - 1).astype(int)
    total: Floats = np.concatenate([[0.0], np.cumsum(speed)])[whole] + speed[whole] * (np.asarray(day) - whole)
    return total


def risk_by_draws(shop: SimulatedShop, orders: list[float], cut: float, horizon: float) -> tuple[float, float]:
    """The mean over drawn lives, each weighted by how likely the orders are in it; and its standard error.

    A life is a rate and the reading of the clock of leaving at which the customer leaves.
    """
    generator = np.random.default_rng(1)
    rate = generator.gamma(shop.r, 1.0 / shop.alpha, DRAWS)
    stay = generator.exponential(1.0, DRAWS) / generator.gamma(shop.s, 1.0 / shop.beta, DRAWS)
    gap = gamma(shop.shape, scale=1.0 / (shop.shape * rate))
    weight = np.ones(DRAWS)
    for before, after in pairwise(orders):
        weight *= gap.pdf(float(clock(shop.pace, after) - clock(shop.pace, before)))
    weight *= stay > float(clock(shop.leaving, orders[-1]) - clock(shop.leaving, orders[0]))
    # the day on which each life ends, found on a fine grid of days
    days = np.linspace(orders[0], DAYS - 1.0, 20_001)
    leaves = np.interp(stay, clock(shop.leaving, days) - clock(shop.leaving, orders[0]), days)

    def silent_until(day: float) -> Floats:
        end = np.clip(leaves, orders[-1], day)
        return np.asarray(gap.sf(clock(shop.pace, end) - clock(shop.pace, orders[-1])), np.float64)

    known, silent = weight * silent_until(cut), weight * silent_until(cut + horizon)
    risk = silent.sum() / known.sum()
    return float(risk), float(np.sqrt(((silent - risk * known) ** 2).sum()) / known.sum())


@pytest.mark.parametrize("name", ["pareto", "seasonal", "clumpy", "regular", "promotions", "price rise"])
@pytest.mark.parametrize("orders", [[200.0], [120.5, 150.0, 171.25, 230.0]])
def test_the_true_risk_is_the_mean_over_lives_in_which_the_orders_may_have_come(name: str, orders: list[float]) -> None:
    cut, horizon = 280.0, 91.0
    expected, error = risk_by_draws(SHOPS[name], orders, cut, horizon)
    of = Known(*(np.array([value]) for value in (len(orders) - 1.0, orders[0], orders[-1])))
    assert true_risk(SHOPS[name], of, cut, horizon)[0] == pytest.approx(expected, abs=5.0 * error + 2e-4)
    assert error < 0.02


@pytest.mark.parametrize("name", [*SHOPS])
def test_the_true_risk_is_calibrated_in_the_shop_that_was_drawn(name: str) -> None:
    shop, cut, horizon = SHOPS[name]._replace(customers=8_000), 364.0, 91.0
    orders = simulate(shop, 5)
    who, known = known_at(orders, cut)
    risk = true_risk(shop, known, cut, horizon)
    silent = ~np.isin(who, orders.customer[(orders.at >= cut) & (orders.at < cut + horizon)])
    for rows in np.array_split(np.argsort(risk), 8):
        error = np.sqrt((risk[rows] * (1.0 - risk[rows])).sum()) / len(rows)
        assert silent[rows].mean() == pytest.approx(risk[rows].mean(), abs=4.0 * error)


def test_random_orders_without_leaving_follow_the_negative_binomial() -> None:
    """A customer who never leaves is silent with probability ((alpha + age) / (alpha + age + horizon)) ** (r + x)."""
    shop = SHOPS["pareto"]._replace(leaving=np.zeros(DAYS))
    of = Known(np.array([0.0, 3.0, 9.0]), np.array([100.0, 50.0, 10.0]), np.array([100.0, 90.0, 250.0]))
    age = shop.alpha + 280.0 - of.first
    assert true_risk(shop, of, 280.0, 91.0) == pytest.approx((age / (age + 91.0)) ** (shop.r + of.x), rel=1e-9)


def test_a_shop_is_a_function_of_its_seed() -> None:
    first, again, other = (simulate(SHOPS["promotions"], seed) for seed in (1, 1, 2))
    assert np.array_equal(first.at, again.at)
    assert np.array_equal(first.customer, again.customer)
    assert len(first.at) != len(other.at)


def test_only_orders_before_a_cut_are_known_there() -> None:
    orders = simulate(SHOPS["growth"], 3)
    who, known = known_at(orders, 300.0)
    for k in range(0, len(who), 97):
        times = [at for number, at in zip(orders.customer, orders.at, strict=True) if number == who[k] and at < 300.0]
        assert (known.x[k], known.first[k], known.last[k]) == (len(times) - 1, times[0], times[-1])
    assert len(who) == len(set(orders.customer[orders.at < 300.0].tolist()))
