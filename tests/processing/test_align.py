"""The merged order is a function of the logs."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.events.columns import EVENT
from stream.events.decode import Decoded
from stream.events.rejections import Defect, Rejection
from stream.processing.align import Aligner, Taken

INPUTS = 3


class SourceRecord(NamedTuple):
    """A record of input ``source``; ``time`` is None for one that is rejected."""

    source: int
    offset: int
    time: int | None


Logs = tuple[list[SourceRecord], ...]
Cut = tuple[int, int]


@st.composite
def all_logs(draw: st.DrawFn) -> Logs:
    """A log for each input, with offsets that are missing, rejected records and many equal times."""
    logs = []
    for source in range(INPUTS):
        times = draw(st.lists(st.none() | st.integers(0, 12), max_size=25))
        gaps = draw(st.lists(st.integers(1, 3), min_size=len(times), max_size=len(times)))
        offsets = np.cumsum(gaps).tolist()
        logs.append([SourceRecord(source, offset, time) for offset, time in zip(offsets, times, strict=True)])
    return tuple(logs)


def key_of(logs: Logs) -> dict[SourceRecord, tuple[int, int, int]]:
    """The place of each record in the merged order: (newest time so far, input, offset)."""
    keys = {}
    for log in logs:
        newest = -1
        for entry in log:
            newest = max(newest, -1 if entry.time is None else entry.time)
            keys[entry] = (newest, entry.source, entry.offset)
    return keys


def expected_order(logs: Logs) -> list[SourceRecord]:
    """Events only; rejected records come with the run that they lie in."""
    keys = key_of(logs)
    return [entry for entry in sorted(keys, key=keys.__getitem__) if entry.time is not None]


def push(aligner: Aligner, part: Sequence[SourceRecord]) -> None:
    good = [(position, entry) for position, entry in enumerate(part) if entry.time is not None]
    events = np.zeros(len(good), EVENT)
    events["record"] = [position for position, _ in good]
    events["time"] = [entry.time for _, entry in good]
    rejections = [
        Rejection(position, Defect.NULL_VALUE, "") for position, entry in enumerate(part) if entry.time is None
    ]
    decoded = Decoded([f"customer-{entry.offset}" for _, entry in good], events, rejections, [])
    offsets = np.array([entry.offset for entry in part])
    aligner.push(part[0].source, tuple(part), offsets, part, decoded)


class FedAligner:
    """Pushes logs in pieces, takes in between, and keeps the results."""

    def __init__(self, logs: Logs) -> None:
        self.logs = logs
        self.aligner = Aligner(INPUTS)
        self.pushed = [0] * INPUTS
        self.events: list[SourceRecord] = []
        self.rejected: list[SourceRecord] = []
        self.finished: list[tuple[SourceRecord, ...]] = []
        self.next_offsets = [0] * INPUTS

    def push(self, source: int, count: int) -> None:
        log = self.logs[source]
        part = log[self.pushed[source] : self.pushed[source] + count]
        if part:
            self.pushed[source] += len(part)
            push(self.aligner, part)

    def at_end(self) -> list[bool]:
        return [pushed == len(log) for pushed, log in zip(self.pushed, self.logs, strict=True)]

    def take(self, limit: int) -> Taken | None:
        taken = self.aligner.take(self.at_end(), limit)
        if taken is not None:
            assert 0 < taken.records_in <= limit
            assert [*taken.records] == [self._entry(taken, k) for k in range(len(taken.events))]
            assert taken.customer_ids == [f"customer-{entry.offset}" for entry in taken.records]
            self.events += taken.records
            self.rejected += [record for _, record, _ in taken.rejections]
            assert all(source == record.source for source, record, _ in taken.rejections)
            self.finished += taken.finished
            for source, offset in taken.next_offsets.items():
                assert offset > self.next_offsets[source]
                self.next_offsets[source] = offset
        return taken

    def _entry(self, taken: Taken, k: int) -> SourceRecord:
        record: SourceRecord = taken.records[k]
        return SourceRecord(int(taken.sources[k]), record.offset, int(taken.events["time"][k]))

    def done(self) -> set[SourceRecord]:
        return {*self.events, *self.rejected}

    def finish(self) -> None:
        for source in range(INPUTS):
            self.push(source, 10**6)
        while self.take(7):
            pass


plans = st.lists(
    st.one_of(
        st.tuples(st.integers(0, INPUTS - 1), st.integers(1, 8)),
        st.tuples(st.just(INPUTS), st.integers(1, 12)),
    ),
    max_size=40,
)


def follow(run: FedAligner, plan: list[Cut]) -> None:
    for source, size in plan:
        if source < INPUTS:
            run.push(source, size)
        else:
            run.take(size)


@given(all_logs(), plans)
@settings(max_examples=300, deadline=None)
def test_every_record_is_taken_once_and_in_the_same_order_however_it_arrives(logs: Logs, plan: list[Cut]) -> None:
    run = FedAligner(logs)
    follow(run, plan)
    run.finish()
    assert run.events == expected_order(logs)
    everything = [entry for log in logs for entry in log]
    assert sorted(run.rejected) == sorted(entry for entry in everything if entry.time is None)
    assert sorted(entry for batch in run.finished for entry in batch) == sorted(everything)
    assert run.next_offsets == [log[-1].offset + 1 if log else 0 for log in logs]
    assert [run.aligner.buffered(source) for source in range(INPUTS)] == [0] * INPUTS


@given(all_logs(), plans)
@settings(max_examples=200, deadline=None)
def test_no_record_is_taken_before_earlier_ones_that_an_input_may_still_bring(logs: Logs, plan: list[Cut]) -> None:
    run, keys = FedAligner(logs), key_of(logs)
    follow(run, plan)
    to_come = [keys[entry] for log, pushed in zip(logs, run.pushed, strict=True) for entry in log[pushed:]]
    assert all(keys[entry] < key for entry in run.done() for key in to_come)


@given(all_logs(), plans)
@settings(max_examples=200, deadline=None)
def test_next_offsets_separate_taken_records_from_the_rest(logs: Logs, plan: list[Cut]) -> None:
    run = FedAligner(logs)
    follow(run, plan)
    for source, log in enumerate(logs):
        done = [entry for entry in log if entry in run.done()]
        assert done == [entry for entry in log if entry.offset < run.next_offsets[source]]
        left = [entry for entry in log[: run.pushed[source]] if entry not in run.done()]
        assert run.aligner.buffered(source) == len(left)
        assert all(
            any(entry in batch for entry in left) == (batch not in run.finished) for batch in pushed(run, source)
        )


def pushed(run: FedAligner, source: int) -> list[tuple[SourceRecord, ...]]:
    """Batches of an input that were pushed; those not finished come out of `clear`."""
    finished = [batch for batch in run.finished if batch[0].source == source]
    copy = [chunk.batch for chunk in run.aligner._chunks[source]]
    return finished + copy


@given(all_logs(), plans, plans)
@settings(max_examples=200, deadline=None)
def test_a_restart_from_the_next_offsets_goes_on_in_the_same_order(
    logs: Logs, before: list[Cut], after: list[Cut]
) -> None:
    first = FedAligner(logs)
    follow(first, before)
    rest = tuple(
        [entry for entry in log if entry.offset >= first.next_offsets[source]] for source, log in enumerate(logs)
    )
    second = FedAligner(rest)
    follow(second, after)
    second.finish()
    assert [*first.events, *second.events] == expected_order(logs)


@given(all_logs(), plans)
def test_clearing_gives_back_the_batches_that_are_not_finished(logs: Logs, plan: list[Cut]) -> None:
    run = FedAligner(logs)
    follow(run, plan)
    unfinished = [batch for source in range(INPUTS) for batch in pushed(run, source) if batch not in run.finished]
    assert run.aligner.clear() == unfinished
    assert run.aligner.take([True] * INPUTS, 10) is None
    assert run.aligner.waiting_for([False] * INPUTS) == []


def test_an_empty_input_holds_back_the_others_until_it_is_at_its_end() -> None:
    aligner = Aligner(INPUTS)
    push(aligner, [SourceRecord(1, 0, 5)])
    assert aligner.take([False, True, True], 10) is None
    assert aligner.waiting_for([False, True, True]) == [0]
    assert aligner.waiting_for([True, True, True]) == []
    taken = aligner.take([True, True, True], 10)
    assert taken is not None
    assert [*taken.records] == [SourceRecord(1, 0, 5)]


def test_at_equal_times_the_earlier_input_goes_first_even_if_it_may_bring_more() -> None:
    aligner = Aligner(INPUTS)
    push(aligner, [SourceRecord(0, 0, 5)])
    push(aligner, [SourceRecord(1, 0, 5)])
    push(aligner, [SourceRecord(2, 0, 4)])
    taken = aligner.take([False, False, True], 10)
    assert taken is not None
    # input 0 may bring another record of time 5, which would come before that of input 1
    assert [*taken.records] == [SourceRecord(2, 0, 4), SourceRecord(0, 0, 5)]
