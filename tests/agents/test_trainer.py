"""The trainer: every example once and in order, whatever is sent twice or dies in between."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
import pytest

from stream.agents.models import CurrentModel
from stream.agents.trainer import Trainer
from stream.clock import FixedClock
from stream.errors import StorageError
from stream.local.redis import EmbeddedRedis
from stream.online_models.example import Example, encode_example
from stream.online_models.learner import Learner, LearnerSettings
from stream.online_models.snapshot import decode_snapshot, encode_snapshot
from stream.storage.connection import Client
from stream.storage.keys import Keys
from stream.storage.model_store import Checkpoint, ModelStore
from tests.agents.rig import until
from tests.online_models.made_up import examples
from tests.oracle.record import Record
from tests.processing.frozen import SILENCE, frozen
from tests.processing.station import NOW_MS
from tests.storage.redis_client import with_redis

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
class Batch:
    """Examples of the training partition that were fetched together."""

    records: Sequence[Record]
    topic: "Topic"
    lease: int
    start_offset: int
    next_offset: int

    @property
    def is_current(self) -> bool:
        return self.lease == self.topic.lease

    def ack(self) -> None:
        self.topic.acked_to = self.next_offset


@dataclass
class Topic:
    """The log of the training partition, delivered in batches from wherever the trainer says."""

    values: Sequence[bytes]
    lease: int = 0
    position: int = 0
    acked_to: int = 0
    rewinds: list[int] = field(default_factory=list)
    #: Offsets of batches that get lost on their way, once.
    lost: set[int] = field(default_factory=set)

    async def rewind(self, offset: int) -> None:
        self.rewinds.append(offset)
        self.begin(offset)

    def begin(self, offset: int) -> None:
        self.lease += 1
        self.position = offset

    async def deliver_to(self, trainer: Trainer, size: int = 70) -> None:
        while True:
            part = self.values[self.position : self.position + size]
            if part:
                records = [Record(None, value, 0, self.position + k) for k, value in enumerate(part)]
                start = self.position
                self.position += len(part)
                if start in self.lost:
                    self.lost.remove(start)
                else:
                    trainer.deliver(cast("Any", Batch(records, self, self.lease, start, self.position)))
            await asyncio.sleep(0)


class Bench:
    """Trainers, one after the other, over one topic and one Redis."""

    def __init__(self, client: Client, namespace: str, values: Sequence[bytes]) -> None:
        self.client = client
        self.keys = Keys(namespace)
        self.topic = Topic(values)
        self._running: list[tuple[Trainer, list[asyncio.Task[None]]]] = []

    def store(self, worker: str = "trainer") -> ModelStore:
        return ModelStore(self.client, self.keys, worker)

    async def start(self, store: ModelStore | None = None, **options: Any) -> Trainer:
        """A trainer, as an assignment starts it."""
        trainer = Trainer(
            store or self.store(),
            SETTINGS,
            self.topic.rewind,
            FixedClock(NOW_MS),
            **{"snapshot_s": 0.01, "fenced_wait_s": 0.2, **options},
        )
        self.topic.begin(await trainer.claim())
        run = asyncio.create_task(trainer.run())
        self._running.append((trainer, [run, asyncio.create_task(self.topic.deliver_to(trainer))]))
        return trainer

    async def end(self) -> None:
        """Stop what runs, in good order."""
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
    scenario: Callable[[Bench], Awaitable[None]],
    values: Sequence[bytes] | None = None,
) -> None:
    async def use(client: Client) -> None:
        bench = Bench(client, namespace, values or [encode_example(example) for example in EXAMPLES])
        try:
            await scenario(bench)
        finally:
            await bench.end()

    with_redis(redis.url, use)


def test_the_model_is_the_fold_over_the_topic(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.start()
        await until(bench.all_learned, "everything is learned")
        await bench.end()
        assert await bench.store().snapshot() == folded(EXAMPLES)
        assert (await bench.checkpoint()).offset == len(EXAMPLES)

    play(redis_server, namespace, scenario)


def test_an_example_that_is_sent_again_is_learned_once(redis_server: EmbeddedRedis, namespace: str) -> None:
    twice = [*EXAMPLES[:300], *EXAMPLES[100:400], *EXAMPLES[390:], EXAMPLES[0], EXAMPLES[899]]

    async def scenario(bench: Bench) -> None:
        await bench.start()
        await until(bench.all_learned, "everything is learned")
        await bench.end()
        assert await bench.store().snapshot() == folded(EXAMPLES)

    play(redis_server, namespace, scenario, [encode_example(example) for example in twice])


def test_a_record_that_is_no_example_is_passed_over(redis_server: EmbeddedRedis, namespace: str) -> None:
    values = [b"", b"{", b'{"kind":"label"}', *map(encode_example, EXAMPLES[:100]), b"null"]

    async def scenario(bench: Bench) -> None:
        await bench.start()
        await until(bench.all_learned, "everything is learned")
        await bench.end()
        assert await bench.store().snapshot() == folded(EXAMPLES[:100])

    play(redis_server, namespace, scenario, values)


def test_trainers_that_come_and_go_make_the_same_model(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def scenario(bench: Bench) -> None:
        for target in (200, 450, 700):
            await bench.start()
            await until(lambda target=target: bench.topic.acked_to >= target, "some are learned")  # type: ignore[misc]
            await bench.end()
        await bench.start()
        await until(bench.all_learned, "everything is learned")
        await bench.end()
        assert await bench.store().snapshot() == folded(EXAMPLES)

    play(redis_server, namespace, scenario)


class Failing(ModelStore):
    """A store whose first write is refused, and whose second is done but not confirmed."""

    writes = 0

    async def save(self, *args: Any) -> None:
        self.writes += 1
        if self.writes == 1:
            raise StorageError("refused")
        await super().save(*args)
        if self.writes == 2:
            raise StorageError("written, but the answer was lost")


def test_when_redis_fails_the_trainer_goes_back_to_its_checkpoint(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.start(Failing(bench.client, bench.keys, "failing"), snapshot_s=0.0)
        await until(lambda: len(bench.topic.rewinds) == 2, "two failures")
        assert bench.topic.rewinds[0] == 0 < bench.topic.rewinds[1]
        # the second write may have held everything: then there is nothing left to ack
        await until(lambda: bench.all_learned() or bench.topic.rewinds[1] == len(EXAMPLES), "everything is learned")
        await bench.end()
        assert await bench.store().snapshot() == folded(EXAMPLES)

    play(redis_server, namespace, scenario)


def test_a_batch_that_gets_lost_on_its_way_is_not_passed_over(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def scenario(bench: Bench) -> None:
        bench.topic.lost = {0, 210}
        await bench.start()
        await until(bench.all_learned, "everything is learned")
        await bench.end()
        assert len(bench.topic.rewinds) >= 1
        assert await bench.store().snapshot() == folded(EXAMPLES)

    play(redis_server, namespace, scenario)


def test_nothing_is_acked_before_it_is_saved(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.start(snapshot_s=0.0)
        await until(lambda: bench.topic.acked_to > 0, "a first save")
        await bench.end()
        assert (await bench.checkpoint()).offset >= bench.topic.acked_to

    play(redis_server, namespace, scenario)


def test_a_trainer_that_was_replaced_waits_also_when_batches_keep_coming(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.start(fenced_wait_s=60.0)
        await until(lambda: bench.topic.acked_to > 0, "a first save")
        other = bench.store("other")
        await other.claim()
        stored = await bench.client.hgetall(bench.keys.checkpoint())
        loop = asyncio.get_running_loop()
        began = loop.time()
        bench.topic.begin(0)  # what was fetched is current, and comes again and again
        while loop.time() - began < 1.0:
            assert await bench.client.hgetall(bench.keys.checkpoint()) == stored
            if bench.topic.position == len(bench.topic.values):
                bench.topic.position = 0
            await asyncio.sleep(0.01)

    play(redis_server, namespace, scenario)


def test_a_trainer_that_was_replaced_but_not_revoked_takes_over_again(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.start()
        await until(lambda: bench.topic.acked_to > 0, "a first save")
        await bench.store("other").claim()
        await until(bench.all_learned, "everything is learned")
        await bench.end()
        assert await bench.store().snapshot() == folded(EXAMPLES)

    play(redis_server, namespace, scenario)


def test_a_frozen_model_stays_while_the_trainer_goes_on_learning(redis_server: EmbeddedRedis, namespace: str) -> None:
    snapshot = encode_snapshot(frozen(SILENCE))

    async def scenario(bench: Bench) -> None:
        await bench.client.set(bench.keys.snapshot(), snapshot)
        await bench.start(publish=False)
        await until(bench.all_learned, "everything is learned")
        await bench.end()
        assert await bench.store().snapshot() == snapshot
        assert (await bench.checkpoint()).offset == len(EXAMPLES)

    play(redis_server, namespace, scenario)


def test_a_scorer_follows_the_snapshot_and_keeps_the_last_good_one(
    redis_server: EmbeddedRedis, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(bench: Bench) -> None:
        current = CurrentModel(bench.store(), poll_s=60.0)
        await current.refresh()
        assert current.scorer.snapshot is None
        for version in (3, 4):
            await bench.client.set(bench.keys.snapshot(), encode_snapshot(frozen(SILENCE, version)))
            await current.refresh()
            assert (current.scorer.model.ready, current.scorer.model.version) == (True, version)
        scorer = current.scorer
        await bench.client.set(bench.keys.snapshot(), b"garbage")
        await current.refresh()
        await current.refresh()
        assert current.scorer is scorer
        # a client that another test has left behind may log as well
        ours = [record for record in caplog.records if record.name == CurrentModel.__module__]
        assert [record.levelname for record in ours] == ["ERROR"]
        await bench.client.delete(bench.keys.snapshot())
        await current.refresh()
        assert current.scorer is scorer
        assert scorer.snapshot == decode_snapshot(encode_snapshot(frozen(SILENCE, 4)))

    play(redis_server, namespace, scenario)
