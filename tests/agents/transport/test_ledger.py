"""Laws of the slot ledger, checked against a plain list of slots in fetch order."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.agents.transport import TP, Slot, SlotLedger
from stream.errors import StreamError

CLICK, EMAIL = TP("click", 0), TP("email", 0)

lengths = st.lists(st.integers(min_value=1, max_value=5_000), min_size=1, max_size=30)
starts = st.integers(min_value=0, max_value=10**12)


def filled(start: int, sizes: list[int], tp: TP = CLICK) -> tuple[SlotLedger, list[Slot]]:
    ledger = SlotLedger()
    lease = ledger.open(tp, start)
    slots = []
    for size in sizes:
        slots.append(ledger.append(tp, lease, start, start + size))
        start += size
    return ledger, slots


def prefix_end(start: int, slots: list[Slot], is_in: Callable[[Slot], bool]) -> int:
    end = start
    for slot in slots:
        if not is_in(slot):
            break
        end = slot.end
    return end


@given(starts, lengths, st.data())
def test_committable_is_the_end_of_the_longest_done_prefix_after_every_ack(
    start: int, sizes: list[int], data: st.DataObject
) -> None:
    ledger, slots = filled(start, sizes)
    order = data.draw(st.permutations(slots))
    for slot in order[: data.draw(st.integers(0, len(order)))]:
        assert ledger.ack(slot)
        assert ledger.committable(CLICK) == prefix_end(start, slots, lambda slot: slot.done)


@given(starts, lengths, st.randoms(use_true_random=False))
def test_when_all_slots_are_acked_in_any_order_the_end_is_committable(
    start: int, sizes: list[int], rng: random.Random
) -> None:
    ledger, slots = filled(start, sizes)
    shuffled = [*slots]
    rng.shuffle(shuffled)
    for slot in shuffled:
        ledger.ack(slot)
    assert ledger.committable(CLICK) == ledger.fetched_to(CLICK) == start + sum(sizes)


@given(starts, lengths, st.data())
def test_received_to_is_the_end_of_the_longest_received_prefix(
    start: int, sizes: list[int], data: st.DataObject
) -> None:
    ledger, slots = filled(start, sizes)
    for slot in data.draw(st.lists(st.sampled_from(slots), unique_by=id)):
        ledger.receive(slot)
        assert ledger.received_to(CLICK) == prefix_end(start, slots, lambda slot: slot.received)
        assert ledger.committable(CLICK) == start


@given(starts, lengths, starts)
def test_a_new_lease_forgets_every_slot_before_it(start: int, sizes: list[int], again_at: int) -> None:
    ledger, slots = filled(start, sizes)
    old = ledger.lease(CLICK)
    new = ledger.open(CLICK, again_at)

    assert new != old
    assert not any(ledger.is_current(slot) for slot in slots)
    assert not any(ledger.ack(slot) for slot in slots)
    assert not any(ledger.receive(slot) for slot in slots)
    assert ledger.committable(CLICK) == ledger.received_to(CLICK) == ledger.fetched_to(CLICK) == again_at


def test_slots_are_told_apart_by_identity_not_by_offsets() -> None:
    ledger, (old,) = filled(0, [10])
    again = ledger.append(CLICK, ledger.open(CLICK, 0), 0, 10)

    assert not ledger.ack(old)
    assert ledger.committable(CLICK) == 0
    assert ledger.ack(again)
    assert ledger.committable(CLICK) == 10


def test_an_ack_counts_once() -> None:
    ledger, (slot,) = filled(0, [10])
    assert (ledger.ack(slot), ledger.ack(slot)) == (True, False)


def test_partitions_do_not_wait_for_each_other() -> None:
    ledger, (first, second) = filled(0, [10, 10])
    other = ledger.append(EMAIL, ledger.open(EMAIL, 7), 7, 9)
    ledger.ack(second)
    ledger.ack(other)

    assert (ledger.committable(CLICK), ledger.committable(EMAIL)) == (0, 9)
    ledger.close(EMAIL)
    assert (ledger.committable(EMAIL), ledger.lease(EMAIL), list(ledger)) == (None, None, [CLICK])
    assert ledger.ack(first)


@pytest.mark.parametrize(("start", "end"), [(11, 20), (9, 20), (10, 10)])
def test_a_hole_between_slots_is_an_error(start: int, end: int) -> None:
    ledger, _ = filled(0, [10])
    lease = ledger.lease(CLICK)
    assert lease is not None
    with pytest.raises(StreamError, match="expected records from offset 10 on"):
        ledger.append(CLICK, lease, start, end)


def test_records_of_an_ended_lease_are_refused() -> None:
    ledger, _ = filled(0, [10])
    old = ledger.lease(CLICK)
    assert old is not None
    ledger.open(CLICK, 10)
    with pytest.raises(StreamError, match="drop them"):
        ledger.append(CLICK, old, 10, 20)
