"""Operators' decisions win over the trainer's choice, at once and for as long as they say."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise

import pytest

from stream.errors import StorageError
from stream.settings import Settings
from stream.storage.connection import Client
from stream.storage.keys import Keys
from stream.storage.model_desk import ModelDesk
from stream.storage.model_store import Candidate, Checkpoint, ModelStore, Publication
from tests.storage.redis_client import with_redis

HOUR_MS = 3_600_000


class Trainer:
    """Saves one step after the other, as the trainer does."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._step = 0

    def save(self, champion: str = "standard", at_ms: int = 0, *, in_use: bool = True) -> None:
        """Publish ``standard-STEP`` and ``quick-STEP``."""
        self._step += 1
        step = self._step

        async def use(client: Client) -> None:
            store = ModelStore(client, Keys(self._settings.namespace), "trainer")
            await store.claim()
            candidates = {
                name: Candidate(10 * step + k, f"{name}-{step}".encode())
                for k, name in enumerate(("standard", "quick"))
            }
            await store.save(Checkpoint(b"", step), {}, Publication(champion, candidates, b"report", at_ms, in_use))

        with_redis(self._settings.redis_url, use)


@pytest.fixture
def desk(settings: Settings) -> Iterator[ModelDesk]:
    with ModelDesk(settings) as opened:
        yield opened


@pytest.fixture
def trainer(settings: Settings) -> Trainer:
    return Trainer(settings)


def test_before_the_first_save_there_is_nothing_to_decide(desk: ModelDesk) -> None:
    stored = desk.look()
    assert (stored.snapshot, stored.candidates, stored.kept, stored.in_use) == (None, {}, (), ("", 0))
    assert not desk.promote("standard", by="ann", now_ms=1)
    assert not desk.automatic(by="ann", now_ms=1)
    assert not desk.unfreeze(by="ann", now_ms=1)
    assert desk.look().decisions == ()


def test_the_champion_of_the_figures_scores_until_told_otherwise(desk: ModelDesk, trainer: Trainer) -> None:
    trainer.save()
    assert desk.look().snapshot == b"standard-1"
    trainer.save(champion="quick")
    stored = desk.look()
    assert (stored.snapshot, stored.in_use, stored.automatic) == (b"quick-2", ("quick", 21), "quick")
    assert stored.candidates == {"standard": b"standard-2", "quick": b"quick-2"}


def test_a_promoted_model_scores_at_once_and_goes_on_learning(desk: ModelDesk, trainer: Trainer) -> None:
    trainer.save()
    assert desk.promote("quick", by="ann@desk", now_ms=1_000)
    assert desk.look().snapshot == b"quick-1"
    trainer.save(champion="standard")
    stored = desk.look()
    assert (stored.snapshot, stored.pinned, stored.automatic) == (b"quick-2", "quick", "standard")
    assert desk.automatic(by="bob", now_ms=2_000)
    assert desk.look().snapshot == b"standard-2"
    assert [(d.at, d.by, d.action, d.model) for d in desk.look().decisions] == [
        ("1970-01-01T00:00:02.000Z", "bob", "automatic", ""),
        ("1970-01-01T00:00:01.000Z", "ann@desk", "promote", "quick"),
    ]


def test_an_unknown_model_is_not_promoted(desk: ModelDesk, trainer: Trainer) -> None:
    trainer.save()
    assert not desk.promote("nobody", by="ann", now_ms=1)
    stored = desk.look()
    assert (stored.snapshot, stored.pinned, stored.decisions) == (b"standard-1", "", ())


def test_a_promoted_model_that_disappears_gives_way_to_the_champion(
    desk: ModelDesk, trainer: Trainer, settings: Settings
) -> None:
    trainer.save()
    desk.promote("quick", by="ann", now_ms=1)

    async def save_without_quick(client: Client) -> None:
        store = ModelStore(client, Keys(settings.namespace), "trainer")
        await store.claim()
        publication = Publication("standard", {"standard": Candidate(90, b"standard-9")}, b"report", 0)
        await store.save(Checkpoint(b"", 9), {}, publication)

    with_redis(settings.redis_url, save_without_quick)
    assert desk.look().snapshot == b"standard-9"
    assert set(desk.look().candidates) == {"standard"}


