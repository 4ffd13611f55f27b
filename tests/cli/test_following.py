"""What was counted under an id follows it to the customer and comes back, across kills, from Kafka to Redis."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from stream.client import ClickEvent
from stream.settings import Settings
from tests.cli.persons import NOW_S, counted, joining_stack, ordered, publish, run, shown, token_of, viewed
from tests.cli.projecting import projecting

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    directory = tmp_path_factory.mktemp("stack")
    with joining_stack(directory, projections="identity,arrivals,activity", identity_history_days=90) as settings:
        yield settings


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


def test_clicks_before_the_login_count_for_the_customer_until_both_are_taken_apart(
    stack: Settings, tmp_path: Path
) -> None:
    cookie = token_of(stack, "anonymous_id", "a-1")
    log = tmp_path / "worker.log"
    publish(stack, *map(viewed, range(3)))
    with projecting(stack, log, "events") as process:
        # before anybody knows the person
        process.wait(lambda: counted(stack, cookie) == (cookie, 3))
        publish(stack, ordered(9, anonymous_id="a-1"))
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
        # the topic tells of both, whether anything else happens to them or not
        process.wait(lambda: newest(stack, "c-1")["events"] == 1)
        assert (newest(stack, cookie)["events"], "merged_into" in newest(stack, cookie)) == (3, False)
        process.kill()
    publish(stack, viewed(4))
    with projecting(stack, log, "events") as process:
        process.wait(lambda: counted(stack, cookie) == (cookie, 4))
        assert counted(stack, "c-1") == ("c-1", 1)


def test_a_customer_of_whom_nothing_can_be_sent_again_comes_back_at_once(stack: Settings, tmp_path: Path) -> None:
    """Their events came straight to the topic of clicks."""
    straight = replace(stack, join_identities=False, identity_history_days=0)
    publish(straight, *(clicked(number, "c-8") for number in (20, 21)))
    publish(stack, clicked(22, "c-7"))
    with projecting(stack, tmp_path / "worker.log", "events") as process:
        process.wait(lambda: (counted(stack, "c-8"), counted(stack, "c-7")) == (("c-8", 2), ("c-7", 1)))
        assert run(stack, "identity", "merge", "c-8", "c-7").exit_code == 0
        process.wait(lambda: counted(stack, "c-8") == ("c-7", 1))
        assert run(stack, "identity", "unmerge", "c-8", "c-7").exit_code == 0
        process.wait(lambda: counted(stack, "c-8") == ("c-8", 2))
        process.wait(lambda: newest(stack, "c-8").get("events") == 2)
        assert "merged_into" not in newest(stack, "c-8")
        publish(straight, clicked(23, "c-8"))
        process.wait(lambda: counted(stack, "c-8") == ("c-8", 3))
        assert counted(stack, "c-7") == ("c-7", 1)


def clicked(number: int, customer: str) -> ClickEvent:
    return ClickEvent(event_id=f"e-{number}", customer_id=customer, occurred_at=NOW_S - number, name="page_viewed")
