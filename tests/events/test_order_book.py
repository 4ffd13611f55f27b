"""Orders and refunds of a whole log, counted as the kernel counts them."""

from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.events.kinds import EventKind
from stream.events.order_book import OrderBook
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
