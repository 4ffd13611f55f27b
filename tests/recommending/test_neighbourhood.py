"""What goes with own items is a weighted mean over them: of a small table, against NumPy."""

import numpy as np
import pytest

from stream.recommending.candidates import ANTECEDENTS, together_with
from stream.recommending.own_items import Shopper
from stream.recommending.recommended import recommended
from stream.recommending.shop_tables import Bounds, ShopHead, ShopOrder, ShopTables

#: How often each of five customers ordered each of five items; 0: never.
ORDERED = np.array([[4, 1, 3, 0, 2], [1, 0, 2, 1, 0], [0, 1, 1, 3, 1], [1, 1, 0, 0, 1], [2, 0, 1, 1, 0]])
ITEMS = [f"item-{k}" for k in range(1, 6)]
HOUR = 1000
SHRINKAGE = 30.0


def shop() -> tuple[ShopTables, Shopper]:
    """The tables, and the first customer, who ordered last. All orders are of one hour, so nothing has faded."""
    tables = ShopTables(ShopHead(), {}, {}, Bounds(100, 10))
    shopper = Shopper()
    for customer, often in reversed([*enumerate(ORDERED.tolist())]):
        shopper = Shopper()
        for number in range(max(often)):
            items = [item for item, orders in zip(ITEMS, often, strict=True) if orders > number]
            tables.buy(shopper, ShopOrder(10 * customer + number, HOUR, dict.fromkeys(items)))
    return tables, shopper


def test_only_the_item_that_was_never_ordered_is_new_to_the_customer() -> None:
    tables, shopper = shop()
    found = recommended(shopper, tables, HOUR, 10)
    assert {one.item for one in found.again} == {*ITEMS} - {"item-4"}
    assert [one.item for one in found.also] == ["item-4"]


def test_what_goes_with_it_is_the_weighted_mean_over_the_four_own_items() -> None:
    tables, shopper = shop()
    shelf, latest = tables.shelf_at(HOUR), shopper.latest(ANTECEDENTS)
    found = together_with(shopper, latest, shelf.beside(latest), shelf, HOUR)
    owned = ORDERED > 0
    both = owned.T.astype(int) @ owned.astype(int)
    own, new = np.flatnonzero(owned[0]), np.flatnonzero(~owned[0])
    shares = both[own, new] / (both[own, own] + SHRINKAGE)
    wanted = np.average(shares, weights=np.sqrt(ORDERED[0, own]))
    assert len(own) == 4
    assert found.share_of(shelf.handles(["item-4"])) == pytest.approx([wanted])
    assert found.largest_of(shelf.handles(["item-4"])) == pytest.approx([shares.max()])
