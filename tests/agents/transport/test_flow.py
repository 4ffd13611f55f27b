"""Cutting fetches into batches, holding partitions, and when the fetch loop is woken."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.agents.transport import TP, BatchFlow, TransportOptions
from stream.errors import SettingsError, StreamError

CLICK = TP("click", 0)


@dataclass(frozen=True)
class Numbered:
    offset: int
    timestamp: int = 0
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class Time:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def make_flow(*, batch_max_records: int = 3, queued_batches: int = 2) -> tuple[BatchFlow, Time, list[str]]:
    time, wakes = Time(), list[str]()
    flow = BatchFlow(batch_max_records=batch_max_records, queued_batches=queued_batches, monotonic=time)
    flow.wake = lambda: wakes.append("wake")
    return flow, time, wakes


@given(
    offsets=st.sets(st.integers(100, 200), max_size=60),
    size=st.integers(1, 20),
    markers=st.integers(0, 3),
)
def test_batches_cover_a_fetch_without_holes_also_where_offsets_have_no_record(
    offsets: set[int], size: int, markers: int
) -> None:
    flow, _, _ = make_flow(batch_max_records=size)
    records = [Numbered(offset) for offset in sorted(offsets)]
    end = max(offsets, default=100) + 1 + markers
    lease = flow.open(CLICK, 100)
    batches = flow.batches(CLICK, lease, 100, end, records)

    assert [record for batch in batches for record in batch] == records
    assert all(1 <= len(batch) <= size for batch in batches)
    assert all(batch.last_offset < batch.next_offset for batch in batches)
    assert flow.ledger.fetched_to(CLICK) == end
    for batch in batches:
        assert batch.ack()
    assert flow.ledger.committable(CLICK) == end


def test_a_fetch_with_markers_only_is_done_at_once() -> None:
    flow, _, _ = make_flow()
    lease = flow.open(CLICK, 5)
    assert flow.batches(CLICK, lease, 5, 6, []) == []
    assert (flow.ledger.committable(CLICK), flow.ledger.received_to(CLICK)) == (6, 6)


def test_a_partition_is_wanted_until_enough_batches_wait_and_again_when_one_is_received() -> None:
    flow, _, wakes = make_flow(queued_batches=2)
    assert not flow.wants(CLICK)
    lease = flow.open(CLICK, 0)
    assert flow.wants(CLICK)
    first, second, third = flow.batches(CLICK, lease, 0, 9, [Numbered(offset) for offset in range(9)])

    assert not flow.wants(CLICK)
    first.receive()
    assert (flow.wants(CLICK), wakes) == (False, [])
    second.receive()
    assert (flow.wants(CLICK), wakes) == (True, ["wake"])
    third.receive()
    assert wakes == ["wake"], "woken only when it matters"


def test_a_held_partition_is_not_wanted_until_its_release_which_wakes() -> None:
    flow, _, wakes = make_flow()
    flow.open(CLICK, 0)
    flow.hold(CLICK)
    assert (flow.wants(CLICK), flow.is_held(CLICK)) == (False, True)
    flow.release(CLICK)
    assert (flow.wants(CLICK), wakes) == (True, ["wake"])


@pytest.mark.parametrize("begin_anew", [lambda flow: flow.open(CLICK, 0), lambda flow: flow.close(CLICK)])
def test_a_hold_ends_with_the_lease(begin_anew: Callable[[BatchFlow], object]) -> None:
    flow, _, _ = make_flow()
    flow.open(CLICK, 0)
    flow.hold(CLICK)
    begin_anew(flow)
    assert not flow.is_held(CLICK)


def test_batches_of_an_ended_lease_are_neither_current_nor_acked() -> None:
    flow, _, _ = make_flow()
    (batch,) = flow.batches(CLICK, flow.open(CLICK, 0), 0, 1, [Numbered(0)])
    assert batch.is_current
    flow.open(CLICK, 0)
    assert (batch.is_current, batch.receive(), batch.ack()) == (False, False, False)


def test_a_batch_that_did_not_come_is_noticed_at_the_next_one() -> None:
    flow, _, _ = make_flow()
    first, _, third = flow.batches(CLICK, flow.open(CLICK, 0), 0, 9, [Numbered(offset) for offset in range(9)])
    first.receive()
    with pytest.raises(StreamError, match=r"expected the batch from offset 3 on, got \[6, 9\)"):
        third.receive()


def test_progress_tells_when_something_was_polled_and_acked() -> None:
    flow, time, _ = make_flow()
    time.now_s = 1.0
    flow.polled()
    time.now_s = 2.0
    (batch,) = flow.batches(CLICK, flow.open(CLICK, 0), 0, 1, [Numbered(0)])
    time.now_s = 3.0
    batch.ack()
    time.now_s = 4.0
    batch.ack()
    progress = flow.progress
    assert (progress.polled_at_s, progress.acked_at_s) == (1.0, 3.0)


@pytest.mark.parametrize("wrong", [{"batch_max_records": 0}, {"poll_s": 0.0}, {"queued_batches": -1}])
def test_impossible_options_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        TransportOptions(**wrong)  # type: ignore[arg-type]  # what is wrong with them is the point
