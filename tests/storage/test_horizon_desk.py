"""An import leaves the horizon of a history in Redis; models that have learned nothing begin with it."""

from dataclasses import replace

import numpy as np
import pytest

from stream.errors import SnapshotError, SystematicError
from stream.features.habit import SHOP_GAP_DAYS
from stream.features.registry import DAY_MS
from stream.online_models.horizon import HorizonPeriod, Seed
from stream.online_models.learner_settings import learner_settings_of
from stream.online_models.rhythm_history import rhythm_of_orders
from stream.settings import Settings
from stream.storage.connection import Client
from stream.storage.horizon_desk import HorizonInForce, decode_seed, horizon_in_force, rhythm_in_force, seed_rhythm
from stream.storage.keys import Keys
from stream.storage.model_store import Checkpoint, ModelStore
from tests.storage.redis_client import with_redis

NOW_MS = 1_760_000_000_000


@pytest.fixture(scope="module")
def quarterly() -> Seed:
    """A shop whose customers order every 80 days."""
    draw = np.random.default_rng(1)
    at = np.cumsum(draw.uniform(60, 100, (100, 8)), axis=1) * DAY_MS
    rhythm = rhythm_of_orders(np.repeat(np.arange(100), 8), NOW_MS - at.astype(np.int64).ravel(), NOW_MS)
    assert rhythm.known
    return Seed(schedule=rhythm.schedule, shop_gap_days=rhythm.shop_gap_days, until_ms=NOW_MS)


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


def test_scorers_and_the_trainer_begin_with_the_horizon_of_the_history(settings: Settings, quarterly: Seed) -> None:
    assert quarterly.schedule[-1].days > 28.0
    assert horizon_in_force(settings) == 28.0
    assert seed_rhythm(settings, quarterly, NOW_MS)
    rhythm = rhythm_in_force(settings)
    assert rhythm is not None
    assert rhythm.schedule == quarterly.schedule
    assert rhythm.shop_gap_days == quarterly.shop_gap_days > 60.0
    assert horizon_in_force(settings) == quarterly.schedule[-1].days
    seed = decode_seed(claimed(settings).seed)
    assert seed == quarterly
    assert learner_settings_of(settings, seed).seed == quarterly


def test_models_that_have_learned_keep_their_horizon(settings: Settings, quarterly: Seed) -> None:
    saved(settings)
    assert not seed_rhythm(settings, quarterly, NOW_MS)
    assert rhythm_in_force(settings) is None
    assert claimed(settings).seed is None


def test_a_second_import_changes_nothing(settings: Settings, quarterly: Seed) -> None:
    assert seed_rhythm(settings, quarterly, NOW_MS)
    other = Seed(schedule=(HorizonPeriod(0, 28.0),), shop_gap_days=30.0, until_ms=NOW_MS)
    assert not seed_rhythm(settings, other, NOW_MS + 1)
    assert horizon_in_force(settings) == quarterly.schedule[-1].days


def test_a_fixed_horizon_stays_and_the_gap_is_that_of_the_history(settings: Settings, quarterly: Seed) -> None:
    fixed = replace(settings, horizon_days=14.0)
    assert seed_rhythm(fixed, quarterly, NOW_MS)
    rhythm = rhythm_in_force(fixed)
    assert rhythm is not None
    assert rhythm.schedule == (HorizonPeriod(0, 14.0),)
    assert rhythm.shop_gap_days == quarterly.shop_gap_days
    assert horizon_in_force(replace(fixed, redis_url="redis://127.0.0.1:1/0")) == 14.0


def test_what_an_earlier_version_has_left_is_read() -> None:
    found = decode_seed(b'[{"since_ms":0,"days":56.0}]')
    assert found == Seed(schedule=(HorizonPeriod(0, 56.0),), shop_gap_days=SHOP_GAP_DAYS, until_ms=0)
    assert decode_seed(None) is None


def test_a_damaged_seed_is_named() -> None:
    with pytest.raises(SystematicError, match="import"):
        decode_seed(b"[{]")


def test_a_process_that_runs_for_long_follows_the_horizon(settings: Settings, quarterly: Seed) -> None:
    now_s = [1000.0]
    horizon = HorizonInForce(settings, lambda: now_s[0])
    assert horizon.days() == 28.0
    assert seed_rhythm(settings, quarterly, NOW_MS)
    assert horizon.days() == 28.0
    now_s[0] += 60.0
    assert horizon.days() == quarterly.schedule[-1].days > 28.0

    async def damage(client: Client) -> None:
        await client.set(Keys(settings.namespace).snapshot(), b"no snapshot")

    with_redis(settings.redis_url, damage)
    now_s[0] += 60.0
    assert horizon.days() == quarterly.schedule[-1].days
    with pytest.raises(SnapshotError):
        HorizonInForce(settings)
