"""A trainer when Redis fails, batches get lost, or another trainer takes over."""

import asyncio
from typing import Any

from stream.errors import StorageError
from stream.local.redis import EmbeddedRedis
from stream.storage.model_store import ModelStore
from tests.agents.rig import until
from tests.agents.training import EXAMPLES, TrainerBench, folded, play


class FailingStore(ModelStore):
    """A store that refuses its first write, and does its second one without confirming it."""

    writes = 0

    async def save(self, *args: Any) -> None:
        self.writes += 1
        if self.writes == 1:
            raise StorageError("refused")
        await super().save(*args)
        if self.writes == 2:
            raise StorageError("written, but the answer was lost")


def test_when_redis_fails_the_trainer_returns_to_its_checkpoint(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def scenario(bench: TrainerBench) -> None:
        await bench.start(FailingStore(bench.client, bench.keys, "failing"), snapshot_s=0.0)
        await until(lambda: len(bench.topic.rewinds) == 2, "two failures")
        assert bench.topic.rewinds[0] == 0 < bench.topic.rewinds[1]
        # the second write may have held everything; then nothing is left to acknowledge
        await until(lambda: bench.all_learned() or bench.topic.rewinds[1] == len(EXAMPLES), "everything is learned")
        await bench.end()
        assert await bench.store().snapshot() == folded(EXAMPLES)

    play(redis_server, namespace, scenario)


def test_a_lost_batch_is_not_skipped(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def scenario(bench: TrainerBench) -> None:
        bench.topic.lost = {0, 210}
        await bench.start()
        await until(bench.all_learned, "everything is learned")
        await bench.end()
        assert len(bench.topic.rewinds) >= 1
        assert await bench.store().snapshot() == folded(EXAMPLES)

    play(redis_server, namespace, scenario)


def test_nothing_is_acked_before_it_is_saved(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def scenario(bench: TrainerBench) -> None:
        await bench.start(snapshot_s=0.0)
        await until(lambda: bench.topic.acked_to > 0, "a first save")
        await bench.end()
        assert (await bench.checkpoint()).offset >= bench.topic.acked_to

    play(redis_server, namespace, scenario)


def test_a_trainer_that_was_replaced_waits_also_when_batches_keep_coming(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def scenario(bench: TrainerBench) -> None:
        await bench.start(fenced_wait_s=60.0)
        await until(lambda: bench.topic.acked_to > 0, "a first save")
        other = bench.store("other")
        await other.claim()
        stored = await bench.client.hgetall(bench.keys.checkpoint())
        loop = asyncio.get_running_loop()
        began = loop.time()
        bench.topic.begin(0)  # the fetched batches are current and come again and again
        while loop.time() - began < 1.0:
            assert await bench.client.hgetall(bench.keys.checkpoint()) == stored
            if bench.topic.position == len(bench.topic.values):
                bench.topic.position = 0
            await asyncio.sleep(0.01)

    play(redis_server, namespace, scenario)


def test_a_trainer_that_was_replaced_but_not_revoked_takes_over_again(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def scenario(bench: TrainerBench) -> None:
        await bench.start()
        await until(lambda: bench.topic.acked_to > 0, "a first save")
        await bench.store("other").claim()
        await until(bench.all_learned, "everything is learned")
        await bench.end()
        assert await bench.store().snapshot() == folded(EXAMPLES)

    play(redis_server, namespace, scenario)
