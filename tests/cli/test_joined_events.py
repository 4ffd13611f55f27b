"""One person from anonymous click to order to mail: one customer of the core, across a kill, from Kafka to Redis."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stream.client import EmailEvent, Identifiers
from stream.settings import Settings
from tests.cli.persons import NOW_S, counted, joining_stack, ordered, publish, run, shown, token_of, viewed
from tests.cli.projecting import projecting

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    directory = tmp_path_factory.mktemp("stack")
    with joining_stack(directory, projections="identity,arrivals", identity_hold_h=1.0) as settings:
        yield settings


def test_all_events_of_a_person_count_for_one_customer(stack: Settings, tmp_path: Path) -> None:
    cookie = token_of(stack, "anonymous_id", "a-1")
    order = ordered(4, anonymous_id="a-1", email="ann@example.com")
    opened = EmailEvent(
        event_id="e-5",
        customer_id="",
        occurred_at=NOW_S - 60,
        name="opened",
        identifiers=Identifiers(email="Ann@Example.com"),
    )
    log = tmp_path / "worker.log"
    publish(stack, *(viewed(number, "a-1") for number in range(3)), viewed(3, "a-2"))
    with projecting(stack, log) as process:
        # before anybody knows the person
        process.wait(lambda: len(_held(stack, cookie)) == 3)
        process.kill()
    publish(stack, order, opened, viewed(1, "a-1"))
    with projecting(stack, log, "events") as process:
        process.wait(lambda: counted(stack, "c-1")[1] == 5)
        assert shown(stack, "customer", "email:ann@example.com", "--json")["customer_id"] == "c-1"
        assert shown(stack, "customer", "c-1", "--json")["features"]["purchases_90d"] == 1

        # taken apart: earlier events stay where they went, even if they come again
        assert run(stack, "identity", "unmerge", cookie, "c-1").exit_code == 0
        process.wait(lambda: shown(stack, "identity", "show", cookie, "--json")["customer_id"] == cookie)
        publish(stack, viewed(7, "a-1"))
        process.wait(lambda: [event["event_id"] for event in _held(stack, cookie)] == ["e-7"])
        publish(stack, viewed(2, "a-1"), viewed(8, "a-1"))
        process.wait(lambda: len(_held(stack, cookie)) == 2)
        assert counted(stack, "c-1")[1] == 5

        # a rebuild begins with whose each id is, and passes on what the core knows already
        address = token_of(stack, "email", "ann@example.com")
        assert run(stack, "projections", "rebuild", "arrivals").exit_code == 0
        publish(stack, msgspec.structs.replace(opened, event_id="e-9", customer_id=""))
        process.wait(lambda: counted(stack, "c-1")[1] == 6)
        process.wait(lambda: (shown(stack, "projections", "show", "arrivals", address) or [0, [""]])[1][0] == "c-1")

        # one command erases every id of the person where ids are kept
        erased = run(stack, "identity", "erase", "email:ann@example.com")
        assert (erased.exit_code, erased.stdout) == (0, f"erased c-1\nerased {address}\n"), erased.output
        for one in ("c-1", address):
            assert shown(stack, "identity", "show", one, "--json") is None
            assert shown(stack, "projections", "show", "arrivals", one) is None
    # the events of somebody else still wait
    other = token_of(stack, "anonymous_id", "a-2")
    assert [event["event_id"] for event in _held(stack, other)] == ["e-3"]


def _held(settings: Settings, own_id: str) -> list[dict[str, Any]]:
    """The events that wait for the customer of an id."""
    state = shown(settings, "projections", "show", "arrivals", own_id)
    return [] if state is None else [arrival[-1] for arrival in state[3]]
