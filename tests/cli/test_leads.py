"""Leads end to end: events through Kafka and a worker, then the commands; counted again beside it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from stream.cli import main
from stream.cli.topics import create_topics
from stream.client import ClickEvent, EmailEvent, Producer, PurchaseEvent
from stream.events.kinds import KIND_OF, EventType
from stream.leads.track_record import learned
from stream.local.stack import LocalStack
from stream.settings import Settings
from tests.oracle.leads import Contact, leads_of

pytestmark = pytest.mark.timeout(300)

#: A Monday.
BEGIN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PEOPLE, WEEKS, HORIZON_WEEKS = 60, 30, 4
NOW_WEEK = 1 + (BEGIN + timedelta(weeks=WEEKS) - datetime(1970, 1, 5, tzinfo=UTC)).days // 7

Events = list[tuple[str, EventType, str, datetime]]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    settings = Settings(projections="leads", clock="event", horizon_days=7.0 * HORIZON_WEEKS, shop_currency="EUR")
    with LocalStack(tmp_path_factory.mktemp("stack"), settings, partitions=2) as running:
        create_topics(running.settings)
        yield running.settings


def made() -> Events:
    """Every third comes by, fills the cart and orders; the others get mails and do nothing. Two are left at the end."""
    events: Events = []
    for number in range(PEOPLE):
        who, at = f"c-{number}", BEGIN + timedelta(weeks=number % 24)
        events.append((who, EventType.EMAIL, "sent", at))
        if number % 3 == 0:
            events += [
                (who, EventType.CLICK, "page_viewed", at + timedelta(days=1)),
                (who, EventType.CLICK, "product_added", at + timedelta(days=1)),
                (who, EventType.PURCHASE, "completed", at + timedelta(days=9)),
            ]
    end = BEGIN + timedelta(weeks=WEEKS)
    events += [
        ("warm", EventType.CLICK, "product_added", end - timedelta(days=4)),
        ("cold", EventType.EMAIL, "sent", end - timedelta(days=4)),
        ("last", EventType.EMAIL, "sent", end + timedelta(days=1)),
    ]
    return events


def publish(settings: Settings, events: Events) -> None:
    with Producer(settings) as producer:
        for number, (who, event_type, name, at) in enumerate(events):
            common = {"event_id": f"e-{number}", "customer_id": who, "occurred_at": at, "name": name}
            if event_type is EventType.CLICK:
                producer.publish(ClickEvent(**common))
            elif event_type is EventType.EMAIL:
                producer.publish(EmailEvent(**common))
            else:
                producer.publish(PurchaseEvent(**common, order_id=f"o-{number}", amount=5.0, currency="EUR"))


def run(settings: Settings, *arguments: str) -> str:
    result = CliRunner().invoke(main, [*arguments], env={**settings.to_env()})
    assert result.exit_code == 0, result.output
    return result.stdout


def folded(settings: Settings) -> int:
    (leads,) = [one for one in orjson.loads(run(settings, "projections", "list", "--json")) if one["name"] == "leads"]
    return int(leads["folded"])


def test_leads_are_listed_by_a_chance_that_follows_from_the_events(stack: Settings, tmp_path: Path) -> None:
    events = made()
    publish(stack, events)
    log = tmp_path / "worker.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "stream", "worker"], env={**os.environ, **stack.to_env()}, stdout=file, stderr=file
        )
    try:
        deadline = time.monotonic() + 240.0
        # the core has the last of them when it can show it
        while (
            folded(stack) < len(events)
            or CliRunner().invoke(main, ["customer", "last", "--json"], env={**stack.to_env()}).exit_code
        ):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        listed = orjson.loads(run(stack, "leads", "--json", "--limit", "100"))
        warm = orjson.loads(run(stack, "customer", "warm", "--json"))["lead"]
        buyer = orjson.loads(run(stack, "customer", "c-0", "--json"))
        shown = run(stack, "leads", "--limit", "1")
        today = orjson.loads(run(stack, "today", "--json"))
        told = " ".join(run(stack, "customer", "warm").split())
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, log.read_text()

    contacts: dict[str, list[Contact]] = {}
    for who, event_type, name, at in events:
        contacts.setdefault(who, []).append(Contact(KIND_OF[event_type, name], round(at.timestamp() * 1000)))
    people, tables = leads_of(contacts)
    model, record = learned(tables, NOW_WEEK, HORIZON_WEEKS)
    leads = {who for who, one in people.items() if one.ordered is None and max(one.weeks) + 26 >= NOW_WEEK}
    assert {entry["customer_id"] for entry in listed["entries"]} == leads
    assert listed["leads"] == len(leads)
    assert listed["record"]["orders"] == record.orders > 0
    assert listed["record"]["log_loss"] == pytest.approx(record.log_loss)
    chances = {entry["customer_id"]: entry["chance"] for entry in listed["entries"]}
    # a visit with something in the cart in the week before, no mail, known for a week
    assert chances["warm"] == pytest.approx(model.judge("42000").chance, abs=1e-4)
    assert chances["cold"] == pytest.approx(model.judge("00100").chance, abs=1e-4)
    assert max(chances, key=lambda who: chances[who]) == "warm"
    assert chances["warm"] > 3 * chances["cold"]
    assert (warm["chance"], warm["low"], warm["reasons"]) == tuple(
        listed["entries"][0][name] for name in ("chance", "low", "reasons")
    )
    assert "lead" not in buyer
    assert "Had something in the cart last week." in " ".join(shown.split())
    assert f"first order {warm['chance']:.0%} ({warm['low']:.0%} to {warm['high']:.0%}) in 4 weeks." in told
    assert "Had something in the cart last week." in told
    assert [entry["customer_id"] for entry in today["leads"]] == ["warm"]
