"""A person with several ids counts once: in the effect of notifying, on its page, and where policies are tried."""

import json
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
import redis
from click.testing import CliRunner

from stream.alerts.action_records import ActionKind
from stream.cli import main
from stream.cli.notified_effect import notified_effect
from stream.cli.privacy_erasing import ask_for_erasure
from stream.cli.whatif_topics import contacts_of_topics, events_of_topics
from stream.directory.database import reading
from stream.directory.purchase_queries import known_purchases
from stream.directory.store import DirectoryStore
from stream.directory.timeline import TimelineEntry
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.log_event import LogEvent
from stream.events.times import rfc3339
from stream.identity.departures import AGAIN, ARRIVED_AS
from stream.identity.links import Link, LinkName
from stream.notifications.effect_input import PurchaseLog
from stream.notifications.inbound import Inbound
from stream.notifications.notification_records import Arm
from stream.processing.state import Counters, PartitionState
from stream.projections.identity import Identity, Linked
from stream.storage.keys import ProjectionKeys
from tests.directory.told import commit, messages_of
from tests.notifications.rig import NotifierBench
from tests.notifications.test_effect import DAY_MS, START_MS, fill, order, purchase, told
from tests.notifications.test_not_told import links

A, B, C = (f"anonymous_id:h1_{letter * 22}" for letter in "abc")
LINKS = [
    (LinkName.IDENTIFIED, A, "c-1"),
    (LinkName.IDENTIFIED, B, "c-2"),
    (LinkName.IDENTIFIED, C, "c-3"),
]


@pytest.fixture
def joined(bench: NotifierBench) -> NotifierBench:
    """Three persons with two ids each: one was notified and ordered as another, one was held out, one was both."""
    records = [
        *(told("c-1", Arm.NOTIFIED), told(A, Arm.NOTIFIED, 1)),
        told("c-2", Arm.HELD_OUT),
        *(told("c-3", Arm.NOTIFIED), told(C, Arm.HELD_OUT, 1)),
    ]
    purchases = [(A, purchase(A, "e1", "completed", 2, "o1", 10)), (B, purchase(B, "e2", "completed", 3, "o2", 20))]
    purchases.append(("other", purchase("other", "last", "completed", 40, "x", 1)))
    fill(bench, records, purchases)
    acted = bench.command("actions", "record", A, "offer_accepted", "--at", rfc3339(START_MS + 2 * DAY_MS))
    assert acted.exit_code == 0, acted.stderr
    links(bench, *LINKS)
    keys = ProjectionKeys(bench.settings.namespace, Identity.name, Identity.version, 0)
    with redis.Redis.from_url(bench.settings.redis_url) as client:
        client.hset(keys.meta(0), "state", msgspec.json.encode(PartitionState(counters=Counters(applied=1))))
    return bench


def test_the_effect_counts_persons(joined: NotifierBench) -> None:
    shown = joined.command("effect", "--json")
    assert shown.exit_code == 0, shown.stderr
    found = json.loads(shown.stdout)
    notified, held_out = (found["everyone"][arm] for arm in ("notified", "held_out"))
    assert (notified["customers"], notified["orders"], notified["spend"]) == (1, 1, 10.0)
    assert notified["actions"]["offer_accepted"] == 1
    assert (held_out["customers"], held_out["orders"], held_out["spend"]) == (1, 1, 20.0)
    assert (found["mixed"], found["pending"]) == (1, 0)


def test_the_page_of_the_effect_counts_persons(joined: NotifierBench, tmp_path: Path) -> None:
    with DirectoryStore(f"sqlite:///{tmp_path}/directory.sqlite", ZoneInfo("UTC")) as store:
        at = [START_MS + day * DAY_MS for day in (2, 3, 40)]
        orders = [
            TimelineEntry(who, "purchase", n, at[n], "completed", order_id=f"o{n}", amount=100_000 * (n + 1))
            for n, who in enumerate((A, B, "other"))
        ]
        tied = [Linked(Link(*one, 1, ""), 0) for one in LINKS]
        commit(store, store.claim(), [*orders, *tied])
        with reading(store.engine) as connection:
            report = notified_effect(joined.settings, lambda ids: known_purchases(connection, ids))
            assert {*known_purchases(connection, [A, "c-1"]).purchases} == {A, "c-1"}
    groups = [(of.customers, of.orders, of.spend) for of in (report.everyone.notified, report.everyone.held_out)]
    assert groups == [(1, 1, 10.0), (1, 1, 20.0)]
    assert report.everyone.notified.actions[ActionKind.OFFER_ACCEPTED] == 1
    assert report.mixed == 1


