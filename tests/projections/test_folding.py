"""A projection is a fold: with any steps and losses its states are the same."""

from collections.abc import Sequence

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import CodecError, StorageError, SystematicError
from stream.processing.isolation import MAX_ISOLATED
from stream.processing.state import Outgoing
from stream.projections.folding import Part
from tests.oracle.record import Record
from tests.projections.adding import Adding, record
from tests.projections.stepping import SteppedPartition, part_of


class FoldingStore:
    """Keeps what the real store does: states, offsets, and records to publish."""

    def __init__(self, cache: int = 100) -> None:
        self._own = SteppedPartition(Adding(), cache=cache)
        self.partition, self.stored = self._own.partition, self._own.stored
        self.published: list[Outgoing] = []

    def step(self, records: Sequence[Record], *, lost: bool = False) -> None:
        outcome = self._own.step(part_of(0, records), lost=lost)
        if not lost:
            self.published += outcome.outgoing


logs = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([-3, -1, 1, 2, 10, 13])), min_size=1, max_size=30)


@given(logs, st.lists(st.integers(1, 8), max_size=40), st.lists(st.booleans(), max_size=40), st.integers(0, 3))
def test_states_are_the_fold_over_the_log_however_it_is_cut(
    log: list[tuple[str, int]], sizes: list[int], losses: list[bool], cache: int
) -> None:
    records = [record(offset, *said) for offset, said in enumerate(log)]
    store = FoldingStore(cache)
    done = 0
    while done < len(records):
        size, lost = sizes.pop() if sizes else 8, losses.pop() if losses else False
        bad_before = sum(number == 13 for _, number in log[done : done + size])
        assert bad_before <= MAX_ISOLATED
        store.step(records[done : done + size], lost=lost)
        done += 0 if lost else size
    totals: dict[str, int] = {}
    tens = []
    for who, number in log:
        if number != 13:
            totals[who] = totals.get(who, 0) + number
            if number == 10:
                tens.append((who.encode(), b"%d" % totals[who]))
    assert {who: orjson.loads(state)["total"] for who, state in store.stored.items()} == {
        who: total for who, total in totals.items() if total
    }
    assert [(one.key, one.value) for one in store.published if one.topic == "tens"] == tens
    letters = [dict(one.headers) for one in store.published if one.topic == "dead-letters"]
    assert [int(letter["dlq.offset"] or b"") for letter in letters] == [
        offset for offset, (_, number) in enumerate(log) if number == 13
    ]
    assert all(letter["dlq.projection"] == b"adding" for letter in letters)
    state = store.partition.state
    assert state.offsets == {"numbers": len(log)}
    assert state.counters.events_in == len(log) == state.counters.applied + state.counters.dead_letters
    assert store.partition.cached <= cache + len(totals)


def test_a_record_that_cannot_be_read_becomes_a_dead_letter_with_its_reason() -> None:
    store = FoldingStore()
    bad = [b"not json", None, b'{"who": "a"}', b'{"who": "a", "number": "1"}', b"[" * 100_000, b"\xff"]
    store.step([record(0, "a", 1), *(Record(b"a", value, 0, 1 + k) for k, value in enumerate(bad))])
    reasons = [dict(letter.headers)["dlq.reason"] for letter in store.published]
    assert reasons[:4] == [b"malformed_json", b"null_value", b"missing_field", b"wrong_type"]
    assert len(reasons) == len(bad)
    assert orjson.loads(store.stored["a"]) == {"total": 1}


def test_more_failures_than_a_handful_are_not_blamed_on_records() -> None:
    store = FoldingStore()
    with pytest.raises(SystematicError):
        store.step([record(offset, "a", 13) for offset in range(MAX_ISOLATED + 1)])
    assert store.partition.state.offsets == {}


def test_an_error_that_is_not_of_a_message_is_not_isolated() -> None:
    store = FoldingStore()
    with pytest.raises(StorageError):
        store.step([record(0, "a", 1), record(1, "a", 666)])
    assert store.partition.state.offsets == {}


def test_a_stored_state_that_cannot_be_read_is_not_blamed_on_records() -> None:
    store = FoldingStore()
    store.stored["a"] = b"\x00"
    with pytest.raises(CodecError):
        store.step([record(0, "a", 1)])


def test_unchanged_states_are_not_written() -> None:
    store = FoldingStore()
    store.step([record(0, "a", 1), record(1, "b", 5)])
    partition = store.partition
    partition.read([Part(0, [record(2, "a", 2), record(3, "b", 3), record(4, "b", -3)], 5)])
    assert partition.step(0).written.keys() == {"a"}


def test_erasing_forgets_uncached_states_too() -> None:
    store = FoldingStore(cache=0)
    store.step([record(0, "a", 1)])
    outcome = store.partition.without(store.partition.erase(["a", "b", "a"]))
    assert outcome.forgotten == ["a", "b"]
    assert outcome.state.offsets == {"numbers": 1}


def test_erasing_forgets_the_editions_of_who_is_erased() -> None:
    store = FoldingStore()
    store.partition.state.editions = {"a": 4, "b": 5}
    assert store.partition.without(["a"], ["a"]).state.editions == {"b": 5}
    assert store.partition.without(()).state.editions == {"a": 4, "b": 5}
