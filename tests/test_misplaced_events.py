"""A producer with librdkafka's own partitioner: no customer is split, and the operator is told."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from confluent_kafka import Producer

from stream.cli import main
from stream.local.broker import EmbeddedBroker
from stream.local.durable_broker import DurableBroker
from stream.local.redis import EmbeddedRedis
from stream.processing.document import packed_state
from tests.features.profiles import Profile
from tests.field import Deployment
from tests.oracle.features import features_at
from tests.oracle.made_up import DAY, made_up
from tests.oracle.record import Record, record_of, type_of

pytestmark = pytest.mark.slow

LOG = made_up(11, customers=40, days=60, events=1_200)


@pytest.fixture
def field(
    broker: EmbeddedBroker, redis_server: EmbeddedRedis, tmp_path: Path, topic_prefix: str
) -> Iterator[Deployment]:
    field = Deployment(broker, redis_server, tmp_path, topic_prefix, batch_max_records=100, cache_mb=0)
    yield field
    field.close()


@pytest.fixture
def kept(redis_server: EmbeddedRedis, tmp_path: Path, topic_prefix: str) -> Iterator[Deployment]:
    """On a broker whose confirmed records and offsets outlive everything."""
    with DurableBroker(tmp_path / "broker") as broker:
        field = Deployment(broker, redis_server, tmp_path, topic_prefix, batch_max_records=100, cache_mb=0)
        yield field
        field.close()


def produce_by_crc32(field: Deployment) -> int:
    """Every second good event goes where librdkafka's default puts it, the others where they belong."""
    crc32 = Producer({"bootstrap.servers": field.settings.kafka_bootstrap, "partitioner": "consistent"})
    right = Producer({"bootstrap.servers": field.settings.kafka_bootstrap, "partitioner": "murmur2_random"})
    topics = dict(zip(("click", "email", "purchase"), field.settings.event_topics, strict=True))
    count = 0
    for customer, events in LOG.events.items():
        for event in events:
            record = record_of(customer, event)
            assert isinstance(record, Record)
            producer = crc32 if count % 2 else right
            producer.produce(topics[type_of(event).value], record.value, record.key)
            count += 1
    assert crc32.flush(20) == 0
    assert right.flush(20) == 0
    return count


def check_whole(field: Deployment) -> None:
    """Every customer is in one partition, with all of their events, once."""
    assert field.total()["customers"] == len(LOG.events)
    assert field.total()["forwarded"] > 0
    documents = field.documents()
    assert set(documents) == set(LOG.events)
    later = max(event.at for events in LOG.events.values() for event in events) + 2 * DAY
    for customer, events in LOG.events.items():
        assert orjson.loads(documents[customer])["events"] == len(events)
        assert Profile.of(packed_state(documents[customer]), customer).values(later) == features_at(events, later)


def test_customers_of_a_crc32_client_are_whole(field: Deployment) -> None:
    count = produce_by_crc32(field)
    field.start_worker()
    field.wait(
        lambda total: total.get("applied") == count and total["events_in"] >= count + total["forwarded"],
        "every event is applied once",
    )
    check_whole(field)
    total = field.total()
    assert total["events_in"] == sum(total[name] for name in ("applied", "duplicates", "dead_letters", "forwarded"))
    assert (total["dead_letters"], field.stop()) == (0, [0])
    told = CliRunner().invoke(main, ["doctor", "--json"], env=field.settings.to_env())
    (finding,) = [found for found in orjson.loads(told.stdout) if found["subject"] == "customers' keys"]
    assert finding["level"] == "warn"
    assert f"{total['forwarded']:,} of {total['events_in']:,} events" in finding["found"]


def test_customers_are_whole_when_the_only_worker_is_killed_while_it_forwards(kept: Deployment) -> None:
    count = produce_by_crc32(kept)
    for part in (0.2, 0.6):
        worker = kept.start_worker()
        kept.wait(lambda total, part=part: total.get("events_in", 0) >= part * count, "a part is stored")  # type: ignore[misc]
        kept.kill(worker)
    kept.start_worker()
    kept.wait(
        lambda total: total["applied"] == count and total["events_in"] >= count + total["forwarded"],
        "every event is applied once",
    )
    check_whole(kept)
    total = kept.total()
    # what was forwarded may come twice: it is published again by the worker that takes over
    assert total["events_in"] == sum(total[name] for name in ("applied", "duplicates", "forwarded"))
    assert (total["dead_letters"], kept.stop()) == (0, [0])
