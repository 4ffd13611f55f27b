"""The policy in a shop with known effects, and one pass over a randomised test."""

from collections import Counter
from random import Random

import numpy as np
import pandas as pd
import pytest

from benchmarks.offer_policies import RiverLinUcb, Thompson
from benchmarks.offer_world import COSTS, DIMENSION, KINDS, best_gain, gain, visitors
from benchmarks.offers import cross_fitted, growth, played, replayed
from stream.offering.choosing import choose, drawn
from stream.offering.uplift import NOTHING, WORTH, UpliftSums, contrasts, quantised, uplifts_of


def test_who_would_buy_anyway_is_offered_nothing_once_the_log_says_so() -> None:
    random = Random(7)
    sums = UpliftSums()
    propensities = {NOTHING: 250_000, **dict.fromkeys(COSTS, 250_000)}
    for visitor in visitors(12_000, 7):
        arm = random.choice([*propensities])
        contrast = contrasts(arm, propensities)
        sums.add(quantised(visitor.inputs), contrast)
        sums.label(quantised(visitor.inputs), contrast, WORTH * visitor.orders(arm))
    uplifts = uplifts_of([(1.0, sums)], [*COSTS], DIMENSION)
    drawn_arms: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    # the most likely to order are the loyal: an offer by the chance of an order would go to them first
    for number, visitor in enumerate(visitors(400, 8)):
        choice = choose(uplifts, COSTS, quantised(visitor.inputs), 20.0, exploration=0.0)
        drawn_arms[visitor.kind][drawn(choice.propensities, str(number))] += 1
    assert [*drawn_arms["loyal"]] == [NOTHING]
    for kind, offer in (("thrifty", "coupon"), ("lonely", "call"), ("forgetful", "mail")):
        assert drawn_arms[kind][offer] > 0.9 * drawn_arms[kind].total()


def test_the_regret_is_sublinear_and_below_that_of_linucb_of_river() -> None:
    ours = played(Thompson(seed=2), 2000, seed=2)[0]
    theirs = played(RiverLinUcb(2.0), 2000, seed=2)[0]
    assert growth(ours) < 0.9
    assert ours[-1] < theirs[-1]


def test_gains_of_the_shop_are_what_its_customers_do() -> None:
    some = [visitor for visitor in visitors(20_000, 3) if visitor.kind == "thrifty"]
    ordered = np.mean([visitor.orders("coupon") for visitor in some])
    without = np.mean([visitor.orders(NOTHING) for visitor in some])
    assert ordered - without == pytest.approx(0.35, abs=0.03)
    assert {best_gain(visitor) for visitor in visitors(200, 3) if visitor.kind == "loyal"} == {0.0}
    assert gain(some[0], "coupon") == pytest.approx(0.35 * some[0].value - 4.0)


def test_a_pass_over_a_randomised_test_finds_what_works_for_whom() -> None:
    """Men answer one e-mail, women the other, and nobody else anything."""
    random = np.random.default_rng(6)
    rows = 6000
    mens = random.random(rows) < 0.5
    segment = random.choice(["Mens E-Mail", "Womens E-Mail", "No E-Mail"], rows)
    fits = ((segment == "Mens E-Mail") & mens) | ((segment == "Womens E-Mail") & ~mens)
    test = pd.DataFrame(
        {
            "recency": random.integers(1, 13, rows),
            "history": random.uniform(30, 500, rows),
            "mens": mens.astype(int),
            "womens": (~mens).astype(int),
            "newbie": 0,
            "zip_code": "Urban",
            "channel": "Web",
            "segment": segment,
            "visit": (random.random(rows) < 0.1 + 0.2 * fits).astype(int),
        }
    )
    found = replayed(test)
    late = range(2000, rows)
    right = sum(found.target[row] == ("mens" if mens[row] else "womens") for row in late)
    assert right / len(late) > 0.95
    trees = cross_fitted(test, 0)
    assert np.mean(np.asarray(trees.target) == np.where(mens, "mens", "womens")) > 0.95
    # the first decisions knew nothing, so none of the rows can have told them
    assert set(found.target[:100]) == {NOTHING}
