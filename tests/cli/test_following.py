"""What was counted under an id follows it to the customer and comes back, across kills, from Kafka to Redis."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from stream.cli import main
from stream.cli.topics import create_topics
from stream.client import ClickEvent, Identifiers, Producer, PurchaseEvent
from stream.events.model import Event
from stream.identity.sealing import Sealer
from stream.local.stack import LocalStack
from stream.settings import Settings
from tests.cli.projecting import projecting

pytestmark = pytest.mark.timeout(300)

NOW_S = time.time()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    settings = Settings(
        projections="identity,arrivals,activity",
        join_identities=True,
        identity_history_days=90,
        identity_key="k" * 32,
        session_timeout_s=6.0,
        heartbeat_s=1.0,
    )
    with LocalStack(tmp_path_factory.mktemp("stack"), settings, partitions=2) as running:
        create_topics(running.settings)
        yield running.settings


def run(settings: Settings, *arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments], env={**settings.to_env()})


def shown(settings: Settings, *arguments: str) -> Any:
    """The output of a command as JSON, None where it fails."""
    result = run(settings, *arguments)
    return orjson.loads(result.stdout) if result.exit_code == 0 and result.stdout.startswith("{") else None


def counted(settings: Settings, customer: str) -> tuple[str, int]:
    """Who a customer is, and how many of their events count."""
    found = shown(settings, "customer", customer, "--json")
    return ("", 0) if found is None else (found["customer_id"], found["events"])


def publish(settings: Settings, *events: Event) -> None:
    with Producer(settings) as producer:
        for event in events:
            producer.publish(event)


def views(settings: Settings, customer: str) -> int:
    """Clicks of a customer, as the projection `activity` has them."""
    state = shown(settings, "projections", "show", "activity", customer) or {"days": {}}
    return sum(day.get("click", 0) for day in state["days"].values())


def newest(settings: Settings, customer: str) -> dict[str, Any]:
    """The newest record of a customer in the topic of customers."""
    consumer = Consumer({"bootstrap.servers": settings.kafka_bootstrap, "group.id": "t", "enable.partition.eof": True})
    places = [TopicPartition(settings.customers, p, OFFSET_BEGINNING) for p in range(settings.partitions)]
    consumer.assign(places)
    found: dict[str, Any] = {}
    ends = 0
    while ends < len(places):
        message = consumer.poll(10.0)
        assert message is not None
        if message.error():
            ends += 1
        elif message.key() == customer.encode():
            found = orjson.loads(message.value() or b"{}")
    consumer.close()
    return found


def view(number: int) -> ClickEvent:
    return ClickEvent(
        event_id=f"e-{number}",
        customer_id="",
        occurred_at=NOW_S - 600 + number,
        name="page_viewed",
        identifiers=Identifiers(anonymous_id="a-1"),
    )


def test_clicks_before_the_login_count_for_the_customer_until_both_are_taken_apart(
    stack: Settings, tmp_path: Path
) -> None:
    cookie = f"anonymous_id:{Sealer.of(stack).token('anonymous_id', 'a-1')}"
    order = PurchaseEvent(
        event_id="e-9",
        customer_id="c-1",
        occurred_at=NOW_S - 300,
        name="completed",
        order_id="o-1",
        amount=10.0,
        currency="EUR",
        identifiers=Identifiers(anonymous_id="a-1"),
    )
    log = tmp_path / "worker.log"
    publish(stack, *map(view, range(3)))
    with projecting(stack, log, "events") as process:
        # before anybody knows the person
        process.wait(lambda: counted(stack, cookie) == (cookie, 3))
        publish(stack, order)
        # wherever it is in telling who is who, and in sending again
        process.wait(lambda: shown(stack, "identity", "show", cookie, "--json") is not None)
        process.kill()
    with projecting(stack, log, "events") as process:
        process.wait(lambda: counted(stack, "c-1") == ("c-1", 4))
        # the former key answers with the customer, and so does the topic
        process.wait(lambda: counted(stack, cookie) == ("c-1", 4))
        process.wait(lambda: newest(stack, cookie).get("merged_into") == "c-1")
        assert newest(stack, cookie)["events"] == 0
        process.wait(lambda: (views(stack, cookie), views(stack, "c-1")) == (0, 3))
        assert f"{cookie} belongs to c-1" in run(stack, "customer", cookie).stderr

        assert run(stack, "identity", "unmerge", cookie, "c-1").exit_code == 0
        process.wait(lambda: counted(stack, cookie) == (cookie, 3))
        process.wait(lambda: counted(stack, "c-1") == ("c-1", 1))
        process.wait(lambda: (views(stack, cookie), views(stack, "c-1")) == (3, 0))
        process.kill()
    publish(stack, view(4))
    with projecting(stack, log, "events") as process:
        process.wait(lambda: counted(stack, cookie) == (cookie, 4))
        assert counted(stack, "c-1") == ("c-1", 1)
