"""The three lists of a customer: their order, and the words beside each item."""

from itertools import chain
from typing import NamedTuple

import numpy as np
import pytest

from stream.recommending.item_index import IndexedRow, IndexShelf, ItemIndex
from stream.recommending.list_ranker import ListRanker
from stream.recommending.own_items import Shopper
from stream.recommending.recommended import RecommendationLists, recommended
from stream.recommending.shop_tables import Bounds, ShopHead, ShopOrder, ShopTables
from stream.recommending.sold_counts import part_of_day, times_of_day

BOUNDS = Bounds(2000, 60)
DAY_H = 24


def shop(orders: dict[str, list[list[str]]]) -> tuple[ShopTables, dict[str, Shopper]]:
    """A shop in which each customer places their orders, a day apart."""
    tables, shoppers = ShopTables(ShopHead(), {}, {}, BOUNDS), {name: Shopper() for name in orders}
    for number, (name, baskets) in enumerate(orders.items()):
        for day, items in enumerate(baskets):
            order = ShopOrder(1000 * number + day, day * DAY_H, dict.fromkeys(items, "food"))
            tables.buy(shoppers[name], order)
    return tables, shoppers


def names(lists: RecommendationLists) -> list[list[str]]:
    return [[one.item for one in of] for of in (lists.again, lists.also, lists.goes_with)]


def test_items_of_equal_worth_stand_by_their_names_however_they_were_told() -> None:
    for basket in (["pear", "fig", "apple"], ["apple", "pear", "fig"]):
        tables, shoppers = shop({"ann": [basket]})
        assert names(recommended(shoppers["ann"], tables, DAY_H, 3))[0] == ["apple", "fig", "pear"]


def test_a_pair_that_one_customer_bought_does_not_hide_one_that_many_did() -> None:
    # half of those who bought figs bought honey, but that is one customer; of those with tea a quarter did
    others = {f"c{k}": [["tea"], ["milk"] if k % 4 else ["honey"]] for k in range(20)}
    tables, shoppers = shop({**others, "bob": [["fig"], ["honey"]], "ann": [["fig", "tea"]]})
    lists = recommended(shoppers["ann"], tables, 2 * DAY_H, 5)
    reasons = {one.item: one.reason for one in (*lists.also, *lists.goes_with)}
    assert reasons["honey"].startswith("Bought with tea, or after it, by 5 of 2")


@pytest.mark.parametrize(
    ("days", "asked_on", "reason"),
    [
        ([3], 3, "Bought once, less than a day ago."),
        ([3], 4, "Bought once, 1 day ago."),
        ([3, 3], 3, "Bought in 2 orders, the last less than a day ago."),
        ([0, 1, 2], 2, "Bought in 3 orders, about every 1 day, the last less than a day ago."),
        ([0, 10], 25, "Bought in 2 orders, about every 10 days, the last 15 days ago."),
    ],
)
def test_the_reason_of_an_own_item_says_how_often_and_when(days: list[int], asked_on: int, reason: str) -> None:
    tables, ann = ShopTables(ShopHead(), {}, {}, BOUNDS), Shopper()
    for number, day in enumerate(days):
        tables.buy(ann, ShopOrder(number, day * DAY_H, {"tea": None}))
    (tea,) = recommended(ann, tables, asked_on * DAY_H, 3).again
    assert tea.reason == reason


def test_at_most_three_of_a_category_are_among_the_new_ones() -> None:
    others = {f"c{k}": [["tea"], [f"item-{k % 7}"]] for k in range(70)}
    tables, shoppers = shop({**others, "ann": [["tea"]]})
    assert len(recommended(shoppers["ann"], tables, 2 * DAY_H, 10).also) == 3


class Indexed(NamedTuple):
    """A shop of which nothing changes."""

    tables: ShopTables
    items: ItemIndex
    rows: dict[str, IndexedRow]

    @property
    def rankers(self) -> tuple[ListRanker, ListRanker]:
        return self.tables.rankers

    def shelf_at(self, hour: int) -> IndexShelf:
        head = self.tables.head
        return IndexShelf(
            self.items, self.rows.get, head.popular, times_of_day(head.sold), hour, part_of_day(hour, head.zone)
        )


@pytest.mark.parametrize("seed", range(6))
def test_an_index_of_all_items_changes_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    # more of them than candidates
    items = 60 if seed < 3 else 900
    drawn = {f"c{k}": [[f"i{n}" for n in set(random.zipf(1.3, 6) % items)] for _ in range(4)] for k in range(150)}
    tables, shoppers = shop(drawn)
    rows = {name: IndexedRow(row) for name, row in tables.rows.changed() if row is not None}
    indexed = Indexed(tables, ItemIndex.of(tables.shards.values()), rows)
    for shopper in shoppers.values():
        shopper.items.pop("i3", None)
        lists = recommended(shopper, indexed, 5 * DAY_H, 8, {"i2"})
        assert lists == recommended(shopper, tables, 5 * DAY_H, 8, {"i2"})
        told = [*chain.from_iterable(names(lists))]
        assert "i2" not in told
        assert len({*told}) == len(told)


def test_what_follows_and_is_not_counted_any_more_is_not_offered() -> None:
    tables, shoppers = shop({"ann": [["tea"]], **{f"c{k}": [["tea"], ["honey"], ["milk"]] for k in range(9)}})
    rows = {name: IndexedRow(row) for name, row in tables.rows.changed() if row is not None}
    tables.head.popular.counts.clear()
    for gone, left in (("none", {"honey", "milk"}), ("honey", {"milk"})):
        shards = [shard for shard in tables.shards.values() if gone not in shard.counts.counts]
        lists = recommended(shoppers["ann"], Indexed(tables, ItemIndex.of(shards), rows), 5 * DAY_H, 8)
        assert {one.item for one in lists.also} == left


def test_what_followed_later_than_all_bought_the_item_is_no_share_of_its_buyers() -> None:
    tables, shoppers = ShopTables(ShopHead(), {}, {}, BOUNDS), [Shopper() for _ in range(4)]
    for day, item in ((0, "tea"), (120, "honey")):
        for number, shopper in enumerate(shoppers):
            tables.buy(shopper, ShopOrder(10 * day + number, day * DAY_H, {item: None}))
    newcomer = Shopper()
    tables.buy(newcomer, ShopOrder(9999, 120 * DAY_H, {"tea": None}))
    (offered,) = recommended(newcomer, tables, 120 * DAY_H, 3).also
    assert offered.reason == "Bought with tea, or after it, by 4 customers lately."
