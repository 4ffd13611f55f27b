"""Publishing to a real broker: in order, confirmed, and with errors that can be retried."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import randbytes

import pytest
from confluent_kafka import Message
from confluent_kafka.admin import AdminClient

from stream.agents.publisher import Publisher
from stream.errors import PublishError
from stream.events.partitioner import partition_of
from stream.local.broker import EmbeddedBroker
from stream.processing.state import Outgoing
from stream.settings import Settings
from tests.agents.topics import at_least, create, read

PARTITIONS = 4


@asynccontextmanager
async def publisher_to(bootstrap: str, timeout_s: float = 20.0) -> AsyncIterator[Publisher]:
    publisher = Publisher(replace(Settings(), kafka_bootstrap=bootstrap), timeout_s=timeout_s)
    try:
        yield publisher
    finally:
        await publisher.close()


def numbered(topic: str, count: int) -> list[Outgoing]:
    return [
        Outgoing(topic, f"customer-{k % 37}".encode(), str(k).encode(), [("number", str(k).encode()), ("none", None)])
        for k in range(count)
    ]


def _has_each(records: Sequence[Outgoing], times: int, found: Sequence[Message]) -> bool:
    count = Counter(message.value() for message in found)
    return all(count[record.value] >= times for record in records)


def test_records_arrive_complete_and_in_the_order_of_each_key(broker: EmbeddedBroker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}records"
    create(broker.bootstrap, [(topic, PARTITIONS)])
    records = numbered(topic, 3_000)

    async def publish() -> None:
        async with publisher_to(broker.bootstrap) as publisher:
            await publisher.publish(records[:10])
            await publisher.publish(records[10:])
            await publisher.publish([])

    asyncio.run(publish())
    messages = read(broker.bootstrap, topic, PARTITIONS, at_least(len(records)))
    assert len(messages) == len(records)
    for key in {record.key for record in records}:
        found = [message for message in messages if message.key() == key]
        assert [message.value() for message in found] == [record.value for record in records if record.key == key]
        assert key is not None
        assert {message.partition() for message in found} == {partition_of(key.decode(), PARTITIONS)}
    headers = {message.value(): message.headers() for message in messages}
    assert headers[b"17"] == [("number", b"17"), ("none", None)]


def test_null_keys_and_values_stay_null(broker: EmbeddedBroker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}nulls"
    create(broker.bootstrap, [(topic, 1)])

    async def publish() -> None:
        async with publisher_to(broker.bootstrap) as publisher:
            await publisher.publish([Outgoing(topic, None, b"x", []), Outgoing(topic, b"k", None, [])])

    asyncio.run(publish())
    messages = read(broker.bootstrap, topic, 1, at_least(2))
    assert [(message.key(), message.value()) for message in messages] == [(None, b"x"), (b"k", None)]


def test_more_records_than_a_batch_holds_arrive_in_order(broker: EmbeddedBroker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}batches"
    create(broker.bootstrap, [(topic, 1)])
    records = [Outgoing(topic, b"key", str(k).encode() * 50_000, []) for k in range(100, 150)]

    async def publish() -> None:
        async with publisher_to(broker.bootstrap) as publisher:
            await publisher.publish(records)

    asyncio.run(publish())
    messages = read(broker.bootstrap, topic, 1, at_least(len(records)))
    assert [message.value() for message in messages] == [record.value for record in records]


def test_calls_at_the_same_time_share_partitions_and_each_stays_in_order(
    broker: EmbeddedBroker, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}shared"
    create(broker.bootstrap, [(topic, 1)])
    calls = [[Outgoing(topic, b"%d" % call, b"%d" % k, []) for k in range(200)] for call in range(5)]

    async def publish() -> None:
        async with publisher_to(broker.bootstrap) as publisher:
            await asyncio.gather(*map(publisher.publish, calls))

    asyncio.run(publish())
    messages = read(broker.bootstrap, topic, 1, at_least(1000))
    assert len(messages) == 1000
    for call in range(5):
        found = [message.value() for message in messages if message.key() == b"%d" % call]
        assert found == [b"%d" % k for k in range(200)]


def test_without_a_broker_publishing_fails_at_the_timeout() -> None:
    async def publish() -> None:
        async with publisher_to("127.0.0.1:1", timeout_s=0.3) as publisher:
            with pytest.raises(PublishError, match="did not accept"):
                await publisher.publish(numbered("anything", 5))

    asyncio.run(publish())


def test_a_record_too_large_is_refused_and_the_next_call_goes_through(
    broker: EmbeddedBroker, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}large"
    create(broker.bootstrap, [(topic, 1)])

    async def publish() -> None:
        async with publisher_to(broker.bootstrap) as publisher:
            small = numbered(topic, 3)
            with pytest.raises(PublishError, match="record 2 of 3"):
                await publisher.publish([small[0], Outgoing(topic, b"k", randbytes(1_048_577), []), small[2]])
            await publisher.publish(small)

    asyncio.run(publish())
    messages = read(broker.bootstrap, topic, 1, at_least(3))
    assert [message.value() for message in messages] == [b"0", b"1", b"2"]


def test_records_of_a_call_that_was_cancelled_without_a_broker_are_never_sent(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path)
    old, new = numbered("topic", 20)[:10], numbered("topic", 20)[10:]

    async def publish() -> None:
        async with publisher_to(broker.bootstrap) as publisher:
            under_way = asyncio.create_task(publisher.publish(old))
            await asyncio.sleep(0)
            under_way.cancel()
            with pytest.raises(asyncio.CancelledError):
                await under_way
            broker.start()
            await publisher.publish(new)

    try:
        asyncio.run(publish())
        metadata = AdminClient({"bootstrap.servers": broker.bootstrap}).list_topics(timeout=10)
        messages = read(broker.bootstrap, "topic", len(metadata.topics["topic"].partitions), at_least(len(new)))
    finally:
        broker.stop()
    assert sorted(message.value() or b"" for message in messages) == sorted(record.value or b"" for record in new)


def test_calls_that_are_cancelled_while_the_broker_answers_are_followed_by_whole_ones(tmp_path: Path) -> None:
    records = numbered("topic", 200)

    async def publish() -> None:
        async with publisher_to(broker.bootstrap) as publisher:
            await publisher.publish(records)
            for turns in range(1, 9):
                under_way = asyncio.create_task(publisher.publish(records))
                for _ in range(turns):  # by then batches of some partitions are sent, and not answered
                    await asyncio.sleep(0)
                under_way.cancel()
                await asyncio.gather(under_way, return_exceptions=True)
                await publisher.publish(records)

    with EmbeddedBroker(tmp_path) as broker:
        asyncio.run(publish())
        metadata = AdminClient({"bootstrap.servers": broker.bootstrap}).list_topics(timeout=10)
        partitions = len(metadata.topics["topic"].partitions)
        # a call that was cancelled may have been confirmed in part: every record is there nine times at least
        read(broker.bootstrap, "topic", partitions, partial(_has_each, records, 9))


def test_a_broker_that_comes_back_gets_everything_in_order(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path)
    records = [record for record in numbered("topic", 400) if record.key == b"customer-7"]

    async def publish() -> None:
        async with publisher_to(broker.bootstrap, timeout_s=0.3) as publisher:
            with pytest.raises(PublishError):
                await publisher.publish(records)
            broker.start()
            async with asyncio.timeout(20):
                while True:
                    with suppress(PublishError):
                        await publisher.publish(records)
                        return

    try:
        asyncio.run(publish())
        # the embedded broker creates topics as soon as a producer asks for them
        metadata = AdminClient({"bootstrap.servers": broker.bootstrap}).list_topics(timeout=10)
        partitions = len(metadata.topics["topic"].partitions)
        messages = read(broker.bootstrap, "topic", partitions, at_least(len(records)))
    finally:
        broker.stop()
    assert [message.value() for message in messages][-len(records) :] == [record.value for record in records]


def test_a_call_that_is_cancelled_leaves_a_publisher_that_works(broker: EmbeddedBroker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}cancelled"
    create(broker.bootstrap, [(topic, 1)])

    async def publish() -> None:
        async with publisher_to(broker.bootstrap) as publisher:
            for turns in range(12):  # each ends the call at another of its waits
                call = asyncio.create_task(publisher.publish(numbered(topic, 10)))
                for _ in range(turns):
                    await asyncio.sleep(0)
                call.cancel()
                await asyncio.gather(call, return_exceptions=True)
            await publisher.publish([Outgoing(topic, b"last", b"last", [])])

    asyncio.run(publish())
    messages = read(broker.bootstrap, topic, 1, lambda found: bool(found) and found[-1].value() == b"last")
    assert messages[-1].value() == b"last"
