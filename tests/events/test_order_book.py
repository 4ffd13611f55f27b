"""Orders and refunds of a whole log, counted as the kernel counts them."""

from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.events.columns import MONEY_SCALE
from stream.events.kinds import EventKind
from stream.events.order_book import Bought, OrderBook, Purchase
from tests.features.lists_of_events import event_lists
from tests.features.profiles import Profile, columns
from tests.oracle.event import Event, survivors


@given(event_lists(), st.randoms())
@settings(max_examples=200, deadline=None)
def test_it_adds_up_to_what_a_profile_counts_and_the_oracle_lists(events: list[Event], random: Random) -> None:
    purchases = [event for event in events if event.kind >= EventKind.ORDER_COMPLETED]
    profile = Profile()
    profile.apply(purchases)
    shuffled = [*purchases, *purchases[:3]]
    random.shuffle(shuffled)
    book = OrderBook()
    for some in (shuffled[:5], shuffled[5:]):
        book.add(["c"] * len(some), columns(some))
    found = book.purchases().get("c", [])
    assert found == sorted(found)
    orders = [purchase for purchase in found if purchase.is_order]
    assert len(orders) == profile["orders"]
    assert sum(purchase.amount for purchase in orders) == profile["order_spend"]
    assert -sum(purchase.amount for purchase in found if not purchase.is_order) == profile["refund_spend"]
    assert sorted((purchase.at_ms, abs(purchase.amount)) for purchase in found) == sorted(
        (event.at, event.amount or 0) for event in survivors(purchases) if event.kind < EventKind.ORDER_CANCELLED
    )


def test_it_keeps_customers_apart() -> None:
    book = OrderBook()
    assert book.purchases() == {}
    book.add([], np.zeros(0, columns([]).dtype))
    assert book.purchases() == {}


_PURCHASES = st.lists(st.builds(Purchase, st.integers(0, 50), st.integers(-(10**12), 10**12), st.booleans()))


@given(st.lists(_PURCHASES.map(sorted), max_size=5), st.integers(-5, 55), st.integers(-5, 55))
def test_counts_between_two_times_are_differences_of_running_sums(
    customers: list[list[Purchase]], begin: int, end: int
) -> None:
    orders, spend = Bought.of(customers).between(begin, end)
    assert len(orders) == len(spend) == len(customers)
    for row, found in enumerate(customers):
        sums = {}
        for bound in (begin, end):
            before = [one for one in found if one.at_ms < bound]
            money = 0.0
            for one in before:
                money += one.amount / MONEY_SCALE
            sums[bound] = sum(one.is_order for one in before), money
        assert orders[row] == sums[end][0] - sums[begin][0]
        assert spend[row] == sums[end][1] - sums[begin][1]
