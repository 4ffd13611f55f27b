"""A projection that learns for everybody passes over those who do not agree; the others are learned from."""

import asyncio
from collections.abc import Sequence

import msgspec
import orjson
import pytest

from stream.agents.agreeing import Agreeing
from stream.agents.worker_options import all_is_read
from stream.clock import FixedClock
from stream.consent.agreements import Agreements, Statement
from stream.consent.consented import Consented
from stream.consent.purposes import Purpose
from stream.errors import StorageError
from stream.events.partitioner import partition_of
from stream.local.redis import EmbeddedRedis
from stream.projections.all_projections import PROJECTIONS
from stream.projections.classification import Classification, customer_key
from stream.projections.consents import Consents
from stream.projections.protocol import Asking
from stream.projections.recommendations import Recommendations, shopper_key
from stream.settings import Settings
from stream.storage.connection import Client, connect
from stream.storage.consent_desk import read_consents
from stream.storage.keys import ProjectionKeys
from stream.texts.text_records import KEY, FeedbackText, encode_text
from tests.oracle.record import Record
from tests.projections.stepping import SteppedPartition, part_of

NOW_MS = 1_767_571_200_000
#: Projections that learn for everybody: those that ask, and those that follow consents by themselves.
LEARNING = {"recommendations", "classification"}


def order(offset: int, customer: str, name: str, *items: str) -> Record:
    lines = [{"product_id": item} for item in items]
    told = {"name": name, "order_id": f"o-{customer}-{items[0]}", "items": lines}
    body = {"event_id": f"e{offset}", "customer_id": customer, "occurred_at": NOW_MS / 1000 - 100 + offset, **told}
    return Record(customer.encode(), orjson.dumps(body), NOW_MS, offset)


def text(offset: int, customer: str) -> Record:
    written = FeedbackText(
        text_id=f"t{offset}",
        customer_id=customer,
        occurred_at=NOW_MS / 1000,
        name="rated",
        text=f"the parcel of {customer} came too late",
        mood="negative",
        category="delivery",
    )
    return Record(KEY.encode(), encode_text(written), NOW_MS, offset)


async def say(client: Client, settings: Settings, customer: str, *, is_withdrawn: bool) -> None:
    """Let the projection `consents` know."""
    said = Agreements()
    said.add(Purpose.PROFILING, None, Statement(NOW_MS, is_withdrawn, "e-1", "consent"))
    keys = ProjectionKeys(settings.namespace, Consents.name, Consents.version, 0)
    key = keys.customer(partition_of(customer, settings.partitions), customer)
    await client.set(key, msgspec.json.encode(said))
    await client.hset(keys.meta(0), "state", "{}")


class Runner:
    """Steps of a partition, as the worker makes them."""

    def __init__(self, settings: Settings, client: Client, name: str) -> None:
        async def consents(customers: Sequence[str]) -> Consented:
            return await read_consents(client, settings, customers)

        self._own = SteppedPartition(PROJECTIONS[name](settings))
        self.partition, self.stored = self._own.partition, self._own.stored
        self._agreeing = Agreeing(self.partition, consents, all_is_read, FixedClock(NOW_MS))

    async def step(self, records: Sequence[Record]) -> int:
        """Fold; returns how many records were passed over."""
        self._own.load(await self._agreeing.left_out(self.partition.read([part_of(0, records)])))
        outcome = self.partition.step(NOW_MS)
        assert not outcome.rejected
        self._own.accept(outcome)
        return outcome.skipped


def test_nothing_is_learned_of_orders_of_who_does_not_agree(redis_server: EmbeddedRedis, namespace: str) -> None:
    settings = Settings(redis_url=redis_server.url, namespace=namespace, partitions=2, customer_ids="any")

    async def scenario() -> None:
        client = connect(settings)
        run = Runner(settings, client, Recommendations.name)
        assert await run.step([order(0, "ann", "completed", "tea"), order(1, "bob", "completed", "cup")]) == 0
        await say(client, settings, "bob", is_withdrawn=True)
        news = [order(2, "bob", "completed", "pot"), order(3, "ann", "completed", "jam")]
        assert await run.step(news) == 1
        known = msgspec.json.decode(run.stored[shopper_key("bob")])
        assert [*known["shopper"]["items"]] == ["cup"]
        counted = b"".join(run.stored.values())
        assert b'"jam"' in counted
        assert b'"pot"' not in counted
        # a return takes back what was counted before
        assert await run.step([order(4, "bob", "cancelled", "cup")]) == 0
        assert b'"cup"' not in b"".join(run.stored.values())
        await say(client, settings, "bob", is_withdrawn=False)
        assert await run.step([order(5, "bob", "completed", "pot")]) == 0
        assert b'"pot"' in b"".join(run.stored.values())
        await client.aclose()

    asyncio.run(scenario())


def test_nothing_is_learned_of_texts_of_who_does_not_agree(redis_server: EmbeddedRedis, namespace: str) -> None:
    settings = Settings(redis_url=redis_server.url, namespace=namespace, partitions=2)

    async def scenario() -> None:
        client = connect(settings)
        run = Runner(settings, client, Classification.name)
        await say(client, settings, "bob", is_withdrawn=True)
        assert await run.step([text(0, "ann"), text(1, "bob")]) == 1
        alone = Runner(settings, client, Classification.name)
        assert await alone.step([text(0, "ann")]) == 0
        assert run.stored == alone.stored
        assert customer_key("bob") not in run.stored
        await client.aclose()

    asyncio.run(scenario())


def test_with_opt_in_nothing_is_learned_of_who_has_said_nothing(redis_server: EmbeddedRedis, namespace: str) -> None:
    settings = Settings(redis_url=redis_server.url, namespace=namespace, partitions=2, consent_default="opt-in")

    async def scenario() -> None:
        client = connect(settings)
        await say(client, settings, "ann", is_withdrawn=False)
        run = Runner(settings, client, Classification.name)
        assert await run.step([text(0, "ann"), text(1, "bob")]) == 1
        assert customer_key("ann") in run.stored
        assert customer_key("bob") not in run.stored
        await client.aclose()

    asyncio.run(scenario())


def test_nothing_is_learned_while_it_cannot_be_known_who_agrees() -> None:
    settings = Settings(redis_url="redis://127.0.0.1:1", partitions=2)

    async def scenario() -> None:
        client = connect(settings)
        run = Runner(settings, client, Classification.name)
        with pytest.raises(StorageError):
            await run.step([text(0, "ann")])
        await client.aclose()

    asyncio.run(scenario())


def test_every_projection_that_learns_for_everybody_asks() -> None:
    settings = Settings()
    assert {name for name, make in PROJECTIONS.items() if isinstance(make(settings), Asking)} == LEARNING
