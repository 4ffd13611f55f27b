"""The log on disk: one SQLite file, written by one thread, in transactions that end with a sync of the disk."""

import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from stream.broker.error_codes import Code
from stream.broker.record_batch import StoredBatch, stamped
from stream.errors import LocalServerError

__all__ = ["Appended", "Journal", "Log", "StoredTopic", "connect"]

_T = TypeVar("_T")

#: A producer may have five requests on their way; each may come again.
REMEMBERED_BATCHES = 5
#: Sequence numbers of a producer that was silent for so long are forgotten at the next start.
PRODUCER_LIFE_MS = 7 * 24 * 3600 * 1000
_SEQUENCES = 2**31
_FORMAT = 1

_SCHEMA = """
create table if not exists facts (name text primary key, value) without rowid;
create table if not exists topics (
    id integer primary key, name text not null unique, partitions integer not null, config text not null);
create table if not exists batches (
    topic integer not null, partition integer not null, base integer not null, next integer not null,
    time_ms integer not null, body blob not null);
create unique index if not exists batches_by_place on batches (topic, partition, base);
create table if not exists producers (
    topic integer not null, partition integer not null, producer integer not null, epoch integer not null,
    recent text not null, used_ms integer not null, primary key (topic, partition, producer)) without rowid;
create table if not exists offsets (
    consumers text not null, topic text not null, partition integer not null, next integer not null,
    metadata text not null, primary key (consumers, topic, partition)) without rowid;
"""


@dataclass(frozen=True, slots=True)
class StoredTopic:
    """``config``: what was asked for when it was made."""

    id: int
    name: str
    partitions: int
    config: dict[str, str]

    @property
    def append_time(self) -> bool:
        """Whether the time of a record is that of its arrival, not what the producer says."""
        return self.config.get("message.timestamp.type") == "LogAppendTime"


@dataclass(frozen=True, slots=True)
class Appended:
    """``base``: offset of the first record, -1 if none was taken. ``time_ms``: append time, -1 without."""

    code: Code
    base: int = -1
    time_ms: int = -1
    end: int = -1
    raw: int = 0


