"""MBG/NBD against simulation and a batch fit of its own; the sample against all customers."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize  # type: ignore[import-untyped]  # SciPy ships no types
from scipy.stats import beta, gamma  # type: ignore[import-untyped]  # as above

from stream.features.registry import DAY_MS
from stream.online_models.components.purchases import Purchases
from stream.online_models.customer_sample import CustomerSample
from stream.online_models.example import Observation
from stream.online_models.learner import Learner
from stream.online_models.purchase_fit import expected_orders, fit, log_likelihood
from stream.online_models.purchase_process import PRIOR, Histories, PurchaseProcess
from tests.online_models.made_up import START_MS, quantised

TRUE = PurchaseProcess(r=0.9, alpha=30.0, a=0.8, b=2.5)
WEEK_MS = 7 * DAY_MS


def order_days(process: PurchaseProcess, generator: np.random.Generator, days: float) -> list[float]:
    """Times of the orders of one customer, the first at 0."""
    rate, leaves = generator.gamma(process.r, 1.0 / process.alpha), generator.beta(process.a, process.b)
    at = [0.0]
    while generator.random() >= leaves and (after := at[-1] + generator.exponential(1.0 / rate)) <= days:
        at.append(after)
    return at


def shop(process: PurchaseProcess, seed: int, customers: int, days: float = 364.0) -> list[list[float]]:
    """Times of orders since the shop's first day, of customers who come over the first half."""
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(customers):
        begin = generator.uniform(0.0, days / 2)
        found.append([begin + at for at in order_days(process, generator, days - begin)])
    return found


def histories(orders: list[list[float]], until: float) -> Histories:
    known = [[at for at in one if at <= until] for one in orders]
    rows = [(len(one) - 1, one[-1] - one[0], until - one[0]) for one in known if one]
    return Histories(*np.array(rows, np.float64).T)


def log_beta(p: float, q: float) -> float:
    return math.lgamma(p) + math.lgamma(q) - math.lgamma(p + q)


def gone_and_active(a: float, b: float, shape: float, x: float, left: float, known: float) -> tuple[float, float]:
    """Logarithms of the likelihoods of the two explanations of a silence, without their common factor."""
    gone = log_beta(a + 1.0, b + x) - shape * math.log(left)
    return gone, log_beta(a, b + x + 1.0) - shape * math.log(known)


def direct_log_likelihood(logs: np.ndarray, of: Histories) -> float:
    """From the definition, the two ways of a silence added up; by `math` alone."""
    r, alpha, a, b = np.exp(logs).tolist()
    total = 0.0
    for x, last, age in zip(*(column.tolist() for column in of), strict=True):
        gone, active = gone_and_active(a, b, r + x, x, alpha + last, alpha + age)
        high = max(gone, active)
        common = math.lgamma(r + x) - math.lgamma(r) + r * math.log(alpha) - log_beta(a, b)
        total += common + high + math.log(math.exp(gone - high) + math.exp(active - high))
    return total


def direct_alive(logs: np.ndarray, of: Histories) -> list[float]:
    """The share of the active way in the likelihood of each customer."""
    r, alpha, a, b = np.exp(logs).tolist()
    ways = [
        gone_and_active(a, b, r + x, x, alpha + last, alpha + age)
        for x, last, age in zip(*(column.tolist() for column in of), strict=True)
    ]
    return [1.0 / (1.0 + math.exp(gone - active)) for gone, active in ways]


def play(
    learner: Learner, orders: list[list[float]], days: float, retired_after: float = 400.0, first_number: int = 0
) -> None:
    """Every customer with an order is observed once a week, each on a day of their own, in the order of time."""
    seen = []
    for number, one in enumerate(orders, first_number):
        landmark = one[0] - one[0] % 7.0 + (number % 7) + 7.0
        while landmark <= days:
            known = [at for at in one if at <= landmark]
            if landmark - known[-1] <= retired_after:
                seen.append((landmark, number, known))
            landmark += 7.0
    for landmark, number, known in sorted(seen, key=lambda row: row[:2]):
        gap = (known[-1] - known[0]) / max(len(known) - 1, 1)
        x = quantised(
            purchase_days=math.log1p(len(known)),
            purchases_total=math.log1p(len(known)),
            days_since_purchase=math.log1p(landmark - known[-1]),
            purchase_gap=math.log1p(gap),
        )
        at_ms = START_MS + round(landmark * DAY_MS)
        observation = Observation(example_id=f"{number}-{landmark}", customer_id=f"c{number}", at_ms=at_ms, x=x)
        assert learner.learn(observation) is None


