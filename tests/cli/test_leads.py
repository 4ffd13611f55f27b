"""Leads end to end: events through Kafka and a worker, then the commands, against a count in the test."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from stream.cli.topics import create_topics
from stream.client import ClickEvent, EmailEvent, Producer, PurchaseEvent
from stream.events.kinds import KIND_OF, EventType
from stream.events.model import Item
from stream.leads.lead_record import learned
from stream.local.stack import LocalStack
from stream.settings import Settings
from tests.cli.projecting import folded, projecting, run
from tests.oracle.leads import Contact, leads_of

pytestmark = pytest.mark.timeout(300)

#: A Monday.
BEGIN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PEOPLE, WEEKS, HORIZON_WEEKS = 60, 30, 4
NOW_WEEK = 1 + (BEGIN + timedelta(weeks=WEEKS) - datetime(1970, 1, 5, tzinfo=UTC)).days // 7

#: Buyers buy tea with honey or with bread, the first one tea alone.
ITEMS = {
    f"c-{number}": (Item(product_id="tea"), *([Item(product_id="bread" if number % 2 else "honey")] if number else ()))
    for number in range(PEOPLE)
}

Events = list[tuple[str, EventType, str, datetime]]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    settings = Settings(
        projections="leads,recommendations,consents",
        clock="event",
        horizon_days=7.0 * HORIZON_WEEKS,
        shop_currency="EUR",
    )
    with LocalStack(tmp_path_factory.mktemp("stack"), settings, partitions=2) as running:
        create_topics(running.settings)
        yield running.settings


def made() -> Events:
    """Every third lead visits, fills the cart and orders; the others get mails and do nothing. Two leads remain."""
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
            body: dict[str, Any] = {"event_id": f"e-{number}", "customer_id": who, "occurred_at": at, "name": name}
            if event_type is EventType.CLICK:
                producer.publish(ClickEvent(**body))
            elif event_type is EventType.EMAIL:
                producer.publish(EmailEvent(**body))
            else:
                order = PurchaseEvent(**body, order_id=f"o-{number}", amount=5.0, currency="EUR", items=ITEMS[who])
                producer.publish(order)


def told(settings: Settings, *arguments: str) -> str:
    status, output = run(settings, *arguments)
    assert status == 0, output
    return output


def test_leads_are_listed_by_a_chance_that_follows_from_the_events(  # noqa: PLR0915 - one scenario: servers start once
    stack: Settings, tmp_path: Path
) -> None:
    events = made()
    publish(stack, events)
    with projecting(stack, tmp_path / "worker.log", role="events") as worker:
        # the core has processed the last one when it can show it
        worker.wait(lambda: folded(stack)["recommendations"] == PEOPLE // 3)
        worker.wait(lambda: folded(stack)["leads"] == len(events) and run(stack, "customer", "last", "--json")[0] == 0)
        before = folded(stack)["consents"]
        listed = orjson.loads(told(stack, "leads", "--json", "--limit", "100"))
        warm = orjson.loads(told(stack, "customer", "warm", "--json"))["lead"]
        buyer = orjson.loads(told(stack, "customer", "c-0", "--json"))
        shown = " ".join(told(stack, "leads", "--limit", "1").split())
        today = orjson.loads(told(stack, "today", "--json"))
        offers = orjson.loads(told(stack, "recommend", "c-0", "--json"))
        offered = " ".join(told(stack, "recommend", "c-0", "--without", "honey").split())
        refused = run(replace(stack, recommend_never="honey, tea,"), "recommend", "c-0", "--json")
        nobody = run(stack, "recommend", "warm")
        rules = orjson.loads(told(stack, "recommend", "--rules", "--json"))
        lists_record = orjson.loads(told(stack, "recommend", "--record", "--json"))
        record_shown = " ".join(told(stack, "recommend", "--record").split())
        neither, both = run(stack, "recommend"), run(stack, "recommend", "c-0", "--record")
        of_warm = " ".join(told(stack, "customer", "warm").split())
        for who in ("warm", "c-0"):
            told(stack, "consent", "withdraw", who, "profiling")
        worker.wait(lambda: folded(stack)["consents"] == before + 2)
        without_warm = orjson.loads(told(stack, "leads", "--json", "--limit", "100"))
        not_scored = run(stack, "recommend", "c-0", "--json")
        of_another = run(stack, "recommend", "c-3", "--json")
        today_without = orjson.loads(told(stack, "today", "--json"))
        worker.stop()

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
    assert [one["item"] for one in buyer["recommendations"]["again"]] == ["tea"]
    assert "Had something in the cart this week or last." in shown
    assert f"first order {warm['chance']:.0%} ({warm['low']:.0%} to {warm['high']:.0%}) in 4 weeks." in of_warm
    assert "Had something in the cart this week or last." in of_warm
    assert [entry["customer_id"] for entry in today["leads"]] == ["warm"]

    # who takes the agreement back is in no list, and nothing is recommended
    assert {entry["customer_id"] for entry in without_warm["entries"]} == leads - {"warm"}
    assert (not_scored[0], "does not agree to scores" in not_scored[1]) == (1, True)
    assert of_another[0] == 0
    assert today_without["leads"] == []

    # what both partitions have counted: of nineteen buyers of tea after the first, ten bought bread, nine honey
    assert [one["item"] for one in offers["again"]] == ["tea"]
    assert {one["item"] for one in offers["also"]} == {"bread", "honey"}
    assert all("Bought with tea, or after it, by" in one["reason"] for one in offers["also"])
    assert "bread" in offered
    assert "honey" not in offered
    # what the shop never recommends is in no list, also not among what the customer buys again
    assert refused[0] == 0
    lists = orjson.loads(refused[1])
    assert {one["item"] for one in (*lists["again"], *lists["also"])} == {"bread"}
    assert (nobody[0], "no order with items" in nobody[1]) == (1, True)
    # twenty buyers are too few for a rule
    assert (rules["customers"], rules["rules"], rules["days"]) == (PEOPLE // 3, [], 30)
    # nobody ordered twice, so no list could be judged
    assert lists_record == {of: {"lists": 0, "hit_share": None, "ndcg": None} for of in ("again", "also")}
    assert "buy again 0 - -" in record_shown
    assert [status for status, _ in (neither, both)] == [2, 2]
    assert "expected the ID of a customer, --rules, or --record" in neither[1]
