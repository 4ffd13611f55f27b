"""Association rules: known ones are found with their lift, and none where there is none."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from stream.recommending.association_rules import association_rules

DAY = 24
END_H = 400 * DAY
ITEMS = [f"i{k}" for k in range(30)]


def shop(
    seed: int, customers: int, then: Callable[[np.random.Generator, dict[str, int], int, str], None]
) -> list[dict[str, int]]:
    """Customers who order now and then, some seldom and some every few days, items of very different popularity."""
    random = np.random.default_rng(seed)
    popularity = 1.0 / np.arange(1, len(ITEMS) + 1)
    found = []
    for _ in range(customers):
        first: dict[str, int] = {}
        hours = np.sort(random.integers(0, 360 * DAY, 1 + random.geometric(0.15)))
        for hour in hours.tolist():
            for item in random.choice(ITEMS, random.integers(1, 5), False, popularity / popularity.sum()).tolist():
                if item not in first:
                    first[item] = hour
                    then(random, first, hour, item)
        found.append(first)
    return found


def nothing(random: np.random.Generator, first: dict[str, int], hour: int, item: str) -> None:
    """Items say nothing of each other."""


def tea_then_honey(random: np.random.Generator, first: dict[str, int], hour: int, item: str) -> None:
    """A third of those who buy tea (i12) buy honey (i20) in the next two weeks."""
    if item == "i12" and random.random() < 1 / 3:
        first.setdefault("i20", hour + int(random.integers(1, 14 * DAY)))


@pytest.mark.parametrize("seed", range(2))
def test_independent_items_give_no_rule(seed: int) -> None:
    # heavy buyers have everything, and what sells best is bought first
    found = association_rules(shop(seed, 800, nothing), END_H, 30)
    assert found.tested > 400
    assert found.rules == ()


def test_a_known_rule_is_found_with_its_figures() -> None:
    firsts = shop(7, 900, tea_then_honey)
    found = association_rules(firsts, END_H, 30)
    rule = found.rules[0]
    assert (rule.item, rule.follower) == ("i12", "i20")
    # counted again: who had no honey before the first tea, and had it within the days
    window = [of for of in firsts if "i12" in of and of.get("i20", math.inf) >= of["i12"] <= END_H - 30 * DAY]
    followed = [of for of in window if of.get("i20", math.inf) <= of["i12"] + 30 * DAY]
    assert (rule.customers, rule.buyers) == (len(followed), len(window))
    assert rule.confidence == len(followed) / len(window) > 0.3
    assert rule.lift > 1.9
    assert rule.p_value < 1e-7
    assert found.customers == 900


def test_the_lift_of_customers_who_are_alike_is_the_share_divided_by_that_of_all() -> None:
    # nobody had anything before, and nothing else is new: one stratum
    firsts = [{"tea" if number < 100 else f"x{number}": 10} for number in range(400)]
    for of in (*firsts[:80], *firsts[-30:]):
        of["honey"] = 20
    rules = association_rules(firsts, END_H, 30).rules
    assert [(rule.item, rule.follower) for rule in rules] == [("tea", "honey")]
    assert (rules[0].customers, rules[0].buyers, rules[0].confidence) == (80, 100, 0.8)
    # those of the 30 others for whom honey itself is drawn say nothing about it
    lifts = [0.8 / ((80 + others) / (370 + others)) for others in range(1, 30)]
    assert any(rules[0].lift == pytest.approx(lift) for lift in lifts)


def test_days_that_are_not_over_are_not_looked_at() -> None:
    assert association_rules(shop(7, 300, tea_then_honey), 20 * DAY, 30).tested == 0
    assert association_rules([], END_H, 30).rules == ()