def test_a_frozen_snapshot_stays_until_it_is_unfrozen(desk: ModelDesk, trainer: Trainer) -> None:
    trainer.save()
    desk.freeze(by="ann", now_ms=1)
    trainer.save()
    trainer.save(champion="quick")
    assert (desk.look().snapshot, desk.look().frozen) == (b"standard-1", True)
    assert desk.unfreeze(by="ann", now_ms=2)
    assert (desk.look().snapshot, desk.look().frozen) == (b"quick-3", False)


def test_a_rollback_stays_until_it_is_unfrozen(desk: ModelDesk, trainer: Trainer) -> None:
    trainer.save()
    trainer.save(champion="quick")
    (kept,) = desk.look().kept
    assert kept == b"standard-1"
    desk.rollback("standard", 10, kept, by="ann", now_ms=5)
    trainer.save(champion="quick")
    stored = desk.look()
    assert (stored.snapshot, stored.in_use, stored.frozen) == (b"standard-1", ("standard", 10), True)
    assert stored.kept[0] == b"quick-2"
    desk.unfreeze(by="ann", now_ms=6)
    assert desk.look().snapshot == b"quick-3"


def test_a_promotion_after_a_rollback_ends_the_freeze(desk: ModelDesk, trainer: Trainer) -> None:
    trainer.save()
    desk.freeze(by="ann", now_ms=1)
    desk.promote("quick", by="ann", now_ms=2)
    trainer.save()
    assert desk.look().snapshot == b"quick-2"


def test_one_snapshot_an_hour_is_kept_and_no_more_than_twenty(desk: ModelDesk, trainer: Trainer) -> None:
    for minute in range(0, 26 * 60, 30):
        trainer.save(at_ms=1_700_000_000_000 + minute * 60_000)
    stored = desk.look()
    assert len(stored.kept) == 20
    steps = [int(kept.removeprefix(b"standard-")) for kept in stored.kept]
    assert steps == sorted(steps, reverse=True)
    assert {later - earlier for later, earlier in pairwise(steps)} == {2}


def test_a_trainer_that_may_not_publish_still_obeys_a_promotion(desk: ModelDesk, trainer: Trainer) -> None:
    trainer.save(in_use=False)
    assert desk.look().snapshot is None
    assert desk.promote("quick", by="ann", now_ms=1)
    trainer.save(in_use=False)
    assert desk.look().snapshot == b"quick-1"


def test_without_redis_the_desk_says_so() -> None:
    with ModelDesk(Settings(redis_url="redis://127.0.0.1:1/0")) as desk:
        with pytest.raises(StorageError, match="cannot be read"):
            desk.look()
        with pytest.raises(StorageError, match="not known"):
            desk.freeze(by="ann", now_ms=1)


def test_a_champion_must_be_a_candidate() -> None:
    with pytest.raises(ValueError, match="not among"):
        Publication("gone", {}, b"", 0)


def test_concurrent_saves_never_undo_a_decision(desk: ModelDesk, trainer: Trainer, settings: Settings) -> None:
    trainer.save()

    async def use(client: Client) -> list[bytes | None]:
        store = ModelStore(client, Keys(settings.namespace), "trainer")
        await store.claim()
        seen: list[bytes | None] = []
        for step in range(2, 60):
            if step == 30:
                await asyncio.to_thread(desk.promote, "quick", by="ann", now_ms=1)
            candidates = {name: Candidate(step, name.encode()) for name in ("standard", "quick")}
            await store.save(Checkpoint(b"", step), {}, Publication("standard", candidates, b"report", 0))
            seen.append(await store.snapshot())
        return seen

    seen = with_redis(settings.redis_url, use)
    assert seen == [b"standard"] * 28 + [b"quick"] * 30
