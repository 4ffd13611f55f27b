"""Copying records from one Kafka to another."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import Any

import confluent_kafka
import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from stream.cli.kafka import admin_client, client_config, silent
from stream.cli.topic_spans import Place, Spans, TopicSpans
from stream.errors import PublishError, TopologyError
from stream.events.times import epoch_ms
from stream.identity.departures import is_repeat
from stream.identity.note_proof import NoteProof
from stream.identity.places import appended_header, is_published_again, was_copied, without_place
from stream.settings import Settings

__all__ = ["Ends", "copy_groups", "copy_keyed", "copy_records", "ends_of", "merged_by_time", "once_each", "spans_of"]

Ends = dict[Place, int]

_TIMEOUT_S = 30.0
_POLL_S = 0.2
_DELIVERY_TIMEOUT_S = 120.0
_AT_ONCE = 1000
_READ_AHEAD_KB = 4096
#: The key of what stands for records that are gone. Nobody has it as an id: it is longer than an id may be.
_FILLER = b"deleted before it was moved; " * 5


class _Timed(msgspec.Struct):
    occurred_at: datetime | float


_TIMED = msgspec.json.Decoder(_Timed)


def ends_of(settings: Settings, topics: Iterable[str]) -> Ends:
    """The next offset of each partition of ``topics``, of those that exist. Raises `TopologyError`."""
    return {place: end for place, (_, end) in spans_of(settings, topics).items()}


def spans_of(settings: Settings, topics: Iterable[str]) -> Spans:
    """As `ends_of`, with the offset of the oldest record that is still there before it."""
    with TopicSpans(settings) as spans:
        return spans.of(spans.places(topics))


class _Producer:
    """Copies records to the target in order, and fails with the first that is refused."""

    def __init__(self, target: Settings) -> None:
        self._failures: list[KafkaError] = []
        self._arrivals = target.arrivals
        self._producer = confluent_kafka.Producer(
            client_config(
                target,
                enable_idempotence=True,
                partitioner="murmur2_random",
                linger_ms=20,
                delivery_timeout_ms=int(_DELIVERY_TIMEOUT_S * 1000),
            ),
            logger=silent,
        )

    def send(self, message: Message, topic: str, partition: int | None = None) -> None:
        """Queue a copy of ``message``; without ``partition`` its key decides, as everywhere in this program.

        A place in `arrivals` is another one among other partitions, so the header goes there. Where offsets stay,
        records of `arrivals` say when they were appended first, for places are told apart by that.
        """
        place: dict[str, Any] = {} if partition is None else {"partition": partition}
        headers: Any = message.headers() or ()
        headers = without_place(headers) if partition is None else [*headers]
        if partition is not None and topic == self._arrivals and not was_copied(headers):
            headers.append(appended_header(message.timestamp()[1]))
        while True:
            try:
                self._producer.produce(
                    topic,
                    value=message.value(),
                    key=message.key(),
                    headers=headers or None,
                    timestamp=message.timestamp()[1],
                    on_delivery=self._note,
                    **place,
                )
            except BufferError:
                self._producer.poll(0.1)
            else:
                break
        self._producer.poll(0)
        self._check()

    def fill(self, topic: str, partition: int, count: int, headers: Any) -> None:
        """Queue records without content for offsets that have none."""
        for _ in range(count):
            while True:
                try:
                    self._producer.produce(
                        topic, value=None, key=_FILLER, partition=partition, headers=headers, on_delivery=self._note
                    )
                except BufferError:
                    self._producer.poll(0.1)
                else:
                    break
        self._producer.poll(0)

    def finish(self) -> None:
        """Wait until all is confirmed. Raises `PublishError` if it is not."""
        left = self._producer.flush(_DELIVERY_TIMEOUT_S)
        self._check()
        if left:
            raise PublishError(f"{left:,} records were not confirmed in {_DELIVERY_TIMEOUT_S:g} s")

    def _note(self, error: KafkaError | None, message: Message) -> None:
        del message
        if error is not None:
            self._failures.append(error)

    def _check(self) -> None:
        if self._failures:
            raise PublishError(f"{len(self._failures):,} records were refused, the first: {self._failures[0].str()}")


def _records(settings: Settings, place: tuple[str, int], end: int) -> Iterator[Message]:
    """The records of one partition up to ``end``, in their order."""
    consumer = Consumer(
        # of many partitions at a time, each is read a little ahead only
        {
            **client_config(settings, group_id=f"{settings.group}.move", enable_auto_commit=False),
            "queued.max.messages.kbytes": _READ_AHEAD_KB,
        },
        logger=silent,
    )
    try:
        consumer.assign([TopicPartition(*place, OFFSET_BEGINNING)])
        at, silent_s = 0, 0.0
        while at < end:
            # it waits for as many as are asked for, and of those that were deleted none comes
            found = consumer.consume(min(_AT_ONCE, end - at), _POLL_S)
            silent_s = 0.0 if found else silent_s + _POLL_S
            if silent_s >= _TIMEOUT_S:
                raise TopologyError(f"{place[0]}/{place[1]} cannot be read beyond offset {at} of {end}")
            for message in found:
                if (error := message.error()) is not None:
                    raise TopologyError(f"{place[0]}/{place[1]}: {error.str()}")
                at = (message.offset() or 0) + 1
                if at <= end:
                    yield message
    finally:
        consumer.close()


def copy_records(
    source: Settings, target: Settings, names: Sequence[tuple[str, str]], tell: Callable[[int, int], None]
) -> int:
    """Copy each topic (source's name, target's name) partition by partition, so that offsets stay the same.

    What was deleted at the source, by age or because a later record took its place, is a record without content.

    The topics of the target must be empty, with as many partitions. Returns how many records; raises `TopologyError`
    when an end is another one afterwards, `PublishError` when one is refused.
    """
    ends = ends_of(source, (name for name, _ in names))
    own = dict(names)
    producer, copied, total = _Producer(target), 0, sum(ends.values())
    proof: Any = NoteProof.of(target).headers(_FILLER, None)
    for (topic, p), end in ends.items():
        next_offset = 0
        for message in _records(source, (topic, p), end):
            offset = message.offset() or 0
            producer.fill(own[topic], p, offset - next_offset, proof)
            next_offset = offset + 1
            producer.send(message, own[topic], p)
            copied += 1
            if copied % _AT_ONCE == 0:
                tell(copied, total)
    producer.finish()
    arrived = ends_of(target, own.values())
    wrong = [f"{own[topic]}/{p}" for (topic, p), end in ends.items() if arrived.get((own[topic], p)) != end]
    if wrong:
        raise TopologyError(f"offsets differ in {', '.join(wrong[:5])}: were the topics empty, and did nobody write?")
    tell(copied, total)
    return copied


def merged_by_time(streams: Sequence[Iterator[Message]], skew_ms: int) -> Iterator[Message]:
    """Records of several partitions by the time of their events; the order within a partition stays.

    What is no event, or lies in the future of its record by more than ``skew_ms``, keeps its place behind the record
    before it.
    """

    def timed(stream: Iterator[Message]) -> Iterator[tuple[int, Message]]:
        last = 0
        for message in stream:
            last = _time_of(message, last, skew_ms)
            yield last, message

    for _, message in heapq.merge(*map(timed, streams), key=lambda found: found[0]):
        yield message


def once_each(records: Iterator[Message]) -> Iterator[Message]:
    """The records of one partition without those that were there before, as far as their places tell."""
    newest: dict[str, tuple[int, int, int]] = {}
    for message in records:
        headers: Any = message.headers() or ()
        if not is_published_again(headers, message.timestamp()[1], "", newest) or is_repeat(headers):
            yield message


def _time_of(message: Message, last: int, skew_ms: int) -> int:
    try:
        told = _TIMED.decode(message.value() or b"").occurred_at
        time_ms = epoch_ms(told)
    except (msgspec.MsgspecError, ValueError, OverflowError):
        return last
    return last if time_ms > message.timestamp()[1] + skew_ms else time_ms


def copy_keyed(
    source: Settings, target: Settings, names: Sequence[tuple[str, str]], tell: Callable[[int, int], None]
) -> int:
    """Copy topics into another number of partitions: each record goes where its key says, all by time.

    The order of each key stays; events are merged by their times, as if they had come so. What the stage of arrivals
    published again after a crash is copied once. Returns how many.
    """
    ends = ends_of(source, (name for name, _ in names))
    own = dict(names)
    producer, copied, total = _Producer(target), 0, sum(ends.values())
    with ExitStack() as readers:
        streams = [_records(source, place, end) for place, end in ends.items()]
        for stream in streams:
            readers.callback(stream.close)  # type: ignore[attr-defined]  # a generator
        for message in merged_by_time([*map(once_each, streams)], int(target.skew_s * 1000)):
            producer.send(message, own[str(message.topic())])
            copied += 1
            if copied % _AT_ONCE == 0:
                tell(copied, total)
        producer.finish()
    tell(copied, total)
    return copied


def copy_groups(source: Settings, target: Settings, own: dict[str, str]) -> list[str]:
    """Commit at the target what the groups of the source have committed, for the topics in ``own`` (name to name).

    Groups are named after the setting ``group``, and so are their copies. Returns their names.
    """
    listed = admin_client(source).list_consumer_groups().result(_TIMEOUT_S)
    copied = []
    for name in sorted(group.group_id for group in listed.valid):
        if not name.startswith(source.group) or name.endswith(".move"):
            continue
        asked = [TopicPartition(topic, p) for topic, p in ends_of(source, own)]
        offsets = [
            TopicPartition(own[found.topic], found.partition, found.offset)
            for found in _with_group(source, name, lambda consumer, asked=asked: consumer.committed(asked, _TIMEOUT_S))  # type: ignore[misc]
            if found.offset >= 0
        ]
        if offsets:
            theirs = target.group + name[len(source.group) :]
            _with_group(
                target,
                theirs,
                lambda consumer, offsets=offsets: consumer.commit(offsets=offsets, asynchronous=False),  # type: ignore[misc]
            )
            copied.append(theirs)
    return copied


def _with_group(settings: Settings, group: str, act: Callable[[Consumer], Any]) -> Any:
    consumer = Consumer(client_config(settings, group_id=group, enable_auto_commit=False), logger=silent)
    try:
        return act(consumer)
    except KafkaException as error:
        raise TopologyError(f"Kafka at {settings.kafka_bootstrap}: {error.args[0].str()}") from error
    finally:
        consumer.close()