def test_the_page_and_the_command_say_the_same(bench: NotifierBench, tmp_path: Path) -> None:
    """With refunds, also after the newest order, a cancelled order, who waits, and an erased person."""
    settings = replace(bench.settings, identity_key="k" * 32, data_dir=str(tmp_path))
    records = [told(f"n{n}", Arm.NOTIFIED, n % 3) for n in range(9)] + [told(f"h{n}", Arm.HELD_OUT) for n in range(7)]
    records.append(told("late", Arm.NOTIFIED, 39))
    orders = [(f"{who}{n}", f"o{who}{n}", 10.0 + n) for who in "nh" for n in range(6)] + [("late", "olate", 1.0)]
    purchases = [(who, purchase(who, f"a{who}", "completed", -1, f"before{who}", 5)) for who, *_ in orders]
    purchases += [(who, purchase(who, f"b{who}", "completed", 5, order_id, paid)) for who, order_id, paid in orders]
    purchases += [
        ("n1", purchase("n1", "r1", "refunded", 6, "on1", 4)),
        ("n2", purchase("n2", "r2", "refunded", 7, "beforen2", 99)),
        ("n3", purchase("n3", "r3", "cancelled", 8, "on3")),
        *((who, purchase(who, f"s{who}", "completed", -2, f"since{who}", 5)) for who in ("n6", "n7", "n8", "h6")),
        ("other", purchase("other", "last", "completed", 40, "x", 1)),
        # later than the newest order
        ("other", purchase("other", "back", "refunded", 60, "x", 1)),
    ]
    fill(bench, records, purchases)
    ask_for_erasure(settings, "n5")
    shown = CliRunner().invoke(main, ["effect", "--json"], env=settings.to_env(), catch_exceptions=False)
    assert shown.exit_code == 0, shown.stderr
    events = [LogEvent(EventType.PURCHASE, who, 0, value) for who, value in purchases if who != "n5"]
    with DirectoryStore(f"sqlite:///{tmp_path}/directory.sqlite", ZoneInfo("UTC")) as store:
        commit(store, store.claim(), messages_of(events))
        with reading(store.engine) as connection:
            page = notified_effect(settings, lambda ids: known_purchases(connection, ids))
    found, expected = json.loads(shown.stdout), msgspec.to_builtins(page)
    assert {name: found[name] for name in expected} == json.loads(msgspec.json.encode(expected))
    assert (page.everyone.notified.customers, page.everyone.held_out.customers, page.pending) == (8, 7, 1)
    assert page.as_of_ms == START_MS + 40 * DAY_MS


def test_orders_are_those_of_the_id_under_which_they_came() -> None:
    """What was sent again to another customer, and taken away from them later, is not theirs."""
    log = PurchaseLog({"c-1": "c-1", A: "c-1", "c-2": "c-2"}, Decoder())
    came: list[tuple[str, str, tuple[tuple[str, bytes | None], ...]]] = [
        (A, A, ()),
        ("c-2", A, ((AGAIN, b""),)),
        ("c-1", A, ((AGAIN, b""),)),
    ]
    log.add(
        [
            Inbound(
                *("t", 0, n, customer.encode(), purchase(customer, "e1", "completed", 1, "o1", 10)),
                START_MS + 99 * DAY_MS,
                headers=((ARRIVED_AS, own_id.encode()), *headers),
            )
            for n, (customer, own_id, headers) in enumerate(came)
        ]
    )
    assert log.orders == {"c-1": [order(1)]}


def test_policies_are_tried_on_persons(joined: NotifierBench) -> None:
    events = events_of_topics(joined.settings)
    assert [event.customer_id for event in events] == ["c-1", "c-2", "other"]
    assert [msgspec.json.decode(event.value)["customer_id"] for event in events] == ["c-1", "c-2", "other"]
    assert {customer for customer, _ in contacts_of_topics(joined.settings)} == {"c-1", "c-3"}
