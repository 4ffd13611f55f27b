"""What topics keep no longer is deleted: by age, or as a later record of the key took its place."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.broker.cleaning import Cleaner
from stream.broker.commits import Commits
from stream.broker.journal import Journal, Log, StoredTopic
from stream.broker.journal_reader import Reader
from stream.broker.record_batch import StoredBatch, batches_of, records_of
from stream.local.durable_broker import DurableBroker
from tests.broker.test_record_batch import _batch

_DAY_MS = 86_400_000
_COMPACT = {"cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime"}
_SECRET = b"canary-in-the-log"

KEYS = st.sampled_from([b"a", b"b", b"c"])
BATCHES = st.lists(
    st.lists(st.tuples(st.none() | KEYS, st.none() | st.binary(min_size=1, max_size=4)), min_size=1, max_size=4),
    max_size=8,
)
Records = list[tuple[int, bytes | None, bytes | None]]


def batch(records: list[tuple[bytes | None, bytes | None]]) -> StoredBatch:
    (made,) = batches_of(_batch(records))
    return made


@contextmanager
def kept_in(path: Path, config: dict[str, str]) -> Iterator[tuple[Journal, StoredTopic, Callable[[], Records]]]:
    """A journal with a topic of one partition, and what cleans it once and gives what is there then."""
    journal = Journal(path)
    with journal.transaction():
        topic = journal.create_topic("t", 1, config)

    def cleaned() -> Records:
        log = Log(topic, journal.end(topic, 0), start=journal.start(topic, 0))

        async def clean() -> None:
            commits = Commits(journal)
            await Cleaner(path, journal, commits, lambda: [(0, log)]).clean()
            await commits.close()

        asyncio.run(clean())
        assert log.start == journal.start(topic, 0)
        return [record for _, _, body in of(path, topic) for record in records_of(body)]

    yield journal, topic, cleaned
    journal.close()


def of(path: Path, topic: StoredTopic) -> list[tuple[int, int, bytes]]:
    reader = Reader(path)
    try:
        return [*reader.each(topic, 0, 1 << 40)]
    finally:
        reader.close()


def append(journal: Journal, topic: StoredTopic, records: list[tuple[bytes | None, bytes | None]]) -> None:
    with journal.transaction():
        journal.append(topic, 0, [batch(records)])


def test_a_disk_that_refuses_to_empty_the_write_ahead_log_does_not_end_the_cleaning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: Journal) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(Journal, "checkpoint", refuse)
    with kept_in(tmp_path / "log", _COMPACT) as (journal, topic, cleaned):
        append(journal, topic, [(b"a", b"1"), (b"a", b"2")])
        append(journal, topic, [(b"b", b"3")])
        assert [value for _, _, value in cleaned()] == [b"2", b"3"]
    assert "disk I/O error" in caplog.text


@given(BATCHES)
@settings(max_examples=60)
def test_the_newest_record_of_each_key_stays_at_its_offset(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[tuple[bytes | None, bytes | None]]]
) -> None:
    path = tmp_path_factory.mktemp("log") / "log.sqlite"
    with kept_in(path, _COMPACT) as (journal, topic, cleaned):
        for records in batches:
            append(journal, topic, records)
        told = [(at, *one) for at, one in enumerate(one for records in batches for one in records)]
        end = len(told)
        begin_of_last = end - len(batches[-1]) if batches else 0
        newest = {key: at for at, key, _ in told if key is not None}
        expected = [one for one in told if one[0] >= begin_of_last or one[1] is None or newest[one[1]] == one[0]]
        assert cleaned() == expected
        assert journal.end(topic, 0) == end
        # again, nothing changes; and whoever asks for an offset gets what follows it, and no standstill
        assert cleaned() == expected
        reader = Reader(path)
        for offset in range(end):
            (found,) = batches_of(reader.batches(topic, 0, offset, end, 1))
            assert int.from_bytes(found.body[:8], "big") + found.count > offset
        reader.close()


def test_a_key_that_is_gone_is_forgotten_after_a_day(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    with kept_in(path, _COMPACT) as (journal, topic, cleaned):
        append(journal, topic, [(b"a", _SECRET), (b"b", b"1")])
        append(journal, topic, [(b"a", None)])
        append(journal, topic, [(b"c", b"2")])
        assert cleaned() == [(1, b"b", b"1"), (2, b"a", None), (3, b"c", b"2")]
        with journal.transaction():
            journal._db.execute("update batches set time_ms = time_ms - ?", (2 * _DAY_MS,))
        assert cleaned() == [(1, b"b", b"1"), (3, b"c", b"2")]
        assert _SECRET not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_what_is_older_than_a_topic_keeps_goes_but_for_the_end(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    with kept_in(path, {"retention.ms": str(_DAY_MS), "message.timestamp.type": "LogAppendTime"}) as kept:
        journal, topic, cleaned = kept
        for number in range(500):
            append(journal, topic, [(b"a", _SECRET + b"%d" % number), (b"a", b"2")])
        assert len(cleaned()) == 1000
        with journal.transaction():
            journal._db.execute("update batches set time_ms = 0 where base < 900")
        assert [at for at, _, _ in cleaned()] == [*range(900, 1000)]
        with journal.transaction():
            journal._db.execute("update batches set time_ms = 0")
        assert [at for at, _, _ in cleaned()] == [998, 999]
        assert journal.end(topic, 0) == 1000
    assert _SECRET + b"0" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def _wait(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)


def _read(bootstrap: str, topic: str, at: int) -> list[Message]:
    """The records from an offset to the end; what the broker refuses is raised."""
    client = {"bootstrap.servers": bootstrap, "group.id": "r", "enable.partition.eof": True, "log_level": 0}
    consumer = Consumer({**client, "auto.offset.reset": "error"})
    found: list[Message] = []
    try:
        consumer.assign([TopicPartition(topic, 0, at)])
        while True:
            for message in consumer.consume(100, 0.2):
                error = message.error()
                if error is None:
                    found.append(message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    return found
                else:
                    raise KafkaException(error)
    finally:
        consumer.close()


def test_clients_read_on_over_what_was_compacted_and_are_told_of_what_is_too_old(tmp_path: Path) -> None:
    def in_files(text: bytes) -> bool:
        return any(text in file.read_bytes() for file in (tmp_path / "broker").iterdir() if file.is_file())

    with DurableBroker(tmp_path / "broker") as broker:
        admin = AdminClient({"bootstrap.servers": broker.bootstrap})
        wanted = [
            NewTopic("compacted", 1, 1, config={"cleanup.policy": "compact"}),
            NewTopic("limited", 1, 1, config={"message.timestamp.type": "LogAppendTime"}),
        ]
        for made in admin.create_topics(wanted).values():
            made.result(10)
        producer = Producer({"bootstrap.servers": broker.bootstrap, "linger.ms": 0, "compression.type": "lz4"})
        for topic in ("compacted", "limited"):
            for number in range(20):
                producer.produce(topic, key=f"k{number % 3}", value=_SECRET + b"%d." % number)
                producer.flush(10)
        assert in_files(_SECRET + b"0.")
        _set(admin, "limited", "retention.ms", "1")
        with pytest.raises(KafkaException, match=r"retention\.ms is a number"):
            _set(admin, "limited", "retention.ms", "soon")
        # who begins cleans first
        broker.stop()
        broker.start()
        _wait(lambda: not in_files(_SECRET + b"0."))
        assert [message.offset() for message in _read(broker.bootstrap, "compacted", 0)] == [17, 18, 19]
        assert [message.offset() for message in _read(broker.bootstrap, "compacted", 5)] == [17, 18, 19]
        assert [message.offset() for message in _read(broker.bootstrap, "limited", 19)] == [19]
        with pytest.raises(KafkaException, match="out of range"):
            _read(broker.bootstrap, "limited", 3)
        producer.produce("limited", key="k", value=b"next")
        producer.flush(10)
        assert [message.offset() for message in _read(broker.bootstrap, "limited", 19)] == [19, 20]


def _set(admin: AdminClient, topic: str, key: str, value: str) -> None:
    entry = ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    for changed in admin.incremental_alter_configs([resource]).values():
        changed.result(10)