def test_the_likelihood_and_its_fit_are_those_of_the_definition() -> None:
    of = histories(shop(TRUE, 1, 400), 300.0)
    logs = np.log([TRUE.r, TRUE.alpha, TRUE.a, TRUE.b])
    assert log_likelihood(TRUE, of) == pytest.approx(direct_log_likelihood(logs, of))
    found = fit(of, has_prior=False)
    best = minimize(lambda at: -direct_log_likelihood(at, of), logs, method="Nelder-Mead", options={"maxiter": 2_000})
    assert np.log([found.r, found.alpha, found.a, found.b]) == pytest.approx(best.x, abs=0.01)
    assert log_likelihood(found, of) >= -best.fun - 1e-3


@pytest.mark.parametrize(("x", "last", "age"), [(0.0, 0.0, 200.0), (3.0, 60.0, 70.0), (7.0, 90.0, 200.0)])
def test_the_closed_forms_are_integrals_over_rates_and_chances_to_leave(x: float, last: float, age: float) -> None:
    """By the means over a grid of equally likely rates and chances to leave."""
    days = 91.0
    quantiles = (np.arange(2_000) + 0.5) / 2_000
    rate = gamma.ppf(quantiles, TRUE.r, scale=1.0 / TRUE.alpha)[:, None]
    leaves = beta.ppf(quantiles, TRUE.a, TRUE.b)[None, :]
    common = (1.0 - leaves) ** x * rate**x
    active = common * (1.0 - leaves) * np.exp(-rate * age)
    whole = (common * leaves * np.exp(-rate * last) + active).sum()
    comes = (active * -np.expm1(-rate * days)).sum()
    orders = (active * -np.expm1(-rate * leaves * days) / leaves).sum()
    of = Histories(*np.array([[x], [last], [age]]))
    assert TRUE.alive(of)[0] == pytest.approx(active.sum() / whole, rel=3e-3)
    assert TRUE.no_order(of, days)[0] == pytest.approx(1.0 - comes / whole, rel=3e-3)
    assert expected_orders(TRUE, of, days)[0] == pytest.approx(orders / whole, rel=3e-3)


def test_the_risk_of_a_shop_that_orders_so_is_calibrated() -> None:
    orders = shop(TRUE, 2, 8_000)
    of = histories(orders, 240.0)
    known = [one for one in orders if one[0] <= 240.0]
    silent = np.array([not any(240.0 < at <= 296.0 for at in one) for one in known])
    came = np.array([sum(240.0 < at <= 296.0 for at in one) for one in known])
    risk = TRUE.no_order(of, 56.0)
    for low in (0.0, 0.5, 0.8, 0.95):
        rows = (risk >= low) & (risk < {0.0: 0.5, 0.5: 0.8, 0.8: 0.95, 0.95: 1.01}[low])
        assert silent[rows].mean() == pytest.approx(risk[rows].mean(), abs=4.0 / np.sqrt(rows.sum()) / 2)
    assert expected_orders(TRUE, of, 56.0).sum() == pytest.approx(came.sum(), rel=0.06)


def test_one_pass_over_the_weeks_agrees_with_a_batch_fit_of_its_own_within_2_percent() -> None:
    """In the parameters, and in the results for customers: active or not, future orders, likelihood."""
    orders = shop(TRUE, 3, 1_500)
    learner = Learner(components=(Purchases,))
    play(learner, orders, 364.0)
    # the last fit of the pass was in its last week
    online, of = learner.of(Purchases).process, histories(orders, 361.0)
    best = minimize(lambda at: -direct_log_likelihood(at, of), np.log([1.0, 50.0, 1.0, 2.0]), method="L-BFGS-B")
    batch = PurchaseProcess(**dict(zip(("r", "alpha", "a", "b"), np.exp(best.x).tolist(), strict=True)))
    for name in ("r", "alpha", "a", "b"):
        assert getattr(online, name) == pytest.approx(getattr(batch, name), rel=0.02), name
    # chances below one in twenty: within .001
    assert online.alive(of) == pytest.approx(direct_alive(best.x, of), rel=0.02, abs=0.001)
    assert expected_orders(online, of, 91.0) == pytest.approx(expected_orders(batch, of, 91.0), rel=0.02, abs=0.001)
    assert online.no_order(of, 91.0) == pytest.approx(batch.no_order(of, 91.0), rel=0.02)
    assert log_likelihood(online, of) == pytest.approx(-best.fun, rel=1e-4)
    assert log_likelihood(PRIOR, of) < 1.01 * -best.fun


