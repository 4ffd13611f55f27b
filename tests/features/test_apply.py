"""Duplicates, events that come too late, and cancellations, also across and beyond the retention."""

from collections.abc import Callable, Sequence

import pytest

from stream.events.kinds import EventKind
from stream.features.apply import APPLIED, DUPLICATE, TOO_LATE
from stream.features.profile import MAX_IDS, MAX_ORDERS
from tests.features.lists_of_events import BEGIN, DAY
from tests.features.profiles import Profile
from tests.oracle.event import Event

Folder = Callable[[Sequence[Event]], tuple[list[int], Profile]]


def at_once(events: Sequence[Event]) -> tuple[list[int], Profile]:
    profile = Profile()
    return profile.apply(events), profile


def one_step_each(events: Sequence[Event]) -> tuple[list[int], Profile]:
    profile = Profile()
    outcomes = []
    for event in events:
        outcomes += profile.apply([event])
        profile.repack()
    return outcomes, profile


@pytest.fixture(params=[at_once, one_step_each])
def fold(request: pytest.FixtureRequest) -> Folder:
    """Where batches end must not matter."""
    folder: Folder = request.param
    return folder


def view(name: str, days: float) -> Event:
    return Event(name, EventKind.PAGE_VIEWED, BEGIN + int(days * DAY))


def order(order_id: str, days: float, amount: int = 50_000) -> Event:
    return Event(f"buy-{order_id}-{days}", EventKind.ORDER_COMPLETED, BEGIN + int(days * DAY), order_id, amount)


def cancel(order_id: str, days: float) -> Event:
    return Event(f"cancel-{order_id}-{days}", EventKind.ORDER_CANCELLED, BEGIN + int(days * DAY), order_id)


def test_a_repeat_within_the_retention_is_a_duplicate(fold: Folder) -> None:
    outcomes, _ = fold([view("a", 0), view("b", 90), view("a", 0)])
    assert outcomes == [APPLIED, APPLIED, DUPLICATE]


def test_a_repeat_older_than_the_retention_comes_too_late(fold: Folder) -> None:
    outcomes, profile = fold([view("a", 0), view("b", 90.001), view("a", 0)])
    assert outcomes == [APPLIED, APPLIED, TOO_LATE]
    assert profile["events"] == 2


def test_an_event_that_can_not_be_checked_for_duplicates_comes_too_late(fold: Folder) -> None:
    many = [view(f"view-{k}", k / 100) for k in range(MAX_IDS + 5)]
    outcomes, profile = fold([*many, view("late", 0.03), view("view-3", 0.03), view("view-900", 9), view("new", 0.06)])
    assert outcomes[-4:] == [TOO_LATE, TOO_LATE, DUPLICATE, APPLIED]
    assert profile["events"] == MAX_IDS + 6


def test_of_events_of_the_same_second_the_same_are_remembered_however_steps_were_cut() -> None:
    crowd = [view(f"crowd-{k}", 0) for k in range(MAX_IDS)]
    rush = [view(f"later-{k}", 1) for k in range(100)]
    again = crowd[::-1]
    (together, first), (apart, second) = at_once([*crowd, *rush, *again]), one_step_each([*crowd, *rush, *again])
    assert together == apart
    assert first.packed() == second.packed()
    assert {DUPLICATE, TOO_LATE} == set(together[len(crowd) + len(rush) :])


def test_ids_that_the_retention_left_behind_leave_no_trace(fold: Folder) -> None:
    crowd = [view(f"crowd-{k}", 0) for k in range(MAX_IDS - 1)]
    later = [view("later", 100), view("one more", 100), view("old but valid", 20)]
    outcomes, profile = fold([*crowd, *later])
    assert outcomes[-3:] == [APPLIED] * 3
    # packed before the memory was full, so nothing was crowded out
    assert profile.packed() == one_step_each([*crowd, *later])[1].packed()


def test_a_cancelled_order_counts_for_nothing_whichever_comes_first(fold: Folder) -> None:
    _, after = fold([order("kept", 0), order("gone", 3), cancel("gone", 4)])
    _, before = fold([order("kept", 0), cancel("gone", 4), order("gone", 3)])
    assert after.packed() == before.packed()
    assert (after["orders"], after["order_spend"], after["last_order_at"]) == (1, 50_000, BEGIN)


def test_an_order_older_than_the_retention_can_not_be_cancelled(fold: Folder) -> None:
    _, kept = fold([order("old", 0), cancel("old", 90.001)])
    _, retracted = fold([order("old", 0), cancel("old", 90)])
    assert (kept["orders"], retracted["orders"]) == (1, 0)


def test_a_cancellation_older_than_the_retention_is_forgotten(fold: Folder) -> None:
    _, counted = fold([cancel("reused", 0), order("reused", 90.001)])
    _, refused = fold([cancel("reused", 0), order("reused", 90)])
    assert (counted["orders"], refused["orders"]) == (1, 0)


def test_the_last_orders_of_many_can_be_cancelled_and_the_oldest_stay_counted(fold: Folder) -> None:
    orders = [order(f"o-{k}", k / 10) for k in range(MAX_ORDERS + 6)]
    _, profile = fold([*orders, cancel("o-2", 20), cancel(f"o-{MAX_ORDERS + 5}", 20)])
    assert profile["orders"] == MAX_ORDERS + 5
    assert profile["first_order_at"] == BEGIN
    assert profile["last_order_at"] == orders[-2].at


def test_of_orders_of_the_same_time_the_same_can_be_cancelled_however_steps_were_cut() -> None:
    orders = [order(f"o-{k}", 0, 10_000 + k) for k in range(MAX_ORDERS)]
    events = [*orders, order("later", 1), *[cancel(f"o-{k}", 2) for k in range(16)]]
    assert at_once(events)[1].packed() == one_step_each(events)[1].packed()


def test_two_orders_of_one_id_and_time_leave_no_trace_of_their_order() -> None:
    twins = [Event(f"twin-{k}", EventKind.ORDER_COMPLETED, BEGIN, "same", amount) for k, amount in enumerate((7, 3))]
    assert at_once(twins)[1].packed() == at_once(twins[::-1])[1].packed()
