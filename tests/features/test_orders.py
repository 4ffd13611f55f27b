"""Several events about one order: completed again, refunded, cancelled, without an amount."""

from collections.abc import Sequence
from itertools import permutations

import pytest

from stream.events.columns import MONEY_SCALE
from stream.events.kinds import EventKind
from stream.features.apply import APPLIED, DUPLICATE, MAX_MONEY, TOO_MUCH, UNKNOWN_ORDER
from stream.features.profile import MAX_ORDERS, MAX_REFUNDS, PROFILE
from tests.features.lists_of_events import BEGIN, DAY
from tests.features.profiles import Profile
from tests.oracle.event import Event
from tests.oracle.features import Values

AMOUNT = 50_000


def completed(day: float, amount: int | None = AMOUNT, order_id: str = "o") -> Event:
    name = f"completed-{order_id}-{day}-{amount}"
    return Event(name, EventKind.ORDER_COMPLETED, BEGIN + int(day * DAY), order_id, amount)


def refunded(day: float, amount: int | None, order_id: str = "o") -> Event:
    name = f"refunded-{order_id}-{day}-{amount}"
    return Event(name, EventKind.ORDER_REFUNDED, BEGIN + int(day * DAY), order_id, amount)


def cancelled(day: float, order_id: str = "o") -> Event:
    return Event(f"cancelled-{order_id}-{day}", EventKind.ORDER_CANCELLED, BEGIN + int(day * DAY), order_id)


def profile_of(events: Sequence[Event]) -> Profile:
    profile = Profile()
    assert set(profile.apply(events)) == {APPLIED}
    return profile


def figures(profile: Profile) -> tuple[int, int, int]:
    """Orders, their money, what refunds gave back."""
    return profile["orders"], profile["order_spend"], profile["refund_spend"]


def in_any_order(*events: Event) -> Profile:
    """The profile of these events, which is the same in any order and with any steps."""
    found = []
    for some in permutations(events):
        profile, apart = profile_of(some), Profile()
        for event in some:
            apart.apply([event])
            apart.repack()
        assert apart.packed() == profile.packed()
        found.append(profile)
    assert len({profile.packed() for profile in found}) == 1
    return found[0]


def values(profile: Profile, day: float) -> Values:
    return profile.values(BEGIN + int(day * DAY))


def test_an_order_told_twice_is_one_order_on_its_first_day_with_its_newest_amount() -> None:
    profile = in_any_order(completed(0, 70_000), completed(2, 50_000), completed(40, 60_000))
    assert figures(profile) == (1, 60_000, 0)
    assert profile["first_order_at"] == profile["last_order_at"] == BEGIN
    assert profile["order_days"] == 1
    assert values(profile, 40)["days_since_purchase"] == 40.0
    assert values(profile, 40)["spend_28d"] == 0.0
    assert values(profile, 40)["spend_90d"] == 6.0


def test_the_largest_of_several_amounts_with_the_same_time_counts() -> None:
    assert figures(in_any_order(completed(1, 3), completed(1, 7), completed(1, 5)))[1] == 7


def test_an_amount_that_is_told_is_not_lost_by_a_later_event_without_one() -> None:
    profile = in_any_order(completed(0), completed(1, None))
    assert figures(profile) == (1, AMOUNT, 0)
    assert profile["unpriced"] == 0


def test_an_order_of_unknown_amount_counts_as_an_order_and_not_as_money() -> None:
    profile = in_any_order(completed(0, None, "a"), completed(10, 30_000, "b"), completed(20, None, "c"))
    assert figures(profile) == (3, 30_000, 0)
    shown = values(profile, 20)
    assert shown["order_value"] == 3.0
    assert shown["purchase_gap"] == 10.0
    only = in_any_order(completed(0, None))
    assert values(only, 1)["order_value"] is None
    assert values(only, 1)["purchases_total"] == 1


def test_refunds_take_no_more_from_an_order_than_there_is() -> None:
    profile = in_any_order(completed(0), refunded(1, 30_000), refunded(2, 30_000), refunded(3, 1))
    assert figures(profile) == (1, AMOUNT, AMOUNT)
    # the second on its own day, with what the first had left
    assert values(profile, 30)["spend_28d"] == -2.0
    assert values(profile, 30)["spend_90d"] == 0.0


def test_a_refund_larger_than_its_order_leaves_the_money_of_other_orders_alone() -> None:
    profile = in_any_order(completed(0), completed(1, 20_000, "other"), refunded(2, 10**12))
    assert figures(profile) == (2, 70_000, AMOUNT)


def test_a_cancelled_order_counts_for_nothing_and_its_refunds_neither() -> None:
    profile = in_any_order(completed(0), refunded(1, 20_000), cancelled(2), completed(3, 9, "kept"))
    assert figures(profile) == (1, 9, 0)
    assert profile["refunds"] == 0