def test_a_history_that_comes_one_partition_after_the_other_is_fitted_as_a_whole() -> None:
    """The second partition adds a fifth to the sample and no new week."""
    orders = shop(TRUE, 6, 1_200)
    whole, parted = (Learner(components=(Purchases,)) for _ in range(2))
    play(whole, orders, 364.0)
    play(parted, orders[:1_000], 364.0)
    play(parted, orders[1_000:], 364.0, first_number=1_000)
    assert parted.of(Purchases).snapshot().customers == 1_200
    of = histories(orders, 364.0)
    expected, found = (learner.of(Purchases).process.no_order(of, 91.0) for learner in (whole, parted))
    assert found == pytest.approx(expected, abs=0.01)


def test_customers_who_are_not_observed_any_more_count_as_silent() -> None:
    orders = shop(TRUE, 4, 600)
    whole, bounded = (Learner(components=(Purchases,)) for _ in range(2))
    play(whole, orders, 364.0)
    play(bounded, orders, 364.0, retired_after=100.0)
    of = histories(orders, 364.0)
    expected, found = (learner.of(Purchases).process.no_order(of, 91.0) for learner in (whole, bounded))
    assert found == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("customers", [0, 1, 10, 30, 80])
def test_a_few_customers_are_enough_for_a_sensible_risk(customers: int) -> None:
    """Never certain, higher after a longer silence; of 80 customers near that of the true parameters."""
    learner = Learner(components=(Purchases,))
    play(learner, shop(TRUE, 5, customers), 364.0)
    process = learner.of(Purchases).process
    snapshot = learner.of(Purchases).snapshot()
    assert snapshot.customers == customers
    if customers == 0:
        assert process == PRIOR
    silence = np.array([0.0, 14.0, 60.0, 180.0])
    of = Histories(np.full(4, 4.0), np.full(4, 80.0), 80.0 + silence)
    risk = process.no_order(of, 28.0)
    assert np.all(np.diff(risk) > 0.0)
    assert 0.02 < risk[0] < 0.7
    assert risk[-1] > 0.7
    if customers == 80:
        assert risk == pytest.approx(TRUE.no_order(of, 28.0), abs=0.15)


@settings(max_examples=50)
@given(st.permutations(list(range(40))), st.integers(1, 30))
def test_the_sample_does_not_depend_on_the_order_of_customers(order: list[int], capacity: int) -> None:
    def sampled(numbers: list[int]) -> CustomerSample:
        sample = CustomerSample(capacity)
        for number in numbers:
            for week in range(2):
                at = START_MS + week * WEEK_MS
                sample.see(f"c{number}", at_ms=at, first_ms=START_MS - number * DAY_MS, last_ms=START_MS, x=number % 3)
        return sample

    found, expected = sampled(list(order)), sampled(list(range(40)))
    assert found.state() == expected.state()
    assert len(found) == capacity
    resumed = CustomerSample.from_state(found.state(), capacity)
    for sample in (found, resumed):
        sample.see("one more", at_ms=START_MS, first_ms=START_MS, last_ms=START_MS, x=0)
    assert resumed.state() == found.state()


@settings(max_examples=50)
@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 12))
def test_a_sample_takes_known_customers_and_new_ones_while_there_is_room(numbers: list[int], capacity: int) -> None:
    sample = CustomerSample(capacity)
    for week, number in enumerate(numbers):
        before, takes = sample.state(), sample.takes(f"c{number}")
        sample.see(f"c{number}", at_ms=START_MS + week * WEEK_MS, first_ms=START_MS, last_ms=START_MS, x=0)
        assert (sample.state() != before) == takes


def test_an_older_observation_does_not_take_a_newer_one_back() -> None:
    sample = CustomerSample()
    sample.see("c", at_ms=START_MS + WEEK_MS, first_ms=START_MS, last_ms=START_MS + WEEK_MS, x=1)
    newest = sample.state()
    sample.see("c", at_ms=START_MS, first_ms=START_MS, last_ms=START_MS, x=0)
    assert sample.state() == newest


def test_a_customer_who_is_forgotten_leaves_a_place_to_the_next() -> None:
    sample = CustomerSample(2)
    for number in range(2):
        sample.see(f"c{number}", at_ms=DAY_MS, first_ms=0, last_ms=DAY_MS, x=1)
    assert sample.about("c1") == {"first_ms": 0, "last_ms": DAY_MS, "seen_ms": DAY_MS, "further_days": 1}
    assert (sample.forget("c1"), sample.forget("c1"), sample.forget("nobody")) == (True, False, False)
    assert sample.about("c1") is None
    assert len(CustomerSample.from_state(sample.state(), 2)) == 1
    sample.see("c2", at_ms=DAY_MS, first_ms=0, last_ms=DAY_MS, x=1)
    assert sample.about("c2") is not None
    assert len(sample) == 2
