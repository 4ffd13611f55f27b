"""The journal: offsets without gaps, each batch of an idempotent producer once, changes all or nothing."""

import sqlite3
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.broker.error_codes import Code
from stream.broker.journal import Journal, StoredTopic
from stream.broker.journal_reader import Reader
from stream.broker.record_batch import StoredBatch, batches_of
from stream.errors import LocalServerError
from tests.broker.test_record_batch import _batch


def _made(count: int, producer: int = -1, sequence: int = -1) -> StoredBatch:
    (batch,) = batches_of(_batch([(b"k", b"v")] * count, producer, sequence))
    return batch


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a journal."""
    return tmp_path / "log.sqlite"


def _topic(journal: Journal, name: str = "t") -> StoredTopic:
    with journal.transaction():
        return journal.create_topic(name, 2, {})


@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(1, 4), st.sampled_from(["new", "again", "reopen", "gap"])), max_size=25
    )
)
@settings(max_examples=40)
def test_offsets_have_no_gaps_and_no_batch_is_there_twice(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, str]]
) -> None:
    path = tmp_path_factory.mktemp("journal") / "log.sqlite"
    journal = Journal(path)
    topic = _topic(journal)
    sent: dict[int, list[tuple[StoredBatch, int]]] = defaultdict(list)
    ends, sequences = defaultdict[int, int](int), defaultdict[int, int](int)
    for p, count, what in steps:
        if what == "reopen":  # a restart knows the same
            journal.close()
            journal = Journal(path)
            (topic,) = journal.topics()
        elif what == "again" and sent[p]:
            batch, base = sent[p][-min(count, len(sent[p]))]
            with journal.transaction():
                assert journal.append(topic, p, [batch]).base == base
        elif what == "gap":
            with journal.transaction():
                refused = journal.append(topic, p, [_made(count, 5, sequences[p] + 1)]) if sent[p] else None
            assert refused is None or refused.code is Code.OUT_OF_ORDER_SEQUENCE_NUMBER
        else:
            batch = _made(count, 5, sequences[p])
            with journal.transaction():
                assert journal.append(topic, p, [batch]).base == ends[p]
            sent[p].append((batch, ends[p]))
            ends[p] += count
            sequences[p] += count
        assert journal.end(topic, p) == ends[p]
    reader = Reader(path)
    for p in (0, 1):
        whole = reader.batches(topic, p, 0, ends[p], 1 << 30)
        assert len([*batches_of(whole)]) == len(sent[p])
        for (batch, base), found in zip(sent[p], batches_of(whole), strict=True):
            assert int.from_bytes(found.body[:8], "big") == base
            assert found.count == batch.count
    reader.close()
    journal.close()


def test_what_the_broker_has_not_heard_of_is_not_given_away(path: Path) -> None:
    """The writer's thread commits before it tells; who was given that would then ask beyond the end they are told."""
    journal, reader = Journal(path), Reader(path)
    topic = _topic(journal)
    for count in (3, 2, 1):
        with journal.transaction():
            journal.append(topic, 0, [_made(count)])
    for end, counts in {0: [], 3: [3], 5: [3, 2], 6: [3, 2, 1]}.items():
        found = batches_of(reader.batches(topic, 0, 0, end, 1 << 30))
        assert [batch.count for batch in found] == counts
    assert [batch.count for batch in batches_of(reader.batches(topic, 0, 4, 5, 1 << 30))] == [2]
    reader.close()
    journal.close()


def test_a_failed_change_takes_back_those_committed_with_it(path: Path) -> None:
    journal = Journal(path)
    topic = _topic(journal)

    def fail() -> None:
        raise sqlite3.OperationalError("the disk is full")

    with pytest.raises(sqlite3.OperationalError):
        journal.together([lambda: journal.append(topic, 0, [_made(3, 5, 0)]), fail])
    assert journal.end(topic, 0) == 0
    with journal.transaction():  # the producer's sequence is not known either
        assert journal.append(topic, 0, [_made(2, 5, 0)]).base == 0
    journal.close()


def test_an_older_epoch_is_refused_and_a_newer_one_begins_anew(path: Path) -> None:
    journal = Journal(path)
    topic = _topic(journal)
    old = _made(1, 5, 10)
    with journal.transaction():
        assert journal.append(topic, 0, [old]).code is Code.NONE
        newer = StoredBatch(old.body, 1, 0, 5, 1, 0)
        assert journal.append(topic, 0, [newer]).base == 1
        assert journal.append(topic, 0, [_made(1, 5, 11)]).code is Code.INVALID_PRODUCER_EPOCH
    journal.close()


def test_sequence_numbers_begin_again_at_zero_after_the_largest(path: Path) -> None:
    journal = Journal(path)
    topic = _topic(journal)
    with journal.transaction():
        assert journal.append(topic, 0, [_made(2, 5, 2**31 - 1)]).code is Code.NONE  # the second one has 0
        assert journal.append(topic, 0, [_made(1, 5, 1)]).code is Code.NONE
        assert journal.append(topic, 0, [_made(1, 5, 1)]).base == 2
    journal.close()


def test_a_reader_gets_whole_batches_from_the_one_that_holds_the_offset(path: Path) -> None:
    journal = Journal(path)
    topic = _topic(journal)
    with journal.transaction():
        for _ in range(3):
            journal.append(topic, 1, [_made(10)])
    reader = Reader(path)
    one = len(reader.batches(topic, 1, 0, 30, 1))
    assert reader.batches(topic, 1, 15, 30, 1)[:8] == (10).to_bytes(8, "big")
    assert len(reader.batches(topic, 1, 15, 30, 10 * one)) == 2 * one
    assert reader.batches(topic, 1, 29, 30, one)[:8] == (20).to_bytes(8, "big")
    assert reader.batches(topic, 1, 30, 30, one) == b""
    assert reader.batches(topic, 0, 0, 30, one) == b""
    reader.close()
    journal.close()


def test_producers_never_get_an_id_twice(path: Path) -> None:
    given: list[int] = []
    for _ in range(3):
        journal = Journal(path)
        with journal.transaction():
            given += [journal.new_producer(), journal.new_producer()]
        journal.close()
    assert len({*given}) == 6


def test_a_file_of_another_format_is_refused(path: Path) -> None:
    journal = Journal(path)
    journal.close()
    with sqlite3.connect(path) as other:
        other.execute("update facts set value = 99 where name = 'format'")
    other.close()
    with pytest.raises(LocalServerError, match="has format 99, this program reads 1: run the version that wrote it"):
        Journal(path)
