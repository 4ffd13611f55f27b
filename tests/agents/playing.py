"""Plays a log through the worker of a partition."""

import random
from collections.abc import Awaitable, Callable, Sequence

from stream.agents.partition_worker import PartitionWorker
from stream.events.kinds import EventKind
from stream.local.redis import EmbeddedRedis
from stream.processing.rules import Rules
from stream.processing.scorer import Scorer
from stream.storage.connection import Client
from tests.agents.rig import Rig
from tests.features.lists_of_events import BEGIN, DAY
from tests.oracle.event import Event
from tests.oracle.record import LogEntry, Record, logs_of, type_of
from tests.processing.frozen import SILENCE, scorer_of
from tests.storage.redis_client import with_redis

RULES = Rules(silence_bound_ms=70 * DAY)


CUSTOMERS = [f"customer-{k}" for k in range(12)]


def seeded_log(seed: int, count: int = 500) -> list[LogEntry]:
    """Orders, clicks and e-mails over half a year, a tenth of them sent twice, and some dead letters."""
    generator = random.Random(seed)
    kinds = (
        [EventKind.ORDER_COMPLETED] * 4 + [EventKind.PAGE_VIEWED] * 4 + [EventKind.EMAIL_OPENED, EventKind.EMAIL_SENT]
    )
    log: list[LogEntry] = []
    now = BEGIN
    for number in range(count):
        now += generator.randrange(180 * DAY // count)
        kind = generator.choice(kinds)
        is_order = kind is EventKind.ORDER_COMPLETED
        event = Event(
            f"event-{number}",
            kind,
            now - generator.randrange(DAY // 10),
            f"order-{number}" if is_order else "",
            generator.randrange(1_000_000) if is_order else 0,
        )
        customer = generator.choice(CUSTOMERS)
        log.append((customer, event))
        if generator.random() < 0.1:
            log.append((customer, event))
        if generator.random() < 0.03:
            log.append((type_of(event), Record(b"key", b"{broken", now)))
    return log


LOG = seeded_log(1)


def play(
    redis: EmbeddedRedis,
    namespace: str,
    scenario: Callable[[Rig], Awaitable[None]],
    log: Sequence[LogEntry] = LOG,
    scorer: Scorer | None = None,
    **options: object,
) -> None:
    async def use(client: Client) -> None:
        rig = Rig(client, namespace, list(logs_of(log).values()), RULES, scorer or scorer_of(SILENCE), **options)
        try:
            await scenario(rig)
        finally:
            await rig.end()

    with_redis(redis.url, use)


def has_reached(rig: Rig, worker: PartitionWorker, at_ms: int) -> bool:
    return (worker.partition.state.stream_time_ms or 0) > at_ms and rig.is_done(worker)
