"""An import leaves the horizon of a history in Redis; models that have learned nothing begin with it."""

from dataclasses import replace

import numpy as np
import pytest

from stream.errors import SnapshotError, StorageError
from stream.features.registry import DAY_MS
from stream.online_models.horizon import HorizonPeriod, Rhythm
from stream.online_models.learner_settings import learner_settings_of
from stream.online_models.rhythm_history import rhythm_of_orders
from stream.settings import Settings
from stream.storage.connection import Client
from stream.storage.horizon_desk import HorizonInForce, decode_seed, horizon_in_force, rhythm_in_force, seed_horizon
from stream.storage.keys import Keys
from stream.storage.model_store import Checkpoint, ModelStore
from tests.storage.redis_client import with_redis

NOW_MS = 1_760_000_000_000


@pytest.fixture(scope="module")
def quarterly() -> Rhythm:
    """A shop whose customers order every 80 days."""
    draw = np.random.default_rng(1)
    at = np.cumsum(draw.uniform(60, 100, (100, 8)), axis=1) * DAY_MS
    return rhythm_of_orders(np.repeat(np.arange(100), 8), NOW_MS - at.astype(np.int64).ravel(), NOW_MS)


def claimed(settings: Settings) -> Checkpoint:
    found: list[Checkpoint] = []

    async def use(client: Client) -> None:
        found.append(await ModelStore(client, Keys(settings.namespace), "trainer").claim())

    with_redis(settings.redis_url, use)
    return found[0]


def saved(settings: Settings) -> None:
    async def use(client: Client) -> None:
        store = ModelStore(client, Keys(settings.namespace), "trainer")
        await store.claim()
        await store.save(Checkpoint(b"learned", 3), {}, None)

    with_redis(settings.redis_url, use)


def test_scorers_and_the_trainer_begin_with_the_horizon_of_the_history(settings: Settings, quarterly: Rhythm) -> None:
    assert quarterly.horizon_days > 28.0
    assert horizon_in_force(settings) == 28.0
    assert seed_horizon(settings, quarterly, NOW_MS)
    rhythm = rhythm_in_force(settings)
    assert rhythm is not None
    assert rhythm.schedule == quarterly.schedule
    assert horizon_in_force(settings) == quarterly.horizon_days
    seed = decode_seed(claimed(settings).seed)
    assert seed == quarterly.schedule
    assert learner_settings_of(settings, seed).seed == quarterly.schedule


def test_models_that_have_learned_keep_their_horizon(settings: Settings, quarterly: Rhythm) -> None:
    saved(settings)
    assert not seed_horizon(settings, quarterly, NOW_MS)
    assert rhythm_in_force(settings) is None
    assert claimed(settings).seed is None


def test_a_second_import_changes_nothing(settings: Settings, quarterly: Rhythm) -> None:
    assert seed_horizon(settings, quarterly, NOW_MS)
    other = Rhythm(
        known=False,
        customer_weeks=0,
        shop_gap_days=30.0,
        gap_quantiles=(),
        silent_shares=(),
        schedule=(HorizonPeriod(0, 28.0),),
    )
    assert not seed_horizon(settings, other, NOW_MS + 1)
    assert horizon_in_force(settings) == quarterly.horizon_days


def test_a_fixed_horizon_ignores_the_history(settings: Settings, quarterly: Rhythm) -> None:
    fixed = replace(settings, horizon_days=14.0, redis_url="redis://127.0.0.1:1/0")
    assert horizon_in_force(fixed) == 14.0
    assert not seed_horizon(fixed, quarterly, NOW_MS)


def test_a_damaged_seed_is_named() -> None:
    with pytest.raises(StorageError, match="horizon"):
        decode_seed(b"[{]")


def test_a_process_that_runs_for_long_follows_the_horizon(settings: Settings, quarterly: Rhythm) -> None:
    now_s = [1000.0]
    horizon = HorizonInForce(settings, lambda: now_s[0])
    assert horizon.days() == 28.0
    assert seed_horizon(settings, quarterly, NOW_MS)
    assert horizon.days() == 28.0
    now_s[0] += 60.0
    assert horizon.days() == quarterly.horizon_days > 28.0

    async def damage(client: Client) -> None:
        await client.set(Keys(settings.namespace).snapshot(), b"no snapshot")

    with_redis(settings.redis_url, damage)
    now_s[0] += 60.0
    assert horizon.days() == quarterly.horizon_days
    with pytest.raises(SnapshotError):
        HorizonInForce(settings)
