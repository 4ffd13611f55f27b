"""Counts of items in arrays: what they keep is what counting one item after the other keeps."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.recommending.fading import HALF_LIFE_H
from stream.recommending.follower_rows import item_id
from stream.recommending.item_shards import ItemShard, shard_of
from stream.recommending.item_table import ItemTable
from stream.recommending.sold_counts import NUMBERS, Lines

#: Names of a single part, so that it is full soon, and of others.
CROWDED = [name for name in map(str, range(4000)) if shard_of(name) == 0][:12]
NAMES = [*CROWDED, "tea", "fig", "Käse", "茶"]
YEARS_H = 6 * 366 * 24


class ToldOrder(NamedTuple):
    """``bought`` at an hour, some of them for the first time; or taken back."""

    hour: int
    bought: list[str]
    firsts: int
    is_return: bool


told = st.builds(
    ToldOrder,
    st.one_of(st.integers(0, YEARS_H), st.integers(0, HALF_LIFE_H)),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=True),
    st.integers(0, 6),
    st.sampled_from([False, False, False, True]),
)


def one_by_one(shards: dict[int, ItemShard], one: ToldOrder, keep: int) -> list[str]:
    """As arrays should count, by the counts of each part."""
    lines = Lines.at(one.hour)
    gone: list[str] = []
    for name in one.bought[: one.firsts]:
        shard = shards.setdefault(shard_of(name), ItemShard())
        if one.is_return:
            shard.counts.take_back([name], one.hour)
            cut: Sequence[str] = [] if name in shard.counts.counts else [name]
        else:
            shard.categories[name] = f"of {name}"
            cut = shard.counts.count([name], one.hour, keep)
            gone += cut
        for of in cut:
            shard.categories.pop(of, None)
            shard.sold.counts.pop(of, None)
    for name in one.bought:
        shard = shards.setdefault(shard_of(name), ItemShard())
        if one.is_return:
            shard.sold.take_back(name, lines)
        elif name in shard.counts.counts:
            shard.sold.count(name, lines)
    return gone


def in_arrays(table: ItemTable, one: ToldOrder) -> list[str]:
    lines = Lines.at(one.hour)
    firsts = one.bought[: one.firsts]
    if one.is_return:
        for name in firsts:
            table.take_back(name, one.hour)
        for name in one.bought:
            table.return_line(name, lines)
        return []
    gone = [*table.meet({name: f"of {name}" for name in firsts}, one.hour).gone] if firsts else []
    table.sell(one.bought, table.places(one.bought), lines)
    return gone


@given(st.lists(st.lists(told, max_size=12), max_size=4), st.integers(1, 5), st.integers(1, 5))
def test_arrays_count_as_parts_do_one_item_after_the_other(
    steps: list[list[ToldOrder]], keep: int, keep_before: int
) -> None:
    wanted: dict[int, ItemShard] = {}
    found: dict[int, ItemShard] = {}
    for number, step in enumerate(steps):
        # the setting may be smaller after a restart
        now = keep if number else max(keep, keep_before)
        table = ItemTable(msgspec.json.decode(msgspec.json.encode(found), type=dict[int, ItemShard]), now)
        for one in step:
            assert in_arrays(table, one) == one_by_one(wanted, one, now)
        found |= table.shards(table.changed)
        assert {*table.changed} == {shard_of(name) for one in step for name in one.bought}
        assert found == wanted


@given(st.lists(told, max_size=20))
def test_what_is_asked_of_items_is_what_their_parts_say(orders: list[ToldOrder]) -> None:
    table, shards = ItemTable({}, 100), dict[int, ItemShard]()
    for one in orders:
        in_arrays(table, one)
        one_by_one(shards, one, 100)
    places = table.places(NAMES)
    of = [shards.get(shard_of(name), ItemShard()) for name in NAMES]
    known = [name in shard.counts.counts for name, shard in zip(NAMES, of, strict=True)]
    assert [name in table for name in NAMES] == known
    customers = [shard.counts.weight(name, YEARS_H) for name, shard in zip(NAMES, of, strict=True)]
    assert table.customers(places, YEARS_H) == pytest.approx(customers)
    weights = [shard.sold.of([name])[0] for name, shard in zip(NAMES, of, strict=True)]
    assert (table.sold(places, YEARS_H) > 0).any(1).tolist() == [any(one) for one in weights]
    assert table.sold(places, YEARS_H).shape == (len(NAMES), NUMBERS)
    wanted = [shard.categories.get(name) for name, shard in zip(NAMES, of, strict=True)]
    assert table.categories(places) == wanted
    assert table.names_of(map(item_id, NAMES)) == [
        name if is_one else None for name, is_one in zip(NAMES, known, strict=True)
    ]


def test_many_items_find_room_and_keep_their_order() -> None:
    names = [f"item-{k}" for k in range(3000)]
    table = ItemTable({}, 10_000)
    for begin in range(0, len(names), 7):
        table.meet(dict.fromkeys(names[begin : begin + 7]), 1000 + begin)
    assert table.ids(names, table.places(names)).tolist() == [item_id(name) for name in names]
    for number, shard in table.shards(range(256)).items():
        assert [*shard.counts.counts] == [name for name in names if shard_of(name) == number]
    slot_of = {name: slot for slot, name in enumerate(names)}
    places = table.places([*names[:3], "unknown"])
    assert table.slots(places, slot_of.__getitem__).tolist() == [0, 1, 2]
