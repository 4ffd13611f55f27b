"""How far the purchase process alone is believed: Bayes' rule over what the labels say."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.features.registry import INPUT_SCALE
from stream.online_models.components.churn import Churn
from stream.online_models.example import Label
from stream.online_models.hedge import HALF_LIFE_WEEKS, MAX_EVIDENCE, PRIOR, RATE, Hedge
from stream.online_models.learner import Learner, LearnerSettings
from stream.online_models.scoring import whole_share
from tests.online_models.made_up import DAY_MS, START_MS, label, observation, quantised

logits = st.floats(-11.5, 11.5)
labels = st.lists(st.tuples(logits | st.just(math.nan), logits, st.booleans(), st.floats(0.05, 1.0)), max_size=30)

Told = list[tuple[float, float, bool, float]]


def told(hedge: Hedge, found: Told) -> Hedge:
    if found:
        odds, given_logits, churned, novelty = zip(*found, strict=True)
        hedge.learn(odds, given_logits, churned, novelty)
    return hedge


def chance(logit: float, *, churned: bool) -> float:
    """Of what came."""
    return 1.0 / (1.0 + math.exp(-logit if churned else logit))


@given(labels)
def test_the_weight_is_that_of_bayes_rule(found: Told) -> None:
    found = [(odds, logit, churned, novelty / 8.0) for odds, logit, churned, novelty in found]
    process, given_risk = PRIOR, 1.0 - PRIOR
    for odds, logit, churned, novelty in found:
        if not math.isnan(odds):
            process *= chance(odds, churned=churned) ** (RATE * novelty)
            given_risk *= chance(logit, churned=churned) ** (RATE * novelty)
    # far from the bound of the evidence
    hedge = told(Hedge(), found)
    if abs(hedge.evidence) < MAX_EVIDENCE:
        assert hedge.weight == pytest.approx(process / (process + given_risk), rel=1e-6)


@given(labels, st.integers(0, 30))
def test_labels_may_come_in_any_parts(found: Told, cut: int) -> None:
    whole, parted = told(Hedge(), found), told(told(Hedge(), found[:cut]), found[cut:])
    assert whole == parted
    assert abs(whole.evidence) <= MAX_EVIDENCE
    assert 0.0 < whole.weight < 1.0
    stored = msgspec.json.decode(msgspec.json.encode(parted), type=Hedge)
    assert stored == whole
    # better on one label more is never worth less
    better, worse = told(Hedge(evidence=whole.evidence), [(2.0, 0.0, True, 1.0)]), whole
    assert better.weight >= worse.weight


def test_before_a_label_and_without_a_process_it_is_the_prior() -> None:
    assert Hedge().weight == pytest.approx(PRIOR)
    assert told(Hedge(), [(math.nan, 3.0, False, 1.0)]).weight == Hedge().weight
    assert whole_share(1.0, 0.3) == 1.0
    assert whole_share(0.0, 0.3) == 0.3
    assert whole_share(0.5, 0.2) == pytest.approx(0.6)


@pytest.mark.parametrize("right", [True, False])
def test_the_better_one_has_all_in_the_end_and_a_change_of_the_world_is_seen(*, right: bool) -> None:
    """The risk that is given follows the weight, as in a shop."""
    generator = np.random.default_rng(1)
    hedge = Hedge()
    for is_right in (right, not right):
        for week in range(100):
            hedge.begin_week()
            true = generator.normal(0.0, 1.5, 100)
            came = (generator.random(100) < 1.0 / (1.0 + np.exp(-true))).tolist()
            other = 0.3 * true
            process, learned = (true, other) if is_right else (other, true)
            given_logits = hedge.weight * process + (1.0 - hedge.weight) * learned
            hedge.learn(process.tolist(), given_logits.tolist(), came, [0.25] * 100)
            assert week < 99 or (hedge.weight > 0.6 if is_right else hedge.weight < 0.05)


def test_evidence_halves_in_a_year() -> None:
    hedge = Hedge(evidence=8.0)
    for _ in range(round(HALF_LIFE_WEEKS)):
        hedge.begin_week()
    assert hedge.evidence == pytest.approx(4.0)


def hedge_of(learner: Learner) -> Hedge:
    return learner.of(Churn).state().hedge


def with_logit(logit: float | None, horizon_ms: int = 28 * DAY_MS) -> Label:
    """Of a customer who has ordered on several days and is not silent; they came back."""
    found = label(
        quantised(purchase_days=1.8, purchases_total=1.8, days_since_purchase=0.5, purchase_gap=2.0),
        churned=False,
        at_ms=START_MS + DAY_MS,
    )
    given_logit = None if logit is None else round(logit * INPUT_SCALE)
    return msgspec.structs.replace(found, logit=given_logit, matured_at_ms=found.at_ms + horizon_ms)


def begun() -> Learner:
    """A shop with a purchase process, in its first week."""
    learner = Learner(LearnerSettings(horizon_days=28.0))
    assert learner.learn(observation(quantised(purchase_days=1.1), START_MS)) is None
    return learner


@pytest.mark.parametrize("by_runs", [False, True])
def test_labels_tell_which_of_the_process_and_the_risk_given_was_right(*, by_runs: bool) -> None:
    learner = begun()
    odds = learner.of(Churn)._odds([with_logit(3.0)], np.array([with_logit(3.0).x], np.int16))[0]
    for logit, sign in ((3.0, 1), (-9.0, -1)):
        before = hedge_of(learner)
        if by_runs:
            learner.learn_run([with_logit(logit)])
        else:
            assert learner.learn(with_logit(logit)) is None
        after = hedge_of(learner)
        assert sign * (after.weight - before.weight) > 0.0
        expected = math.log1p(math.exp(odds)) - math.log1p(math.exp(logit))
        assert after.evidence - before.evidence == pytest.approx(expected / 4.0)
    assert learner.snapshot(0).churn.process_hedge == hedge_of(learner).weight


@pytest.mark.parametrize("silent", [with_logit(None), with_logit(3.0, 56 * DAY_MS)])
@pytest.mark.parametrize("by_runs", [False, True])
def test_a_label_without_a_logit_or_of_another_horizon_says_nothing(silent: Label, *, by_runs: bool) -> None:
    learner = begun()
    if by_runs:
        learner.learn_run([silent])
    else:
        assert learner.learn(silent) is None
    assert learner.labels_seen == 1
    assert hedge_of(learner).evidence == 0.0


def test_a_week_that_begins_fades_the_evidence_once() -> None:
    learner = begun()
    assert learner.learn(with_logit(3.0)) is None
    before = hedge_of(learner).evidence
    for day in (9, 10, 11):
        late = observation(quantised(purchase_days=1.1), START_MS + day * DAY_MS)
        assert learner.learn(late) is None
    assert hedge_of(learner).evidence == pytest.approx(before * 0.5 ** (1.0 / HALF_LIFE_WEEKS))
