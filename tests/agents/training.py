"""A topic of examples and a trainer over it, for tests."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

from stream.agents.trainer import Trainer
from stream.agents.training_queue import TrainingQueue
from stream.clock import FixedClock
from stream.consent.consented import Consented
from stream.local.redis import EmbeddedRedis
from stream.online_models.example import Example, encode_example
from stream.online_models.learner import Learner, LearnerSettings
from stream.online_models.snapshot import encode_snapshot
from stream.settings import Settings
from stream.storage.connection import Client
from stream.storage.consent_desk import read_consents
from stream.storage.keys import Keys
from stream.storage.model_store import Checkpoint, ModelStore
from tests.online_models.made_up import examples
from tests.oracle.record import Record
from tests.processing.station import NOW_MS
from tests.storage.redis_client import with_redis

TOPIC = "training-examples"
#: Records of a batch.
FETCHED = 70
#: Of the projections that a trainer asks.
PARTITIONS = 2
SETTINGS = LearnerSettings(min_labels=50)


def distinct(seed: int, count: int) -> list[Example]:
    """Made-up examples, each with an id of its own."""
    return [
        msgspec.structs.replace(example, example_id=f"{seed}-{number}")
        for number, example in enumerate(examples(seed, count))
    ]


EXAMPLES = distinct(5, 900)


def folded(learned: Sequence[Example]) -> bytes:
    """The snapshot of a learner that has learned these, in this order."""
    learner = Learner(SETTINGS)
    for example in learned:
        assert learner.learn(example) is None
    return encode_snapshot(learner.snapshot(NOW_MS))


@dataclass
class BatchOfExamples:
    """Examples of the training partition that were fetched together."""

    records: Sequence[Record]
    topic: "TrainingLog"
    lease: int
    start_offset: int
    next_offset: int

    @property
    def is_current(self) -> bool:
        return self.lease == self.topic.lease

    def keep(self, records: Sequence[Record]) -> None:
        self.records = records

    def ack(self) -> None:
        self.topic.acked_to = self.next_offset


@dataclass
class TrainingLog:
    """The log of the training partition, delivered in batches from the trainer's offset."""

    values: Sequence[bytes]
    lease: int = 0
    position: int = 0
    acked_to: int = 0
    rewinds: list[int] = field(default_factory=list)
    is_held: bool = False
    #: The most records that were fetched and not acknowledged.
    most_fetched: int = 0
    #: Offsets of batches that get lost once.
    lost: set[int] = field(default_factory=set)

    async def rewind(self, offsets: Mapping[str, int]) -> None:
        self.rewinds.append(offsets[TOPIC])
        self.begin(offsets[TOPIC])

    def hold(self, _source: int) -> None:
        self.is_held = True

    def release(self, _source: int) -> None:
        self.is_held = False

    def begin(self, offset: int) -> None:
        self.lease += 1
        self.position = offset
        self.is_held = False

    async def deliver_to(self, trainer: Trainer, size: int = FETCHED) -> None:
        while True:
            part = self.values[self.position : self.position + size]
            if part and not self.is_held:
                records = [Record(None, value, 0, self.position + k) for k, value in enumerate(part)]
                start = self.position
                self.position += len(part)
                self.most_fetched = max(self.most_fetched, self.position - self.acked_to)
                if start in self.lost:
                    self.lost.remove(start)
                else:
                    trainer.deliver(cast("Any", BatchOfExamples(records, self, self.lease, start, self.position)))
            await asyncio.sleep(0)


class TrainerBench:
    """Trainers, one after the other, over one topic and one Redis."""

    def __init__(self, client: Client, namespace: str, values: Sequence[bytes]) -> None:
        self.client = client
        self.keys = Keys(namespace)
        self.topic = TrainingLog(values)
        self._running: list[tuple[Trainer, list[asyncio.Task[None]]]] = []

    def store(self, worker: str = "trainer") -> ModelStore:
        return ModelStore(self.client, self.keys, worker)

    async def _consents(self, customer_ids: Sequence[str]) -> Consented:
        return await read_consents(
            self.client, Settings(namespace=self.keys.namespace, partitions=PARTITIONS), customer_ids
        )

    async def start(self, store: ModelStore | None = None, **options: Any) -> Trainer:
        """A trainer, as an assignment starts it."""
        trainer = Trainer(
            store or self.store(),
            SETTINGS,
            TrainingQueue(cast("Any", self.topic), TOPIC),
            FixedClock(NOW_MS),
            **{"snapshot_s": 0.01, "fenced_wait_s": 0.2, "consents": self._consents, **options},
        )
        self.topic.begin(await trainer.claim())
        run = asyncio.create_task(trainer.run())
        self._running.append((trainer, [run, asyncio.create_task(self.topic.deliver_to(trainer))]))
        return trainer

    async def end(self) -> None:
        """Stop the running trainer in good order."""
        for trainer, (run, fetch) in self._running:
            trainer.stop()
            async with asyncio.timeout(10):
                await run
            fetch.cancel()
            with suppress(asyncio.CancelledError):
                await fetch
        self._running.clear()

    def all_learned(self) -> bool:
        return self.topic.acked_to == len(self.topic.values)

    async def checkpoint(self) -> Checkpoint:
        """What is stored; claims it."""
        return await self.store("reader").claim()


def play(
    redis: EmbeddedRedis,
    namespace: str,
    scenario: Callable[[TrainerBench], Awaitable[None]],
    values: Sequence[bytes] | None = None,
) -> None:
    async def use(client: Client) -> None:
        bench = TrainerBench(client, namespace, values or [encode_example(example) for example in EXAMPLES])
        try:
            await scenario(bench)
        finally:
            await bench.end()

    with_redis(redis.url, use)
