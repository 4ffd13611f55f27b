"""Whoever goes by what customers have said waits until it has been read."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import cast

import msgspec
import orjson
import pytest
import redis

from stream.agents.consents_read import ConsentsRead
from stream.agents.outbox import Outbox
from stream.agents.projection_worker import ProjectionWorker
from stream.agents.publisher import Publisher
from stream.agents.worker_options import WorkerOptions
from stream.cli.publish_one import publish_one
from stream.cli.topics import create_topics
from stream.client.producer import Producer
from stream.clock import FixedClock
from stream.errors import UnreadError
from stream.events.model import ConsentEvent
from stream.identity.records import KEY, IdentityLink, encode_link
from stream.local.durable_broker import DurableBroker
from stream.local.redis import EmbeddedRedis
from stream.online_models.example import encode_example
from stream.projections.consents import Consents
from stream.projections.folding import FoldingPartition, ProjectionTopics
from stream.projections.identity import Identity
from stream.projections.recommendations import Recommendations, shopper_key
from stream.settings import Settings
from stream.storage.connection import connect
from stream.storage.consent_desk import read_consents
from stream.storage.keys import Keys, ProjectionKeys
from stream.storage.projection_desk import ProjectionDesk
from stream.storage.projection_store import ProjectionStore
from tests.agents.projection_rig import BatchOfRecords, ProjectionLog
from tests.agents.rig import KeepingPublisher, until
from tests.agents.test_agreeing import NOW_MS, order, say
from tests.agents.training import EXAMPLES, TrainerBench, play


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DurableBroker]:
    """The embedded broker tells the end of a log only up to the begin of its last batch."""
    with DurableBroker(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture
def settings(broker: DurableBroker, redis_server: EmbeddedRedis, namespace: str) -> Settings:
    """Two people have said something that `consents` has not read."""
    settings = Settings(
        kafka_bootstrap=broker.bootstrap,
        topic_prefix=f"{namespace}.",
        redis_url=redis_server.url,
        namespace=namespace,
        partitions=1,
        projections="consents, recommendations",
    )
    create_topics(settings)
    with Producer(settings) as producer:
        for name in ("granted", "withdrawn"):
            producer.publish(
                ConsentEvent(
                    event_id=f"c-{name}",
                    customer_id="bob",
                    occurred_at=NOW_MS / 1000,
                    name=name,
                    purpose="profiling",
                )
            )
    return settings


def read_to(settings: Settings, offsets: Mapping[str, int], generation: int = 0) -> None:
    """The projection `consents` has stored so much."""
    keys = ProjectionKeys(settings.namespace, Consents.name, Consents.version, generation)
    state = {"offsets": {f"{settings.topic_prefix}{topic}": offset for topic, offset in offsets.items()}}
    with redis.Redis.from_url(settings.redis_url) as client:
        client.hset(keys.meta(0), "state", orjson.dumps(state))


def test_what_was_said_is_read_when_the_ends_of_the_topics_are_stored(settings: Settings) -> None:
    with ConsentsRead(settings) as consents:
        assert "2 records" in consents.unread_now()
        read_to(settings, {"events.consent": 1})
        assert "1 records" in consents.unread_now()
        with pytest.raises(UnreadError, match=r"events\.consent"):
            consents.of(["bob"])
        read_to(settings, {"events.consent": 2})
        assert consents.unread_now() == ""
        assert consents.of(["bob"]).default == "opt-out"


def test_what_is_said_later_counts_a_second_later(settings: Settings) -> None:
    with ConsentsRead(settings) as consents:
        read_to(settings, {"events.consent": 2})
        assert consents.unread_now() == ""
        with Producer(settings) as producer:
            producer.publish(
                ConsentEvent(
                    event_id="c-3", customer_id="ann", occurred_at=NOW_MS / 1000, name="granted", purpose="marketing"
                )
            )
        deadline = time.monotonic() + 30
        while not consents.unread_now():
            assert time.monotonic() < deadline
        read_to(settings, {"events.consent": 3})
        assert consents.unread_now() == ""


def test_a_projection_that_is_built_again_has_read_nothing(settings: Settings) -> None:
    with ConsentsRead(settings) as consents, ProjectionDesk(settings) as desk:
        read_to(settings, {"events.consent": 2})
        assert consents.unread_now() == ""
        generation = desk.rebuild(Consents.name, Consents.version)
        assert "2 records" in consents.unread_now()
        read_to(settings, {"events.consent": 2}, generation)
        assert consents.unread_now() == ""


def test_nobody_waits_for_a_projection_that_nobody_runs(settings: Settings) -> None:
    with ConsentsRead(replace(settings, projections="recommendations")) as consents:
        assert consents.unread_now() == ""


def test_without_a_broker_nobody_knows_what_was_said(settings: Settings) -> None:
    with ConsentsRead(replace(settings, kafka_bootstrap="127.0.0.1:1")) as consents:
        assert "no broker tells" in consents.unread_now()


def test_a_projection_that_learns_waits_and_then_obeys(settings: Settings) -> None:
    records = [order(0, "ann", "completed", "tea"), order(1, "bob", "completed", "cup")]

    async def scenario() -> None:
        client = connect(settings)
        projection = Recommendations(settings)
        worker = ProjectionWorker(
            FoldingPartition(projection, 0, ProjectionTopics("dead-letters", "alerts"), 100),
            ProjectionStore(client, Keys(settings.namespace), projection.name, projection.version, 0, "w"),
            Outbox(cast("Publisher", KeepingPublisher())),
            inputs := ProjectionLog(records),
            FixedClock(NOW_MS),
            WorkerOptions(
                consents=partial(read_consents, client, settings),
                unread=ConsentsRead(settings).unread,
                partition_count=1,
            ),
        )
        await worker.claim()
        inputs.position = len(records)
        worker.deliver(0, BatchOfRecords(records, len(records), inputs, inputs.lease))
        running = asyncio.create_task(worker.run())
        began = worker.signs
        await until(lambda: worker.signs > began + 3, "the worker turns")
        assert worker.buffered(0) == 2
        assert worker.partition.state.offsets == {}
        await say(client, settings, "bob", is_withdrawn=True)
        read_to(settings, {"events.consent": 2})
        await until(lambda: worker.buffered(0) == 0, "the orders are folded")
        await until(lambda: worker.partition.state.offsets != {}, "the orders are stored")
        keys = ProjectionKeys(settings.namespace, projection.name, projection.version, 0)
        counted = {who: await client.get(keys.customer(0, shopper_key(who))) for who in ("ann", "bob")}
        assert [*msgspec.json.decode(counted["ann"] or b"")["shopper"]["items"]] == ["tea"]
        assert counted["bob"] is None
        worker.stop()
        await running
        await client.aclose()

    asyncio.run(scenario())


def test_the_trainer_waits(settings: Settings, redis_server: EmbeddedRedis, namespace: str) -> None:
    async def scenario(bench: TrainerBench) -> None:
        consents = ConsentsRead(settings)
        asked = 0

        async def unread() -> str:
            nonlocal asked
            asked += 1
            return await consents.unread()

        await bench.start(unread=unread)
        await until(lambda: asked > 2, "the trainer asks")
        assert bench.topic.acked_to == 0
        assert await bench.store().snapshot() is None
        read_to(settings, {"events.consent": 2})
        await until(bench.all_learned, "everything is learned")

    play(redis_server, namespace, scenario, [encode_example(example) for example in EXAMPLES[:100]])


def read_links_to(settings: Settings, offsets: Mapping[str, int]) -> None:
    """The projection `identity` has stored so much."""
    keys = ProjectionKeys(settings.namespace, Identity.name, Identity.version, 0)
    state = {"offsets": {f"{settings.topic_prefix}{topic}": offset for topic, offset in offsets.items()}}
    with redis.Redis.from_url(settings.redis_url) as client:
        client.hset(keys.meta(0), "state", orjson.dumps(state))


def test_who_is_who_is_waited_for_as_well(settings: Settings) -> None:
    """Also for the links that it has found in the events that were waited for, and published meanwhile."""
    settings = replace(settings, projections="consents, identity, recommendations")
    read_to(settings, {"events.consent": 2})
    link = IdentityLink(link_id="l", name="identified", one="bob", other="c-1", occurred_at=NOW_MS / 1000)
    told = settings.identities, KEY.encode(), encode_link(link), "the link"
    with ConsentsRead(settings) as consents:
        publish_one(settings, *told)
        why = consents.unread_now()
        assert "identity has yet to read 3 records" in why
        assert "consents has" not in why
        with pytest.raises(UnreadError, match="identity"):
            consents.of(["bob"])
        publish_one(settings, *told)
        read_links_to(settings, {"events.consent": 2, "identities": 1})
        assert "identity has yet to read 1 records of" in consents.unread_now()
        read_links_to(settings, {"events.consent": 2, "identities": 2})
        assert consents.unread_now() == ""
    # nobody may ever fold what the setting does not name
    with ConsentsRead(replace(settings, projections="identity")) as consents:
        assert consents.unread_now() == ""


def test_it_can_be_asked_again_after_it_was_closed(settings: Settings) -> None:
    with ConsentsRead(settings) as consents:
        assert "2 records" in consents.unread_now()
    assert "2 records" in consents.unread_now()
    consents.close()
