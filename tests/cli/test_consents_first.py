"""After a Redis that lost everything, nobody learns before the consents have been read again."""

import time
from pathlib import Path

import orjson
import pytest
import redis

from stream.cli.topics import create_topics
from stream.client import ConsentEvent, EmailEvent, Item, Producer, PurchaseEvent
from stream.events.kinds import EventType
from stream.local.durable_broker import DurableBroker
from stream.local.redis import EmbeddedRedis
from stream.projections.consents import Consents
from stream.projections.recommendations import Recommendations, shopper_key
from stream.settings import Settings
from stream.storage.projection_desk import ProjectionDesk
from tests.cli.projecting import projecting

pytestmark = pytest.mark.timeout(400)
#: So many e-mails lie before the statements that orders would be folded first.
EMAILS = 6000
PEOPLE = 20


def items_of(settings: Settings) -> dict[str, list[str]]:
    """What each person has bought, as far as it was counted."""
    with ProjectionDesk(settings) as desk:
        people = [f"c-{k}" for k in range(PEOPLE)]
        keys = [(shopper_key(who), who) for who in people]
        states = desk.states_of(Recommendations.name, Recommendations.version, keys)
        return {
            who: [*orjson.loads(state)["shopper"]["items"]] for who, state in zip(people, states, strict=True) if state
        }


def are_folded(settings: Settings) -> bool:
    with ProjectionDesk(settings) as desk:
        said = desk.progress(Consents.name, Consents.version).folded
        ordered = desk.progress(Recommendations.name, Recommendations.version).states
        read = sum(state.offsets.get(settings.topic_of(EventType.PURCHASE), 0) for state in ordered.values())
        return said == read == PEOPLE


@pytest.mark.parametrize("default", ["opt-in", "opt-out"])
def test_a_refold_obeys_what_was_said(tmp_path: Path, default: str) -> None:
    with DurableBroker(tmp_path / "broker") as broker, EmbeddedRedis(tmp_path / "redis") as server:
        settings = Settings(
            kafka_bootstrap=broker.bootstrap,
            redis_url=server.url,
            partitions=1,
            projections="recommendations,consents",
            consent_default=default,
            session_timeout_s=6.0,
            heartbeat_s=1.0,
        )
        create_topics(settings)
        now = time.time() - 3600
        with Producer(settings) as producer:
            for k in range(EMAILS):
                producer.publish(
                    EmailEvent(event_id=f"m-{k}", customer_id=f"c-{k % PEOPLE}", occurred_at=now, name="delivered")
                )
            for k in range(PEOPLE):
                # the even ones agree
                producer.publish(
                    ConsentEvent(
                        event_id=f"s-{k}",
                        customer_id=f"c-{k}",
                        occurred_at=now,
                        name="withdrawn" if k % 2 else "granted",
                        purpose="profiling",
                    )
                )
                producer.publish(
                    PurchaseEvent(
                        event_id=f"o-{k}",
                        customer_id=f"c-{k}",
                        occurred_at=now + 1,
                        name="completed",
                        order_id=f"o-{k}",
                        items=(Item(product_id="tea"),),
                    )
                )
        agreed = {f"c-{k}": ["tea"] for k in range(0, PEOPLE, 2)}
        with projecting(settings, tmp_path / "worker.log") as process:
            process.wait(lambda: are_folded(settings))
            assert items_of(settings) == agreed
            with redis.Redis.from_url(settings.redis_url) as client:
                client.flushall()
            process.wait(lambda: are_folded(settings))
            assert items_of(settings) == agreed
            process.stop()
