"""Packed rows against counts that are plain dictionaries: the same, to the last one that is cut off."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.recommending.fading import HALF_LIFE_H, FadingCounts
from stream.recommending.follower_rows import FollowerRow, FollowerRows, item_id

START = 490_000
KEEP = 4
ITEMS = "abcdefghijklmno"
#: Distinct items, and the hour; years apart, so that epochs move on.
counted = st.lists(
    st.tuples(st.lists(st.sampled_from(ITEMS), min_size=1, max_size=6, unique=True), st.integers(0, 100 * HALF_LIFE_H)),
    max_size=40,
)


def everywhere(name: str) -> bool:
    return name in ITEMS


def plain(told: Sequence[tuple[list[str], int]], item: str) -> FadingCounts:
    counts = FadingCounts()
    for names, hour in told:
        followers = [name for name in names if name != item]
        if followers:
            counts.count(followers, START + hour, KEEP)
    return counts


def stored(rows: FollowerRows) -> dict[str, FollowerRow | None]:
    return dict(rows.changed())


@settings(max_examples=60)
@given(counted, st.integers(0, 40))
def test_a_row_counts_as_a_dictionary_does(told: list[tuple[list[str], int]], lost_at: int) -> None:
    rows = FollowerRows(KEEP, {})
    kept: dict[str, FollowerRow] = {}
    for number, (names, hour) in enumerate(told):
        if number == lost_at:
            # as between two steps: what was stored is read again
            kept = {name: row for name, row in stored(rows).items() if row is not None}
            rows = FollowerRows(KEEP, kept)
        rows.follow(ITEMS, names, START + hour, everywhere)
    found = kept | stored(rows)
    for item in ITEMS:
        expected = plain(told, item)
        row = found.get(item) or FollowerRow()
        assert np.frombuffer(row.ids, "<i8").tolist() == [item_id(name) for name in expected.counts]
        assert np.frombuffer(row.weights, "<i8").tolist() == [*expected.counts.values()]
        assert (row.epoch, row.floor) == (expected.epoch, expected.floor)


@given(counted, counted)
def test_rows_of_partitions_add_up(some: list[tuple[list[str], int]], others: list[tuple[list[str], int]]) -> None:
    parts = []
    for told in (some, others):
        rows = FollowerRows(100, {})
        for names, hour in told:
            rows.follow([*dict.fromkeys(["a", *names[:1]])], names, START + hour, everywhere)
        parts.append(rows)
    at = START + 100 * HALF_LIFE_H
    rows_of = [[row for rows in parts if (row := stored(rows).get(item)) is not None] for item in ITEMS]
    merged = FollowerRows(100, dict(zip(ITEMS, FollowerRow.merged(rows_of), strict=True)))
    for item, name in product(ITEMS, ITEMS):
        of = [rows.followers([item], at).of.of(item_id(name)) for rows in parts]
        together = merged.followers([item], at).of
        assert together.of(item_id(name)) == pytest.approx(sum(of), abs=0.01)


def test_what_is_taken_back_or_forgotten_leaves_nothing() -> None:
    rows = FollowerRows(KEEP, {})
    rows.follow("ab", "bc", START, everywhere)
    rows.take_back("a", {"b": START, "c": START, "z": START})
    rows.forget("b")
    rows.take_back("never", {"b": START})
    assert stored(rows) == {"a": None, "b": None}
    assert len(rows) == 0
    # it may begin anew in the same step
    rows.follow("b", "c", START + 5, everywhere)
    assert rows.followers("b", START + 5).of.of(item_id("c")) == 1.0


def test_what_follows_several_items_comes_row_by_row() -> None:
    rows = FollowerRows(KEEP, {})
    rows.follow("ab", "cd", START, everywhere)
    rows.follow("b", "c", START, everywhere)
    rows.slot_of("empty")
    found = rows.followers(["b", "unknown", "empty", "a"], START)
    assert found.items == ["b", "a"]
    assert found.numbers.tolist() == [0, 0, 1, 1]
    assert found.of.ids.tolist() == [*map(item_id, "cdcd")]
    assert found.of.customers.tolist() == [2.0, 1.0, 1.0, 1.0]


def test_items_that_are_not_counted_begin_no_row() -> None:
    rows = FollowerRows(KEEP, {})
    rows.follow(["a", "b"], ["c"], START, lambda name: name == "a")
    assert set(stored(rows)) == {"a"}


def test_there_is_room_for_any_number_of_rows() -> None:
    rows = FollowerRows(KEEP, {})
    names = [f"i{number}" for number in range(300)]
    for name in names:
        rows.follow([name], ["x", "y"], START, lambda _: True)
    assert rows.pairs() == 600
    assert len(stored(rows)) == 300
