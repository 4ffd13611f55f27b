"""Two worker processes, each with one partition: the one whose customers have all been silent follows the clock too."""

import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from stream.events.kinds import EventKind
from stream.events.partitioner import partition_of
from stream.local.broker import EmbeddedBroker
from stream.local.redis import EmbeddedRedis
from stream.storage.tokens import worker_of
from tests.field import Deployment
from tests.oracle.event import Event
from tests.oracle.made_up import DAY

pytestmark = pytest.mark.slow

SILENT, BUSY = 0, 1


@pytest.fixture
def field(
    broker: EmbeddedBroker, redis_server: EmbeddedRedis, tmp_path: Path, topic_prefix: str
) -> Iterator[Deployment]:
    field = Deployment(broker, redis_server, tmp_path, topic_prefix, partitions=2, clock_quiet_s=1.0, clock="auto")
    yield field
    field.close()


def customer_of(partition: int) -> str:
    return next(name for name in map("customer-{}".format, range(100)) if partition_of(name, 2) == partition)


def owners(field: Deployment) -> set[str]:
    tokens = [field.client.hget(field.keys.meta(partition), "token") for partition in (SILENT, BUSY)]
    return {worker_of(token) for token in tokens if isinstance(token, bytes)}


def orders(partition: int, first_ms: int, count: int) -> list[tuple[str, Event]]:
    """One every ten days."""
    customer = customer_of(partition)
    times = (first_ms + number * 10 * DAY for number in range(count))
    return [(customer, Event(f"{customer}-{at}", EventKind.ORDER_COMPLETED, at, f"o-{at}", 10_000)) for at in times]


def test_a_partition_that_is_silent_follows_the_clock_where_another_process_has_the_present(field: Deployment) -> None:
    now_ms = time.time_ns() // 1_000_000
    field.start_worker()
    field.start_worker()
    field.wait(lambda _: len(owners(field)) == 2, "each worker has a partition")
    sent = field.produce([*orders(SILENT, now_ms - 300 * DAY, 12), *orders(BUSY, now_ms - 122 * DAY, 12)])
    field.wait(
        lambda _: len(field.states()) == 2 and all(state.live for state in field.states().values()), "both follow"
    )
    assert len(owners(field)) == 2
    field.wait_until_done(len(sent))
    field.wait(
        lambda _: orjson.loads(field.documents()[customer_of(SILENT)])["stage"] == "lost", "the silent one is lost"
    )
    assert field.stop() == [0, 0]
