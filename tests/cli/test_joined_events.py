"""One person from anonymous click to order to mail: one customer of the core, across a kill, from Kafka to Redis."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
from click.testing import CliRunner

from stream.cli import main
from stream.cli.topics import create_topics
from stream.client import ClickEvent, EmailEvent, Identifiers, Producer, PurchaseEvent
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
        projections="identity,arrivals",
        join_identities=True,
        identity_hold_h=1.0,
        identity_key="k" * 32,
        session_timeout_s=6.0,
        heartbeat_s=1.0,
    )
    with LocalStack(tmp_path_factory.mktemp("stack"), settings, partitions=2) as running:
        create_topics(running.settings)
        yield running.settings


def shown(settings: Settings, *arguments: str) -> Any:
    """The output of a command as JSON, None if it is empty."""
    result = CliRunner().invoke(main, [*arguments], env={**settings.to_env()})
    return orjson.loads(result.stdout) if result.exit_code == 0 else None


def events_of(settings: Settings, customer: str) -> int:
    found = shown(settings, "customer", customer, "--json")
    return 0 if found is None else found["events"]


def publish(settings: Settings, *events: Event) -> None:
    with Producer(settings) as producer:
        for event in events:
            producer.publish(event)


def view(number: int, cookie: str) -> ClickEvent:
    return ClickEvent(
        event_id=f"e-{number}",
        customer_id="",
        occurred_at=NOW_S - 600 + number,
        name="page_viewed",
        identifiers=Identifiers(anonymous_id=cookie),
    )


def test_all_events_of_a_person_count_for_one_customer(stack: Settings, tmp_path: Path) -> None:
    cookie = f"anonymous_id:{Sealer.of(stack).token('anonymous_id', 'a-1')}"
    order = PurchaseEvent(
        event_id="e-4",
        customer_id="c-1",
        occurred_at=NOW_S - 300,
        name="completed",
        order_id="o-1",
        amount=10.0,
        currency="EUR",
        identifiers=Identifiers(anonymous_id="a-1", email="ann@example.com"),
    )
    opened = EmailEvent(
        event_id="e-5",
        customer_id="",
        occurred_at=NOW_S - 60,
        name="opened",
        identifiers=Identifiers(email="Ann@Example.com"),
    )
    log = tmp_path / "worker.log"
    publish(stack, *(view(number, "a-1") for number in range(3)), view(3, "a-2"))
    with projecting(stack, log) as process:
        # before anybody knows the person
        process.wait(lambda: len(_held(stack, cookie)) == 3)
        process.kill()
    publish(stack, order, opened, view(1, "a-1"))
    with projecting(stack, log, "events") as process:
        process.wait(lambda: events_of(stack, "c-1") == 5)
        assert shown(stack, "customer", "email:ann@example.com", "--json")["customer_id"] == "c-1"
        assert shown(stack, "customer", "c-1", "--json")["features"]["purchases_90d"] == 1

        # taken apart: earlier events stay where they went, even if they come again
        assert CliRunner().invoke(main, ["identity", "unmerge", cookie, "c-1"], env=stack.to_env()).exit_code == 0
        process.wait(lambda: shown(stack, "identity", "show", cookie, "--json")["customer_id"] == cookie)
        publish(stack, view(7, "a-1"))
        process.wait(lambda: [event["event_id"] for event in _held(stack, cookie)] == ["e-7"])
        publish(stack, view(2, "a-1"), view(8, "a-1"))
        process.wait(lambda: len(_held(stack, cookie)) == 2)
        assert events_of(stack, "c-1") == 5

        # a rebuild begins with whose each id is, and passes on what the core knows already
        address = f"email:{Sealer.of(stack).token('email', 'ann@example.com')}"
        assert CliRunner().invoke(main, ["projections", "rebuild", "arrivals"], env=stack.to_env()).exit_code == 0
        publish(stack, msgspec.structs.replace(opened, event_id="e-9", customer_id=""))
        process.wait(lambda: events_of(stack, "c-1") == 6)
        process.wait(lambda: (shown(stack, "projections", "show", "arrivals", address) or [0, [""]])[1][0] == "c-1")

        # one command erases every id of the person where ids are kept
        erased = CliRunner().invoke(main, ["identity", "erase", "email:ann@example.com"], env=stack.to_env())
        assert (erased.exit_code, erased.stdout) == (0, f"erased c-1\nerased {address}\n"), erased.output
        for one in ("c-1", address):
            assert shown(stack, "identity", "show", one, "--json") is None
            assert shown(stack, "projections", "show", "arrivals", one) is None
    # the events of somebody else still wait
    other = f"anonymous_id:{Sealer.of(stack).token('anonymous_id', 'a-2')}"
    assert [event["event_id"] for event in _held(stack, other)] == ["e-3"]


def _held(settings: Settings, own_id: str) -> list[dict[str, Any]]:
    """The events that wait for the customer of an id."""
    state = shown(settings, "projections", "show", "arrivals", own_id)
    return [] if state is None else [arrival[-1] for arrival in state[3]]
