"""Two shops, as workers would store them, and commands against the servers of a test."""

import asyncio
import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stream.cli import main
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.partitioner import partition_of
from stream.local.broker import EmbeddedBroker
from stream.local.redis import EmbeddedRedis
from stream.online_models.learner import Learner, LearnerSettings
from stream.online_models.snapshot import encode_snapshot
from stream.processing.replay import Replay
from stream.processing.rules import Rules
from stream.processing.scorer import Scorer
from stream.processing.state import PartitionState
from stream.reporting.assess import Basis
from stream.settings import Settings
from stream.storage.connection import connect
from stream.storage.keys import Keys
from stream.storage.model_store import Candidate, Checkpoint, ModelStore, Publication
from stream.storage.partition_store import Commit, PartitionStore
from tests.notifications.rig import NotifierBench
from tests.reporting.made_up_shop import END_MS, Shop, make_shop

PARTITIONS = 3
#: Two offers, in YAML.
OFFERS = """
hold_out: {share: 0.3, salt: s}
margin: 0.5
exploration: 0.5
offers:
  ten-off: {kind: coupon, what: a coupon of 10.00, cost: 0.1, discount: 10, channel: email}
  call: {kind: call, what: a call, cost: 2, channel: phone, who: {stages: [at_risk]}, budget: {money: 20}}
"""


@dataclass(frozen=True)
class Processed:
    """A shop, the documents of its customers, and the model in effect at the end (`Basis`)."""

    shop: Shop
    documents: list[bytes]
    basis: Basis


def processed(customers: int, min_labels: int = 500) -> Processed:
    shop = make_shop(customers)
    learner = Learner(LearnerSettings(min_labels=min_labels))
    replay = Replay(Rules(), learner, Decoder(), END_MS, run_records=100)
    for _ in replay.run(shop.events):
        pass
    replay.advance_to(END_MS)
    snapshot = learner.snapshot(END_MS)
    return Processed(shop, [*replay.documents.values()], Basis(END_MS, Scorer.of(snapshot), Rules()))


@pytest.fixture(scope="session")
def small() -> Processed:
    """30 customers: too few for a model."""
    return processed(30)


@pytest.fixture(scope="session")
def middling() -> Processed:
    """420 customers."""
    return processed(420)


def store(settings: Settings, shop: Processed) -> None:
    """Store a shop as workers and the trainer do."""

    async def write() -> None:
        client = connect(settings)
        keys = Keys(settings.namespace)
        documents = {json.loads(document)["customer_id"]: document for document in shop.documents}
        for partition in range(PARTITIONS):
            of_one = PartitionStore(client, keys, partition, "w", ttl_s=600)
            await of_one.claim()
            own = {c: document for c, document in documents.items() if partition_of(c, PARTITIONS) == partition}
            await of_one.commit(Commit(PartitionState(stream_time_ms=END_MS), own), due_limit=0)
        snapshot = shop.basis.scorer.snapshot
        if snapshot is not None and shop.basis.scores:
            models = ModelStore(client, keys, "trainer")
            await models.claim()
            candidate = Candidate(snapshot.churn.version, encode_snapshot(snapshot))
            await models.save(Checkpoint(b"learner", 1), {}, Publication("only", {"only": candidate}, b"{}", 0))
        await client.aclose()

    asyncio.run(write())


class CommandDesk:
    """Commands against the servers of a test."""

    def __init__(self, bench: NotifierBench, directory: Path) -> None:
        self.bench = bench
        self.directory = directory
        self.settings = bench.settings

    def run(self, *arguments: str, **variables: str) -> Result:
        env = {**self.settings.to_env(), "STREAM_DATA_DIR": str(self.directory), **variables}
        return CliRunner().invoke(main, arguments, env=env, catch_exceptions=False)

    def open(self, shop: Processed) -> None:
        store(self.settings, shop)
        purchases = (event for event in shop.shop.events if event.event_type is EventType.PURCHASE)
        self.bench.publish_all((self.settings.events_purchase, e.customer_id, e.value) for e in purchases)


@pytest.fixture
def desk(
    broker: EmbeddedBroker, redis_server: EmbeddedRedis, topic_prefix: str, namespace: str, tmp_path: Path
) -> CommandDesk:
    settings = Settings(
        kafka_bootstrap=broker.bootstrap,
        redis_url=redis_server.url,
        topic_prefix=topic_prefix,
        namespace=namespace,
        partitions=PARTITIONS,
    )
    return CommandDesk(NotifierBench(settings), tmp_path)


@pytest.fixture
def shop(desk: CommandDesk, middling: Processed, tmp_path: Path) -> CommandDesk:
    """The middling shop, with `OFFERS`."""
    desk.open(middling)
    path = tmp_path / "offers.yaml"
    path.write_text(OFFERS)
    desk.settings = replace(desk.settings, offers_file=str(path))
    return desk
