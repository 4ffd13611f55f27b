"""The three lists of a customer: their order, and the words beside each item."""

from itertools import chain

import numpy as np
import pytest

from stream.recommending.item_shards import ItemIndex
from stream.recommending.own_items import Shopper
from stream.recommending.recommended import RecommendationLists, recommended
from stream.recommending.shop_tables import Bounds, ShopHead, ShopOrder, ShopTables

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


@pytest.mark.parametrize("seed", range(3))
def test_an_index_of_all_items_changes_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    drawn = {f"c{k}": [[f"i{n}" for n in set(random.zipf(1.5, 6) % 60)] for _ in range(4)] for k in range(60)}
    tables, shoppers = shop(drawn)
    rows = {name: row for name, row in tables.rows.changed() if row is not None}
    index = ItemIndex.of(tables.shards.values())
    assert set(index.names.values()) == {*index.places}
    for shopper in shoppers.values():
        shopper.items.pop("i3", None)
        indexed = ShopTables(tables.head, rows, dict(tables.shards), BOUNDS, index)
        lists = recommended(shopper, indexed, 5 * DAY_H, 8, {"i2"})
        assert lists == recommended(shopper, ShopTables(tables.head, rows, tables.shards, BOUNDS), 5 * DAY_H, 8, {"i2"})
        told = [*chain.from_iterable(names(lists))]
        assert "i2" not in told
        assert len({*told}) == len(told)
