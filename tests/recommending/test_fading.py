"""Fading counts against their definition."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.recommending.fading import HALF_LIFE_H, FadingCounts

START = 490_000
counted = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 3 * HALF_LIFE_H)), max_size=60)


@given(counted, st.integers(0, 4 * HALF_LIFE_H))
def test_a_weight_is_the_sum_of_what_each_count_is_worth(told: list[tuple[str, int]], at: int) -> None:
    counts = FadingCounts()
    for name, hour in told:
        assert not counts.count([name], START + hour, 100)
    for name in {name for name, _ in told}:
        worth = sum(0.5 ** ((at - hour) / HALF_LIFE_H) for of, hour in told if of == name)
        assert counts.weight(name, START + at) == pytest.approx(worth, rel=0.01, abs=0.02)


@given(st.lists(st.sampled_from("abcdefgh"), max_size=200))
def test_what_was_cut_off_is_at_most_the_floor(names: list[str]) -> None:
    counts = FadingCounts()
    for name in names:
        counts.count([name], START, 2)
    one = 1024
    assert len(counts.counts) <= 4
    for name, times in Counter(names).items():
        kept = counts.counts.get(name, 0)
        assert kept <= times * one <= kept + counts.floor


@given(counted, counted)
def test_parts_of_partitions_add_up(some: list[tuple[str, int]], others: list[tuple[str, int]]) -> None:
    parts = [FadingCounts(), FadingCounts()]
    for part, told in zip(parts, (some, others), strict=True):
        for name, hour in told:
            part.count([name], START + hour, 100)
    merged = FadingCounts.merged(parts)
    at = START + 3 * HALF_LIFE_H
    for name in {name for name, _ in some + others}:
        assert merged.weight(name, at) == pytest.approx(sum(part.weight(name, at) for part in parts), abs=0.01)


def test_counts_of_many_years_keep_their_worth() -> None:
    counts = FadingCounts()
    for half_lives in range(60):
        counts.count(["tea"], START + half_lives * HALF_LIFE_H, 10)
    assert counts.weight("tea", START + 59 * HALF_LIFE_H) == pytest.approx(2.0, abs=0.001)
    assert counts.counts["tea"] < 2**40
