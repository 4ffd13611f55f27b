"""What is remembered of a customer's offers and orders, and what came of them in money."""

import pytest

from stream.catalogue.windows import DAY_MS
from stream.events.columns import MONEY_SCALE
from stream.offering.offer_records import OfferDecision
from stream.offering.offered import MAX_DECISIONS, MAX_ORDERS, Came, Made, OrderTold, came_of, forget_old, made_of
from stream.offering.uplift import WHOLE, WORTH

AT_MS = 1_700_000_000_000


def made(at_ms: int) -> Made:
    return Made(
        at_ms=at_ms,
        until_ms=at_ms + 1,
        offer="call",
        drawn="call",
        held_out=False,
        context=[64],
        contrast={},
        worth=1,
        margin=1,
        cost=0,
        discount=0,
        gain=0,
    )


def test_the_newest_decisions_and_orders_are_kept() -> None:
    decisions = {f"d-{k}": made(k) for k in reversed(range(MAX_DECISIONS + 3))}
    # an order of which only a refund was told yet has no time, and is forgotten first
    bought = {f"o-{k}": OrderTold(at_ms=k + 1) for k in range(MAX_ORDERS + 1)} | {"unknown": OrderTold()}
    forget_old(decisions, bought)
    assert {*decisions} == {f"d-{k}" for k in range(3, MAX_DECISIONS + 3)}
    assert {*bought} == {f"o-{k}" for k in range(1, MAX_ORDERS + 1)}


def decided(offer: str | None, order_value: float, discount: float) -> OfferDecision:
    return OfferDecision(
        decision_id="0" * 64,
        customer_id="c-1",
        offer=offer,
        channel="email",
        drawn=offer or "nothing",
        held_out=False,
        propensities={"ten-off": WHOLE // 2, "nothing": WHOLE // 2},
        context=[64],
        order_value=order_value,
        margin=0.4,
        cost=2.0,
        discount=discount,
        expected_gain=1.5,
        why="because",
        window_days=7.0,
        decided_at=AT_MS / 1000,
    )


@pytest.mark.parametrize(
    ("order_value", "discount", "worth"),
    [(50.0, 10.0, 0.8), (50.0, 0.0, 1.0), (10.0, 15.0, -0.5), (10.0, 90.0, -1.0), (0.0, 0.0, 0.0)],
)
def test_an_order_is_worth_what_the_discount_leaves_of_it(order_value: float, discount: float, worth: float) -> None:
    made = made_of(decided("ten-off", order_value, discount))
    assert made.worth == round(WORTH * worth)
    assert (made.at_ms, made.until_ms) == (AT_MS, AT_MS + 7 * DAY_MS)
    assert (made.cost, made.discount, made.gain) == (2 * MONEY_SCALE, round(discount * MONEY_SCALE), 150)
    nothing = made_of(decided(None, order_value, discount))
    assert (nothing.worth, nothing.cost, nothing.discount) == (WORTH, 0, 0)


@pytest.mark.parametrize(
    ("after_ms", "profit"),
    # a margin of 40 % of 30.00, less 2.00 and 10.00; or the cost alone
    [(0, -200), (1, 0), (7 * DAY_MS, 0), (7 * DAY_MS + 1, -200)],
)
def test_an_order_counts_after_the_decision_until_its_window_is_over(after_ms: int, profit: int) -> None:
    made = made_of(decided("ten-off", 50.0, 10.0))
    order = OrderTold(at_ms=AT_MS + after_ms, amount=30 * MONEY_SCALE)
    found = came_of({"d": made}, {"o": order})
    assert found == {"d": Came(made.worth if profit == 0 else 0, profit, is_first=True)}
