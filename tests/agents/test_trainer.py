"""The trainer learns every example once and in order, despite repeats and crashes."""

import asyncio
from dataclasses import replace

import msgspec
import pytest

from stream.agents.models import CurrentModel
from stream.consent.agreements import Agreements, Statement
from stream.consent.purposes import Purpose
from stream.events.partitioner import partition_of
from stream.features.registry import DAY_MS
from stream.local.redis import EmbeddedRedis
from stream.online_models.example import encode_example
from stream.online_models.horizon import Seed, fixed_schedule
from stream.online_models.snapshot import decode_snapshot, encode_snapshot
from stream.processing.scorer import Scorer
from stream.projections.consents import Consents
from stream.settings import Settings
from stream.storage.horizon_desk import seed_rhythm
from stream.storage.keys import ProjectionKeys
from tests.agents.rig import until
from tests.agents.training import EXAMPLES, PARTITIONS, TrainerBench, folded, play
from tests.processing.frozen import SILENCE, frozen
from tests.processing.station import NOW_MS


def test_the_model_is_the_fold_over_the_topic(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def scenario(bench: TrainerBench) -> None:
        await bench.start()
        await until(bench.all_learned, "everything is learned")
        await bench.end()
        assert await bench.store().snapshot() == folded(EXAMPLES)
        assert (await bench.checkpoint()).offset == len(EXAMPLES)

    play(redis_server, namespace, scenario)


def test_what_an_import_leaves_counts_also_if_the_trainer_waits_already(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    seed = Seed(schedule=fixed_schedule(28.0), shop_gap_days=71.5, until_ms=EXAMPLES[-1].at_ms + 30 * DAY_MS)
    settings = replace(Settings.from_env({}), redis_url=redis_server.url, namespace=namespace)

    async def scenario(bench: TrainerBench) -> None:
        values, bench.topic.values = bench.topic.values, []
        await bench.start()
        assert await asyncio.to_thread(seed_rhythm, settings, seed, NOW_MS)
        bench.topic.values = values
        await until(bench.all_learned, "everything is learned")
        await bench.end()
        snapshot = await bench.store().snapshot()
        assert snapshot is not None
        rhythm = decode_snapshot(snapshot).rhythm
        assert rhythm is not None
        assert rhythm.shop_gap_days == 71.5

    play(redis_server, namespace, scenario)


def test_an_example_that_is_sent_again_is_learned_once(redis_server: EmbeddedRedis, namespace: str) -> None:
    twice = [*EXAMPLES[:300], *EXAMPLES[100:400], *EXAMPLES[390:], EXAMPLES[0], EXAMPLES[899]]

    async def scenario(bench: TrainerBench) -> None:
        await bench.start()
        await until(bench.all_learned, "everything is learned")
        await bench.end()
        assert await bench.store().snapshot() == folded(EXAMPLES)

    play(redis_server, namespace, scenario, [encode_example(example) for example in twice])


def test_nothing_is_learned_of_who_takes_profiling_back(redis_server: EmbeddedRedis, namespace: str) -> None:
    """Whenever it was: also what came before the withdrawal, as it is learned now."""
    refuser, agreed = "d", [example for k, example in enumerate(EXAMPLES) if k % 3]
    refused = [msgspec.structs.replace(example, customer_id=refuser) for example in EXAMPLES[::3]]
    places = {example.example_id: k for k, example in enumerate(EXAMPLES)}
    every = sorted([*agreed, *refused], key=lambda example: places[example.example_id])

    async def scenario(bench: TrainerBench) -> None:
        said = Agreements()
        said.add(Purpose.PROFILING, None, Statement(NOW_MS, True, "e-1", "consent withdrawn"))
        keys = ProjectionKeys(namespace, Consents.name, Consents.version, 0)
        await bench.client.set(keys.customer(partition_of(refuser, PARTITIONS), refuser), msgspec.json.encode(said))
        await bench.client.hset(keys.meta(0), "state", "{}")
        await bench.start()
        await until(bench.all_learned, "everything is learned")
        await bench.end()
        assert await bench.store().snapshot() == folded(agreed)

    play(redis_server, namespace, scenario, [encode_example(example) for example in every])


def test_an_invalid_record_is_skipped(redis_server: EmbeddedRedis, namespace: str) -> None:
    values = [b"", b"{", b'{"kind":"label"}', *map(encode_example, EXAMPLES[:100]), b"null"]

    async def scenario(bench: TrainerBench) -> None:
        await bench.start()
        await until(bench.all_learned, "everything is learned")
        await bench.end()
        assert await bench.store().snapshot() == folded(EXAMPLES[:100])

    play(redis_server, namespace, scenario, values)


def test_trainers_that_come_and_go_make_the_same_model(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def scenario(bench: TrainerBench) -> None:
        for target in (200, 450, 700):
            await bench.start()
            await until(lambda target=target: bench.topic.acked_to >= target, "some are learned")  # type: ignore[misc]
            await bench.end()
        await bench.start()
        await until(bench.all_learned, "everything is learned")
        await bench.end()
        assert await bench.store().snapshot() == folded(EXAMPLES)

    play(redis_server, namespace, scenario)


def test_a_frozen_model_stays_while_the_trainer_goes_on_learning(redis_server: EmbeddedRedis, namespace: str) -> None:
    snapshot = encode_snapshot(frozen(SILENCE))

    async def scenario(bench: TrainerBench) -> None:
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
    async def scenario(bench: TrainerBench) -> None:
        first = Scorer.first(28.0)
        current = CurrentModel(bench.store(), poll_s=60.0, first=first)
        assert not current.scorer.model.ready
        await current.refresh()
        assert current.scorer is first, "nothing has been learned"
        for version in (3, 4):
            await bench.client.set(bench.keys.snapshot(), encode_snapshot(frozen(SILENCE, version)))
            await current.refresh()
            assert (current.scorer.model.ready, current.scorer.model.version) == (True, version)
        scorer = current.scorer
        await bench.client.set(bench.keys.snapshot(), b"garbage")
        await current.refresh()
        await current.refresh()
        assert current.scorer is scorer
        # a client left over from another test may log too
        ours = [record for record in caplog.records if record.name == CurrentModel.__module__]
        assert [record.levelname for record in ours] == ["ERROR"]
        await bench.client.delete(bench.keys.snapshot())
        await current.refresh()
        assert current.scorer is scorer
        assert scorer.snapshot == decode_snapshot(encode_snapshot(frozen(SILENCE, 4)))

    play(redis_server, namespace, scenario)
