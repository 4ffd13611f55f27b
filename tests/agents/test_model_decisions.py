"""An operator's decision reaches every scorer in time, even while the trainer publishes."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from stream.agents.models import CurrentModel
from stream.local.redis import EmbeddedRedis
from stream.online_models.learner import Learner, LearnerSettings
from stream.online_models.snapshot import decode_snapshot, encode_snapshot
from stream.settings import Settings
from stream.storage.connection import Client
from stream.storage.keys import Keys
from stream.storage.model_desk import ModelDesk
from stream.storage.model_store import Candidate, Checkpoint, ModelStore, Publication
from tests.agents.rig import until
from tests.online_models.made_up import examples
from tests.storage.redis_client import with_redis

PROMISED_S = 2.0
POLL_S = Settings().model_poll_ms / 1000


def _now_ms() -> int:
    return int(time.time() * 1000)


def publication(learner: Learner, at_ms: int) -> Publication:
    """The models that the trainer would offer."""
    snapshots = {name: learner.snapshot(at_ms, name) for name in learner.contenders()}
    return Publication(
        champion=learner.champion,
        candidates={
            name: Candidate(snapshot.churn.version, encode_snapshot(snapshot)) for name, snapshot in snapshots.items()
        },
        report=b"",
        at_ms=at_ms,
    )


class Looking(CurrentModel):
    """A scorer's model that counts its polls."""

    looks = 0

    async def refresh(self) -> None:
        await super().refresh()
        self.looks += 1


class ScorerBench:
    """A trainer that keeps publishing, and scorers of several workers that poll at the default interval."""

    def __init__(self, client: Client, settings: Settings) -> None:
        self.settings = settings
        self._store = ModelStore(client, Keys(settings.namespace), "trainer")
        self._learner = Learner(LearnerSettings(min_labels=20, min_class_labels=1))
        self._examples = examples(1, 100_000)
        self._published = 0
        self.scorers = [Looking(ModelStore(client, Keys(settings.namespace), f"w{k}"), POLL_S) for k in range(3)]

    async def publish(self) -> None:
        """Learn a little and save."""
        for _ in range(20):
            assert self._learner.learn(next(self._examples)) is None
        await self._store.save(Checkpoint(b"", 1), {}, publication(self._learner, _now_ms()))
        self._published += 1

    async def train(self) -> None:
        """Publish without pause."""
        while True:
            await self.publish()
            await asyncio.sleep(0.05)

    async def published(self, more: int) -> None:
        """Wait until the trainer has published so many times more; nobody else may use its store meanwhile."""
        wanted = self._published + more
        await until(lambda: self._published >= wanted, "the trainer publishes")

    async def decide(self, decision: Callable[[ModelDesk], object]) -> None:
        """Decide as another process would."""

        def act() -> None:
            with ModelDesk(self.settings) as desk:
                decision(desk)

        await asyncio.to_thread(act)

    def names(self) -> set[str]:
        return {current.scorer.snapshot.churn.name for current in self.scorers if current.scorer.snapshot is not None}

    def versions(self) -> set[int]:
        return {current.scorer.model.version for current in self.scorers}

    async def begin(self) -> list[asyncio.Task[None]]:
        await self._store.claim()
        for _ in range(5):
            await self.publish()
        tasks = [asyncio.create_task(current.run()) for current in self.scorers]
        tasks.append(asyncio.create_task(self.train()))
        await until(lambda: self.names() == {"standard"} and 0 not in self.versions(), "everyone scores")
        return tasks


def play(settings: Settings, scenario: Callable[[ScorerBench], Awaitable[None]]) -> None:
    async def use(client: Client) -> None:
        bench = ScorerBench(client, settings)
        tasks = await bench.begin()
        try:
            await scenario(bench)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    with_redis(settings.redis_url, use)


@pytest.fixture
def settings(redis_server: EmbeddedRedis, namespace: str) -> Settings:
    return Settings(redis_url=redis_server.url, namespace=namespace)


async def two_polls(bench: ScorerBench) -> None:
    """Wait until every scorer has polled twice: the first poll may have begun before the decision, the second has
    not.
    """
    before = [current.looks for current in bench.scorers]
    await until(
        lambda: all(current.looks >= seen + 2 for current, seen in zip(bench.scorers, before, strict=True)),
        "everyone has looked twice",
    )


def test_two_polls_end_within_the_promised_time() -> None:
    assert 3 * POLL_S <= PROMISED_S, "two pauses, and as much again for the polls"


def test_a_promotion_takes_effect_everywhere_with_the_second_poll(settings: Settings) -> None:
    async def scenario(bench: ScorerBench) -> None:
        await bench.decide(lambda desk: desk.promote("patient", by="ann", now_ms=_now_ms()))
        await two_polls(bench)
        assert bench.names() == {"patient"}

    play(settings, scenario)


def test_a_rollback_takes_effect_everywhere_with_the_second_poll_and_stays(settings: Settings) -> None:
    async def scenario(bench: ScorerBench) -> None:
        await bench.decide(lambda desk: desk.promote("quick", by="ann", now_ms=_now_ms()))
        await until(lambda: bench.names() == {"quick"}, "the promoted model scores")
        rolled_back: list[int] = []

        def roll_back(desk: ModelDesk) -> None:
            earlier = desk.look().kept[0]
            churn = decode_snapshot(earlier).churn
            rolled_back.append(churn.version)
            desk.rollback(churn.name, churn.version, earlier, by="ann", now_ms=_now_ms())

        await bench.decide(roll_back)
        await two_polls(bench)
        assert bench.versions() == set(rolled_back)
        await bench.published(5)
        for current in bench.scorers:
            await current.refresh()
        assert (bench.versions(), bench.names()) == (set(rolled_back), {"standard"})

    play(settings, scenario)
