"""Answers about topics and what is in them."""

import asyncio
import re
import sqlite3
from collections.abc import Awaitable, Callable

from stream.broker.commits import Commits
from stream.broker.config_answers import objection_to
from stream.broker.error_codes import Code
from stream.broker.journal import Appended, Journal, Log, StoredTopic
from stream.broker.journal_reader import Reader
from stream.broker.record_batch import BatchError, batches_of
from stream.broker.wire import Request

__all__ = ["NODE", "LogAnswers"]

NODE = 1
LATEST, EARLIEST = -1, -2
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
MAX_PARTITIONS = 10_000


class LogAnswers:
    """``address``: host and port where clients find this broker."""

    def __init__(self, journal: Journal, commits: Commits, reader: Reader, address: tuple[str, int]) -> None:
        self._journal = journal
        self._commits = commits
        self._reader = reader
        self.address = address
        self._topics = {topic.name: topic for topic in journal.topics()}
        self._logs = {
            (topic.name, p): Log(topic, journal.end(topic, p), start=journal.start(topic, p))
            for topic in self._topics.values()
            for p in range(topic.partitions)
        }
        self._arrived = asyncio.Event()

    def topic(self, name: str) -> StoredTopic | None:
        """The topic of a name."""
        return self._topics.get(name)

    def partitions(self) -> list[tuple[int, Log]]:
        """Number and log of each partition of each topic."""
        return [(p, log) for (_, p), log in self._logs.items()]

    async def change(self, topic: StoredTopic, config: dict[str, str]) -> Code:
        """Keep a topic under another configuration."""
        changed: list[StoredTopic] = []
        code = await self._stored(lambda: changed.append(self._journal.change_config(topic, config)))
        if code is Code.NONE and topic.name in self._topics:
            self._topics[topic.name] = changed[-1]
            for p in range(topic.partitions):
                self._logs[topic.name, p].topic = changed[-1]
        return code

    def metadata(self, request: Request) -> bytes:
        """Brokers, and the topics asked for, or all."""
        asked = request.body.topics
        everything = asked is None or (request.version == 0 and not asked)
        host, port = self.address
        return request.answer(
            brokers=[(NODE, host, port, None)[: 3 if request.version == 0 else 4]],
            cluster_id=self._journal.cluster,
            controller_id=NODE,
            topics=[self._described(name, request.version) for name in (self._topics if everything else asked)],
        )

    def produce(self, request: Request) -> Awaitable[bytes]:
        """Append; answered when it is on the disk."""
        waiting = [
            (name, [(p, self._append(name, p, records)) for p, records in partitions])
            for name, partitions in request.body.topics
        ]

        async def answer() -> bytes:
            told = [(name, [self._produced(request, p, await done) for p, done in parts]) for name, parts in waiting]
            return request.answer(topics=told)

        return asyncio.ensure_future(answer())

    async def fetch(self, request: Request) -> bytes:
        """What is there from the offsets on; waits for more as long as it is less than the client wants."""
        body = request.body
        asked = [
            (name, [self._wanted(request.version, partition) for partition in partitions])
            for name, partitions in body.topics
        ]
        logs = [log for name, parts in asked for p, _, _ in parts if (log := self._logs.get((name, p))) is not None]
        appended = sum(log.raw for log in logs)
        deadline = asyncio.get_running_loop().time() + body.max_wait_time / 1000
        told, raw, failed = self._fetched(request, asked)
        while raw < body.min_bytes and not failed:
            left_s = deadline - asyncio.get_running_loop().time()
            if left_s <= 0:
                break
            await self._arrival(left_s)
            if raw + sum(log.raw for log in logs) - appended >= body.min_bytes:
                break
        if sum(log.raw for log in logs) != appended:
            told, _, _ = self._fetched(request, asked)
        return request.answer(topics=told)

    def list_offsets(self, request: Request) -> bytes:
        """The ends of partitions, or the first offset of a time."""
        return request.answer(
            topics=[
                (name, [self._offset_at(name, p, time_ms) for p, time_ms in partitions])
                for name, partitions in request.body.topics
            ]
        )

    async def create_topics(self, request: Request) -> bytes:
        """Make topics of one replica."""
        validate_only = getattr(request.body, "validate_only", False)
        told = []
        for name, partitions, replicas, assignment, config in request.body.create_topic_requests:
            code, text = self._refused(name, partitions, replicas, assignment, dict(config))
            if code is Code.NONE and not validate_only:
                code, text = await self._create(name, partitions, dict(config))
            told.append((name, code, text)[: 2 if request.version == 0 else 3])
        return request.answer(topic_errors=told)

    async def delete_topics(self, request: Request) -> bytes:
        """Delete topics with what is in them."""
        told = []
        for name in request.body.topics:
            topic = self._topics.get(name)
            if topic is None:
                told.append((name, Code.UNKNOWN_TOPIC_OR_PARTITION))
                continue
            code = await self._stored(lambda topic=topic: self._journal.delete_topic(topic))  # type: ignore[misc]
            if code is Code.NONE:
                del self._topics[name]
                self._logs = {place: log for place, log in self._logs.items() if place[0] != name}
            told.append((name, code))
        return request.answer(topic_error_codes=told)

    async def new_producer(self, request: Request) -> bytes:
        """An id for an idempotent producer."""
        if request.body.transactional_id:
            return request.answer(error_code=Code.INVALID_REQUEST, producer_id=-1, producer_epoch=-1)
        try:
            number = await self._commits.submit(self._journal.new_producer)
        except sqlite3.Error:
            return request.answer(error_code=Code.KAFKA_STORAGE_ERROR, producer_id=-1, producer_epoch=-1)
        return request.answer(producer_id=number, producer_epoch=0)

    # The parts of the answers.

    def _described(self, name: str, version: int) -> tuple[object, ...]:
        topic = self._topics.get(name)
        code = Code.NONE if topic else Code.UNKNOWN_TOPIC_OR_PARTITION
        partitions = [
            (Code.NONE, p, NODE, [NODE], [NODE], [])[: 6 if version >= 5 else 5]  # noqa: PLR2004 - a version
            for p in range(topic.partitions if topic else 0)
        ]
        return (code, name, partitions) if version == 0 else (code, name, False, partitions)

    def _append(self, name: str, p: int, records: bytes | None) -> "asyncio.Future[Appended]":
        log = self._logs.get((name, p))
        done: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        if log is None:
            done.set_result(Appended(Code.UNKNOWN_TOPIC_OR_PARTITION))
            return done
        try:
            batches = [*batches_of(records or b"")]
        except BatchError:
            done.set_result(Appended(Code.CORRUPT_MESSAGE))
            return done
        stored = self._commits.submit(lambda: self._journal.append(log.topic, p, batches))

        def settle(future: "asyncio.Future[Appended]") -> None:
            appended = Appended(Code.KAFKA_STORAGE_ERROR) if future.exception() else future.result()
            if appended.raw:
                log.end = appended.end
                log.raw += appended.raw
                self._arrived.set()
                self._arrived = asyncio.Event()
            if not done.done():
                done.set_result(appended)

        stored.add_done_callback(settle)
        return done

    @staticmethod
    def _produced(request: Request, p: int, appended: Appended) -> tuple[int, ...]:
        answer = (p, appended.code, appended.base, appended.time_ms, 0)
        return answer if request.version >= 5 else answer[:4]  # noqa: PLR2004 - a version

    @staticmethod
    def _wanted(version: int, partition: tuple[int, ...]) -> tuple[int, int, int]:
        """Partition, offset and most bytes of one partition of a fetch."""
        if version >= 9:  # noqa: PLR2004 - a version
            p, _, offset, _, raw = partition
        elif version >= 5:  # noqa: PLR2004 - a version
            p, offset, _, raw = partition
        else:
            p, offset, raw = partition
        return p, offset, raw

    def _fetched(
        self, request: Request, asked: list[tuple[str, list[tuple[int, int, int]]]]
    ) -> tuple[list[tuple[str, list[tuple[object, ...]]]], int, bool]:
        """What is there now, its bytes, and whether there is an error that the client should hear of at once."""
        told, raw, failed = [], 0, False
        for name, partitions in asked:
            parts: list[tuple[object, ...]] = []
            for p, offset, most in partitions:
                log, records, code = self._logs.get((name, p)), b"", Code.NONE
                if log is None:
                    code = Code.UNKNOWN_TOPIC_OR_PARTITION
                elif not log.start <= offset <= log.end:
                    code = Code.OFFSET_OUT_OF_RANGE
                elif offset < log.end and raw < request.body.max_bytes:
                    fitting = min(most, request.body.max_bytes - raw)
                    records = self._reader.batches(log.topic, p, offset, log.end, fitting)
                failed |= code is not Code.NONE
                raw += len(records)
                parts.append(self._part(request.version, p, code, log, records))
            told.append((name, parts))
        return told, raw, failed

    @staticmethod
    def _part(version: int, p: int, code: Code, log: Log | None, records: bytes) -> tuple[object, ...]:
        start, end = (-1, -1) if log is None else (log.start, log.end)
        begin = () if version < 5 else (start,)  # noqa: PLR2004 - a version
        preferred = () if version < 11 else (-1,)  # noqa: PLR2004 - a version
        return (p, code, end, end, *begin, None, *preferred, records)

    async def _arrival(self, timeout_s: float) -> None:
        try:
            await asyncio.wait_for(self._arrived.wait(), timeout_s)
        except TimeoutError:
            return

    def _offset_at(self, name: str, p: int, time_ms: int) -> tuple[int, ...]:
        log = self._logs.get((name, p))
        if log is None:
            return (p, Code.UNKNOWN_TOPIC_OR_PARTITION, -1, -1)
        if time_ms in {LATEST, EARLIEST}:
            return (p, Code.NONE, -1, log.end if time_ms == LATEST else log.start)
        found = self._reader.offset_at(log.topic, p, time_ms)
        return (p, Code.NONE, -1, -1) if found is None else (p, Code.NONE, found[1], found[0])

    def _refused(
        self, name: str, partitions: int, replicas: int, assignment: list[object], config: dict[str, str]
    ) -> tuple[Code, str | None]:
        if name in self._topics:
            return Code.TOPIC_ALREADY_EXISTS, f"there is a topic {name}"
        if not _TOPIC.fullmatch(name) or name in {".", ".."}:
            return Code.INVALID_TOPIC, "letters, digits, and . _ - only"
        if assignment or replicas not in {1, -1}:
            return Code.INVALID_REPLICATION_FACTOR, "there is one broker, for one replica"
        if not 1 <= partitions <= MAX_PARTITIONS:
            return Code.INVALID_PARTITIONS, f"1 to {MAX_PARTITIONS} partitions"
        objection = objection_to(config)
        return (Code.INVALID_CONFIG, objection) if objection else (Code.NONE, None)

    async def _create(self, name: str, partitions: int, config: dict[str, str]) -> tuple[Code, str | None]:
        made: list[StoredTopic] = []
        code = await self._stored(lambda: made.append(self._journal.create_topic(name, partitions, config)))
        if code is Code.NONE:
            self._topics[name] = made[-1]
            self._logs.update({(name, p): Log(made[-1]) for p in range(partitions)})
        return code, None if code is Code.NONE else "it was not stored"

    async def _stored(self, change: Callable[[], None]) -> Code:
        try:
            await self._commits.submit(change)
        except sqlite3.IntegrityError:  # two clients made it at once
            return Code.TOPIC_ALREADY_EXISTS
        except sqlite3.Error:
            return Code.KAFKA_STORAGE_ERROR
        return Code.NONE