@dataclass(slots=True)
class _Sequences:
    """The last batches of a producer in a partition: first and last sequence number, base offset."""

    epoch: int
    recent: list[tuple[int, int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Log:
    """Where a partition begins and ends, and how much was ever appended since the start of this process."""

    topic: StoredTopic
    end: int = 0
    raw: int = 0
    start: int = 0


def connect(path: Path) -> sqlite3.Connection:
    """A connection to the log, for one thread at a time."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10.0)
    connection.execute("pragma journal_mode=wal")
    connection.execute("pragma synchronous=full")
    # what a topic keeps no longer is not to be found in the file
    connection.execute("pragma secure_delete=on")
    return connection


class Journal:
    """The writer. Not thread-safe: one thread calls it, at least from after `open` on."""

    def __init__(self, path: Path) -> None:
        self._db = connect(path)
        self._ends: dict[tuple[int, int], int] = {}
        self._sequences: dict[tuple[int, int, int], _Sequences | None] = {}
        with self.transaction():
            for statement in _SCHEMA.split(";"):
                self._db.execute(statement)
            self._db.execute("insert or ignore into facts values ('format', ?)", (_FORMAT,))
            self._db.execute("insert or ignore into facts values ('cluster', ?)", (f"stream-{secrets.token_hex(8)}",))
            self._db.execute("insert or ignore into facts values ('producer', 0)")
            self._db.execute("delete from producers where used_ms < ?", (_now_ms() - PRODUCER_LIFE_MS,))
        if (found := self._fact("format")) != _FORMAT:
            raise LocalServerError(
                f"{path} has format {found}, this program reads {_FORMAT}: run the version that wrote it"
            )
        self.cluster = str(self._fact("cluster"))

    def close(self) -> None:
        """Bring what is in the write-ahead log into the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block, or nothing: on disk when it ends. What is remembered of a failed one is forgotten."""
        self._db.execute("begin immediate")
        try:
            yield
            self._db.execute("commit")
        except BaseException:
            self._ends.clear()
            self._sequences.clear()
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise

    def together(self, changes: Sequence[Callable[[], _T]]) -> list[_T]:
        """Make several changes with one sync of the disk."""
        with self.transaction():
            return [change() for change in changes]

    def topics(self) -> list[StoredTopic]:
        found = self._db.execute("select id, name, partitions, config from topics order by id")
        return [StoredTopic(number, name, partitions, json.loads(config)) for number, name, partitions, config in found]

    def create_topic(self, name: str, partitions: int, config: dict[str, str]) -> StoredTopic:
        """Within a transaction. Raises ``sqlite3.IntegrityError`` if there is one of that name."""
        row = (name, partitions, json.dumps(config))
        number = self._db.execute("insert into topics (name, partitions, config) values (?, ?, ?)", row).lastrowid
        return StoredTopic(int(number or 0), name, partitions, config)

    def delete_topic(self, topic: StoredTopic) -> None:
        """Within a transaction: with all that is in it."""
        for table in ("batches", "producers"):
            self._db.execute(f"delete from {table} where topic = ?", (topic.id,))  # noqa: S608 - a literal
        self._db.execute("delete from offsets where topic = ?", (topic.name,))
        self._db.execute("delete from topics where id = ?", (topic.id,))
        self._ends = {place: end for place, end in self._ends.items() if place[0] != topic.id}

    def change_config(self, topic: StoredTopic, config: dict[str, str]) -> StoredTopic:
        """Within a transaction: the topic under another configuration."""
        self._db.execute("update topics set config = ? where id = ?", (json.dumps(config), topic.id))
        return replace(topic, config=config)

    def delete_before(self, topic: StoredTopic, partition: int, time_ms: int, most: int) -> int:
        """Within a transaction: delete at most so many batches, from the first on, that are older.

        Returns where the partition begins then. The newest batch stays.
        """
        place = (topic.id, partition)
        (found,) = self._db.execute(
            "select min(base), max(base) from batches where topic = ? and partition = ?", place
        ).fetchall()
        start, last = (int(one or 0) for one in found)
        rows = self._db.execute(
            "select base, next, time_ms from batches where topic = ? and partition = ? order by base limit ?",
            (*place, most),
        ).fetchall()
        for base, following, stored_ms in rows:
            if base == last or stored_ms >= time_ms:
                break
            start = following
        self._db.execute("delete from batches where topic = ? and partition = ? and base < ?", (*place, start))
        return start

    def replace(self, topic: StoredTopic, partition: int, bodies: Iterable[tuple[int, bytes | None]]) -> None:
        """Within a transaction: another content for the batch of each base, or none at all."""
        for base, body in bodies:
            place = (topic.id, partition, base)
            if body is None:
                self._db.execute("delete from batches where topic = ? and partition = ? and base = ?", place)
            else:
                self._db.execute(
                    "update batches set body = ? where topic = ? and partition = ? and base = ?", (body, *place)
                )

    def bytes_of(self, topic: StoredTopic, partition: int) -> int:
        """How many bytes a partition takes."""
        query = "select sum(length(body)) from batches where topic = ? and partition = ?"
        ((found,),) = self._db.execute(query, (topic.id, partition)).fetchall()
        return int(found or 0)

    def checkpoint(self) -> None:
        """Bring the write-ahead log into the file, and empty it: what was deleted is in it, too."""
        self._db.execute("pragma wal_checkpoint(truncate)").fetchall()

    def start(self, topic: StoredTopic, partition: int) -> int:
        """Where a partition begins. What was compacted away is no loss: such a topic begins at 0 always."""
        if "compact" in topic.config.get("cleanup.policy", "delete"):
            return 0
        query = "select min(base) from batches where topic = ? and partition = ?"
        ((found,),) = self._db.execute(query, (topic.id, partition)).fetchall()
        return int(found or 0)

    def new_producer(self) -> int:
        """Within a transaction: an id that was never given before."""
        self._db.execute("update facts set value = value + 1 where name = 'producer'")
        return int(self._fact("producer"))

    def commit_offsets(self, consumers: str, offsets: Iterable[tuple[str, int, int, str]]) -> None:
        """Within a transaction: topic, partition, next offset and metadata of each."""
        rows = [(consumers, *offset) for offset in offsets]
        self._db.executemany("insert or replace into offsets values (?, ?, ?, ?, ?)", rows)

    def forget_consumers(self, consumers: str) -> int:
        """Within a transaction: drop the offsets of a group; returns how many there were."""
        return self._db.execute("delete from offsets where consumers = ?", (consumers,)).rowcount

    def append(self, topic: StoredTopic, partition: int, batches: Sequence[StoredBatch]) -> Appended:
        """Within a transaction. A batch that its producer has sent before is not appended again."""
        now, first, raw = _now_ms(), -1, 0
        stamp = now if topic.append_time else None
        for batch in batches:
            base = self._place(topic, partition, batch, now)
            if isinstance(base, Code):
                return Appended(base, end=self.end(topic, partition), raw=raw)
            first = base[0] if first < 0 else first
            if base[1]:  # appended before
                continue
            body = stamped(batch, base[0], stamp)
            end = base[0] + batch.count
            row = (topic.id, partition, base[0], end, batch.max_timestamp if stamp is None else stamp, body)
            self._db.execute("insert into batches values (?, ?, ?, ?, ?, ?)", row)
            self._ends[topic.id, partition] = end
            raw += len(body)
        end = self.end(topic, partition)
        return Appended(Code.NONE, first, -1 if stamp is None else stamp, end, raw)

    def end(self, topic: StoredTopic, partition: int) -> int:
        """The next offset of a partition."""
        place = (topic.id, partition)
        if place not in self._ends:
            (found,) = self._db.execute("select max(next) from batches where topic = ? and partition = ?", place)
            self._ends[place] = int(found[0] or 0)
        return self._ends[place]

    def _place(self, topic: StoredTopic, partition: int, batch: StoredBatch, now: int) -> tuple[int, bool] | Code:
        """The base offset, and whether the batch is there already; or why it is refused."""
        end = self.end(topic, partition)
        if batch.producer_id < 0:
            return end, False
        key = (topic.id, partition, batch.producer_id)
        known = self._known(key)
        last = (batch.sequence + batch.count - 1) % _SEQUENCES
        if known is not None and batch.epoch < known.epoch:
            return Code.INVALID_PRODUCER_EPOCH
        if known is None or batch.epoch > known.epoch:
            known = _Sequences(batch.epoch)
        elif known.recent:
            for first_sent, last_sent, base in known.recent:
                if (first_sent, last_sent) == (batch.sequence, last):
                    return base, True
            if batch.sequence != (known.recent[-1][1] + 1) % _SEQUENCES:
                return Code.OUT_OF_ORDER_SEQUENCE_NUMBER
        recent = [*known.recent, (batch.sequence, last, end)][-REMEMBERED_BATCHES:]
        self._sequences[key] = _Sequences(batch.epoch, recent)
        row = (*key, batch.epoch, json.dumps(recent), now)
        self._db.execute("insert or replace into producers values (?, ?, ?, ?, ?, ?)", row)
        return end, False

    def _known(self, key: tuple[int, int, int]) -> _Sequences | None:
        if key not in self._sequences:
            rows = self._db.execute(
                "select epoch, recent from producers where topic = ? and partition = ? and producer = ?", key
            ).fetchall()
            self._sequences[key] = (
                _Sequences(rows[0][0], [tuple(batch) for batch in json.loads(rows[0][1])]) if rows else None
            )
        return self._sequences[key]

    def _fact(self, name: str) -> int | str:
        ((value,),) = self._db.execute("select value from facts where name = ?", (name,)).fetchall()
        assert isinstance(value, int | str)  # noqa: S101 - our own table
        return value


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
