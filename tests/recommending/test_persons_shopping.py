"""What a person buys under several ids, against the same orders under one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.recommending.own_items import MAX_ITEMS, MAX_ORDERS, Shopper
from stream.recommending.persons_shopping import as_one

#: Hour, items, and under which of three ids.
orders = st.lists(
    st.tuples(st.integers(0, 5000), st.lists(st.sampled_from("abcde"), min_size=1, unique=True), st.integers(0, 2)),
    max_size=MAX_ORDERS,
    unique_by=lambda order: order[0],
)


@given(orders, st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 2)), max_size=4))
def test_it_is_as_if_all_had_come_under_one_id(
    told: list[tuple[int, list[str], int]], refused: list[tuple[str, int]]
) -> None:
    one, several = Shopper(), [Shopper() for _ in range(3)]
    for number, (hour, items, own_id) in enumerate(sorted(told)):
        one.buy(number, hour, items)
        several[own_id].buy(number, hour, items)
    for item, own_id in refused:
        one.refuse(item)
        several[own_id].refuse(item)
    found = as_one(several)
    assert found.orders == one.orders
    assert found.refused == one.refused
    assert found.items.keys() == one.items.keys()
    for name, own in found.items.items():
        expected = one.items[name]
        assert (own.first, own.last, own.orders) == (expected.first, expected.last, expected.orders)
        # weights are rounded under each id
        assert own.weight == pytest.approx(expected.weight, abs=0.001)
    assert [found.items[name].last for name in found.items] == sorted(own.last for own in found.items.values())


def test_the_newest_items_of_all_ids_are_kept() -> None:
    some, others = Shopper(), Shopper()
    some.buy(1, 10, [f"a{n}" for n in range(MAX_ITEMS)])
    others.buy(2, 20, [f"b{n}" for n in range(MAX_ITEMS // 2)])
    found = as_one([some, others])
    assert len(found.items) == MAX_ITEMS
    assert {f"b{n}" for n in range(MAX_ITEMS // 2)} < found.items.keys()
    assert len(some.items) == MAX_ITEMS
    assert as_one([Shopper(), others]) is others
    assert as_one([]) == Shopper()
