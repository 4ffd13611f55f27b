"""Generations of a projection in a real Redis."""

import asyncio

import pytest
import redis

from stream.errors import SystematicError
from stream.local.redis import EmbeddedRedis
from stream.settings import Settings
from stream.storage.connection import connect
from stream.storage.consent_desk import ConsentDesk
from stream.storage.keys import Keys, ProjectionKeys
from stream.storage.projection_desk import ProjectionDesk
from stream.storage.projection_store import ProjectionStore
from tests.projections.adding import Adding

OF = (Adding.name, Adding.version)


@pytest.fixture
def settings(redis_server: EmbeddedRedis, namespace: str) -> Settings:
    return Settings(redis_url=redis_server.url, namespace=namespace, partitions=1)


def test_a_worker_drops_former_generations_and_leaves_that_of_a_successor(settings: Settings) -> None:
    former, own, later = (ProjectionKeys(settings.namespace, *OF, generation) for generation in (9, 10, 11))

    async def drop() -> None:
        client = connect(settings)
        store = ProjectionStore(client, Keys(settings.namespace), *OF, 0, "worker")
        await store.claim()
        # a successor that it has not heard of yet
        await client.set(later.customer(0, "c-1"), b"{}")
        position = await store.drop_former(0)
        while position:
            position = await store.drop_former(position)
        await client.aclose()

    with redis.Redis.from_url(settings.redis_url) as client:
        client.set(Keys(settings.namespace).projection_generation(*OF), 10)
        client.mset({keys.customer(0, "c-1"): b"{}" for keys in (former, own)})
        asyncio.run(drop())
        left_s = [client.ttl(keys.customer(0, "c-1")) for keys in (former, own, later)]
        # -1: it does not expire; -2: it is gone
        assert left_s[0] in {1, 0, -2}
        assert left_s[1:] == [-1, -1]


def test_a_damaged_generation_is_told(settings: Settings) -> None:
    with redis.Redis.from_url(settings.redis_url) as client:
        client.set(Keys(settings.namespace).projection_generation("consents", 1), "two")
        client.set(Keys(settings.namespace).projection_generation(*OF), "two")
    with ProjectionDesk(settings) as desk:
        with pytest.raises(SystematicError, match="projection adding in Redis is b'two', not a number"):
            desk.progress(*OF)
        with pytest.raises(SystematicError, match="projection adding in Redis is b'two', not a number"):
            desk.state(*OF, "c-1", "c-1")
        with pytest.raises(SystematicError, match="projection adding in Redis is b'two', not a number"):
            desk.stored_at([desk.place(*OF, "c-1", "c-1")])
    with ConsentDesk(settings) as consents, pytest.raises(SystematicError, match="projection consents in Redis"):
        consents.read(["c-1"])