def test_a_refund_of_an_order_that_is_told_with_another_amount_later_follows_it() -> None:
    assert figures(in_any_order(completed(0, 10_000), refunded(1, 30_000), completed(2, 25_000))) == (1, 25_000, 25_000)


def test_a_refund_without_an_amount_gives_back_all_that_is_left() -> None:
    for refund in (refunded(5, None), refunded(0.5, None)):
        profile = profile_of([completed(0), refunded(1, 20_000), refund])
        assert figures(profile) == (1, AMOUNT, AMOUNT)
    assert figures(profile_of([completed(0, None), refunded(1, None)])) == (1, 0, 0)
    assert figures(profile_of([completed(0), cancelled(1), refunded(2, None)])) == (0, 0, 0)


def test_a_refund_without_an_amount_of_no_known_order_is_refused_and_changes_nothing() -> None:
    profile = profile_of([completed(0)])
    before = profile.packed()
    assert profile.apply([refunded(1, None, "another"), refunded(90.001, None)]) == [UNKNOWN_ORDER] * 2
    assert profile.packed() == before
    # it may come again, after the order
    late = refunded(3, None, "another")
    assert profile.apply([completed(2, 7, "another"), late, late]) == [APPLIED, APPLIED, DUPLICATE]
    assert figures(profile) == (2, AMOUNT + 7, 7)


def test_a_refund_of_an_order_that_is_not_remembered_counts_as_it_was_told() -> None:
    assert figures(profile_of([completed(0), refunded(90.001, 80_000)])) == (1, AMOUNT, 80_000)
    assert figures(profile_of([completed(0), refunded(90, 80_000)])) == (1, AMOUNT, AMOUNT)


def test_an_order_told_again_after_the_retention_is_another_order() -> None:
    assert profile_of([completed(0), completed(90)])["orders"] == 1
    assert profile_of([completed(0), completed(90.001)])["orders"] == 2


def test_a_settled_order_stays_as_it_was_counted() -> None:
    events = [completed(0), refunded(60, 30_000), refunded(61, 30_000), completed(100, 1, "later"), refunded(101, 9)]
    profile = profile_of(events)
    assert figures(profile) == (2, AMOUNT + 1, AMOUNT + 9)
    assert profile["open_refunds"] == 1


def test_refunds_beyond_those_that_are_remembered_settle_their_order() -> None:
    many = [refunded(1 + k / 10, 1) for k in range(MAX_REFUNDS + 1)]
    profile = profile_of([completed(0, 10), completed(0.5, 7, "other"), *many])
    assert figures(profile) == (2, 17, 10)
    assert (profile["open_orders"], profile["open_refunds"]) == (1, 0)
    assert profile_of([*many, completed(5, 10)])["open_refunds"] == MAX_REFUNDS


def test_an_order_older_than_all_of_a_full_memory_is_counted_and_settled_with_its_refunds() -> None:
    orders = [completed(1 + k / 10, 100, f"o-{k}") for k in range(MAX_ORDERS)]
    profile = profile_of([*orders, refunded(0.5, 300, "old"), completed(0, 200, "old")])
    assert figures(profile) == (MAX_ORDERS + 1, 100 * MAX_ORDERS + 200, 200)
    assert (profile["open_orders"], profile["open_refunds"]) == (MAX_ORDERS, 0)
    assert profile["first_order_at"] == BEGIN


@pytest.mark.parametrize("event", [completed(1, 10**13), refunded(1, 10**13, "another")])
def test_money_beyond_what_can_be_counted_is_refused_and_never_wraps(event: Event) -> None:
    profile = profile_of([completed(0)])
    profile.set(order_spend=MAX_MONEY - 10**13 + 1, refund_spend=MAX_MONEY - 10**13 + 1)
    before = profile.packed()
    assert profile.apply([event]) == [TOO_MUCH]
    assert profile.packed() == before
    profile.repack()
    assert profile["order_spend"] == MAX_MONEY - 10**13 + 1


def test_the_bound_of_money_leaves_room_for_the_differences_that_are_stored() -> None:
    assert MAX_MONEY / MONEY_SCALE > 1e14
    assert 2 * MAX_MONEY < 2**62
    assert PROFILE["order_spend"] == "int64"


def test_an_id_counts_per_type() -> None:
    profile = Profile()
    events = [
        Event("17", EventKind.PAGE_VIEWED, BEGIN),
        Event("17", EventKind.EMAIL_OPENED, BEGIN + 1),
        Event("17", EventKind.ORDER_COMPLETED, BEGIN + 2, "o", AMOUNT),
        Event("17", EventKind.ORDER_REFUNDED, BEGIN + 3, "o", AMOUNT),
    ]
    assert profile.apply(events) == [APPLIED, APPLIED, APPLIED, DUPLICATE]
