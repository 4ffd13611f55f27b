"""Own items against their definition, and orders that are returned."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.recommending.own_items import MAX_ITEMS, OWN_HALF_LIFE_H, Shopper

orders = st.lists(
    st.tuples(st.integers(0, 5000), st.lists(st.sampled_from("abcde"), min_size=1, unique=True)), max_size=7
)


@given(orders)
def test_an_item_has_the_sum_of_its_faded_orders_and_the_mean_gap(told: list[tuple[int, list[str]]]) -> None:
    shopper = Shopper()
    for number, (hour, items) in enumerate(told):
        shopper.buy(number, hour, items)
    for name, own in shopper.items.items():
        hours = [hour for hour, items in told if name in items]
        assert (own.first, own.last, own.orders) == (min(hours), max(hours), len(hours))
        worth = sum(0.5 ** ((max(hours) - hour) / OWN_HALF_LIFE_H) for hour in hours)
        assert own.weight == pytest.approx(worth, abs=0.001)
        if own.gap_h is not None:
            assert own.gap_h == pytest.approx((max(hours) - min(hours)) / (len(hours) - 1))


@given(orders, st.lists(st.sampled_from("abcdef"), min_size=1, unique=True))
def test_an_order_that_is_cancelled_leaves_what_was_before(told: list[tuple[int, list[str]]], items: list[str]) -> None:
    shopper = Shopper()
    for number, (hour, bought) in enumerate(sorted(told)):
        shopper.buy(number, hour, bought)
    before = msgspec.convert(msgspec.to_builtins(shopper), Shopper)
    firsts = shopper.buy(99, 6000, items)
    found = shopper.take_back(99)
    assert found is not None
    assert sorted(found.gone) == sorted(firsts)
    assert set(shopper.items) == set(before.items)
    for name, own in shopper.items.items():
        was = before.items[name]
        assert (own.first, own.last, own.orders) == (was.first, was.last, was.orders)
        assert own.weight == pytest.approx(was.weight, abs=0.001)
    again = shopper.take_back(99)
    assert again is not None
    assert again.returned == []


def test_some_items_of_an_order_may_be_returned() -> None:
    shopper = Shopper()
    shopper.buy(1, 10, ["tea", "milk"])
    shopper.buy(2, 30, ["tea", "bread"])
    found = shopper.take_back(2, ["tea", "sugar"])
    assert found is not None
    assert (found.returned, found.gone) == (["tea"], {})
    assert sorted(shopper.items) == ["bread", "milk", "tea"]
    assert (shopper.items["tea"].last, shopper.items["tea"].orders) == (10, 1)
    assert shopper.take_back(7) is None


def test_only_the_items_bought_last_are_kept() -> None:
    shopper = Shopper()
    for number in range(MAX_ITEMS + 5):
        shopper.buy(number, number, [f"i{number}"])
    assert len(shopper.items) == MAX_ITEMS
    assert shopper.latest(2) == [f"i{MAX_ITEMS + 4}", f"i{MAX_ITEMS + 3}"]
    assert "i4" not in shopper.items
