"""One customer, as the store has them."""

import asyncio
import json
import subprocess
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest
import redis

from stream.clock import FixedClock
from stream.consent.agreements import Agreements, Statement
from stream.consent.purposes import Purpose
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.log_event import LogEvent
from stream.events.partitioner import partition_of
from stream.imports.contacts import CONTACTS_FILE, Contact, ContactsFile
from stream.local.redis import EmbeddedRedis
from stream.online_models.learner import Learner, LearnerSettings
from stream.online_models.purchase_process import PRIOR, Histories
from stream.online_models.snapshot import encode_snapshot
from stream.processing.document import packed_state
from stream.processing.editions import Edition, with_edition
from stream.processing.replay import Replay
from stream.processing.rules import Rules
from stream.processing.state import PartitionState
from stream.projections.consents import Consents
from stream.reporting.refreshed import SCORES
from stream.settings import Settings
from stream.storage.connection import connect
from stream.storage.keys import Keys, ProjectionKeys
from stream.storage.notification_store import NotificationStore
from stream.storage.partition_store import Commit, PartitionStore

DAY_S = 86_400
START_S = 1_700_000_000
PARTITIONS = 3
CUSTOMER = "Zoë [7]*"
OFFERS = Path(__file__).parents[2] / "examples" / "offers.yaml"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def event(event_type: EventType, day: float, name: str, **fields: object) -> LogEvent:
    at_s = START_S + day * DAY_S
    value = {"event_id": f"{name}{day}", "customer_id": CUSTOMER, "occurred_at": at_s, "name": name, **fields}
    return LogEvent(event_type, CUSTOMER, int(at_s * 1000), json.dumps(value).encode())


def order(day: float, amount: float) -> LogEvent:
    return event(EventType.PURCHASE, day, "completed", order_id=f"o{day}", amount=amount, currency="USD")


@pytest.fixture(scope="module")
def replay() -> Replay:
    """Three orders and a click in 20 days, as a worker would store them, and the models of that time."""
    clock = FixedClock((START_S + 365 * DAY_S) * 1000)
    replay = Replay(Rules(), Learner(LearnerSettings()), Decoder(), clock.now_ms())
    events = [order(0, 10.5), order(10, 20.0), event(EventType.CLICK, 12, "page_viewed"), order(20, 30.25)]
    assert [*replay.run(events)][-1] == 4
    return replay


@pytest.fixture
def stored(redis_server: EmbeddedRedis, namespace: str, replay: Replay) -> dict[str, str]:
    """Store the document and the models as a worker does; the variables under which commands find them."""
    snapshot = replay.scorer.snapshot
    assert snapshot is not None

    async def store() -> None:
        client = connect(Settings(redis_url=redis_server.url))
        partition = partition_of(CUSTOMER, PARTITIONS)
        partition_store = PartitionStore(client, Keys(namespace), partition, "w", ttl_s=600)
        await partition_store.claim()
        await partition_store.commit(Commit(PartitionState(), replay.documents), due_limit=0)
        await client.set(Keys(namespace).snapshot(), encode_snapshot(snapshot))
        await client.aclose()

    asyncio.run(store())
    return {"STREAM_NAMESPACE": namespace, "STREAM_PARTITIONS": str(PARTITIONS), "STREAM_SHOP_CURRENCY": "USD"}


def test_a_customer_is_shown_with_history_features_and_timers(run: Run, stored: dict[str, str]) -> None:
    done = run("customer", CUSTOMER, **stored)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    told = " ".join(done.stdout.split())
    assert f"customer {CUSTOMER} as of" in told
    assert "orders 3; last 4 December 2023, 22:13; US$60.75 net" in told
    assert "A first estimate, mostly by what is usual in other shops. It comes from the times of orders alone" in told
    assert "purchases 1 1 1 3 3" in told
    assert "purchase_gap 10.00 days" in told
    assert "days_since_email not known yet" in told
    assert "wait for theirs" in told


def test_money_and_times_are_written_as_the_shop_writes_them(run: Run, stored: dict[str, str]) -> None:
    of_shop = {"STREAM_SHOP_LOCALE": "de_DE", "STREAM_SHOP_CURRENCY": "EUR", "STREAM_SHOP_TIMEZONE": "Asia/Tokyo"}
    done = run("customer", CUSTOMER, **{**stored, **of_shop})
    assert done.returncode == 0, done.stderr
    told = " ".join(done.stdout.split())
    # 22:13 UTC of the fourth is the next morning there
    assert "last 5. Dezember 2023, 07:13; 60,75 € net" in told
    assert "since 15. November 2023, 07:13" in told


def test_json_has_the_packed_state_unpacked(run: Run, stored: dict[str, str], replay: Replay) -> None:
    done = run("customer", CUSTOMER, "--json", **stored)
    assert done.returncode == 0, done.stderr
    shown, packed = json.loads(done.stdout), json.loads(replay.documents[CUSTOMER])
    state = shown.pop("state")
    assert (shown.pop("actions"), shown.pop("held_out")) == ([], False)
    del packed["state"]
    # the events end long ago: the document is as of the day that counts as today
    assert shown.pop("standing") == "active"
    assert shown == packed
    assert [entry["amount"] for entry in state["orders"]] == [10.5, 20.0, 30.25]
    assert sum(tile.get("purchases", 0) for tile in state["days"]) == 3
    assert sum(tile.get("clicks", 0) for tile in state["days"]) == 1
    assert sum(tile.get("spend", 0) for tile in state["days"]) == 60.75
    assert state["event_ids_remembered"] == 4
    pending = state["pending_landmarks"]
    # a landmark a week, none of them mature after 20 days
    assert len(pending) in {2, 3}
    for landmark in pending:
        at, matures_at = (datetime.fromisoformat(landmark[name]) for name in ("at", "matures_at"))
        assert matures_at - at == timedelta(days=28)
    assert state["timers"]["next_label_at"] == pending[0]["matures_at"]


def test_what_is_kept_of_the_time_before_others_joined_is_not_shown(
    run: Run, stored: dict[str, str], redis_server: EmbeddedRedis, namespace: str
) -> None:
    """It has scores, also of who agrees to none by now."""
    before = json.loads(run("customer", CUSTOMER, "--json", **stored).stdout)
    key = Keys(namespace).customer(partition_of(CUSTOMER, PARTITIONS), CUSTOMER)
    with redis.Redis.from_url(redis_server.url) as client:
        document = client.get(key)
        assert isinstance(document, bytes)
        packed = b64encode(packed_state(document)).decode()
        client.set(key, with_edition(document, Edition(number=3, before=packed)))
    done = run("customer", CUSTOMER, "--json", **stored)
    assert packed not in done.stdout
    assert json.loads(done.stdout) == before


def test_before_anything_was_published_the_risk_is_that_of_other_shops(
    run: Run, stored: dict[str, str], redis_server: EmbeddedRedis
) -> None:
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.delete(Keys(stored["STREAM_NAMESPACE"]).snapshot()) == 1
    shown = json.loads(run("customer", CUSTOMER, "--json", **stored).stdout)
    # days with an order after the first, days from the first to the last and to now; kept in steps of a thousandth
    history = Histories(np.array([2.0]), np.array([20.0]), np.array([20.0]))
    assert shown["risk"] == pytest.approx(float(PRIOR.no_order(history, 28.0)[0]), abs=1e-3)
    assert (shown["risk_from"], shown["risk_sure"]) == ("orders", "low")


def test_a_customer_is_found_though_the_partition_count_is_set_wrong(run: Run, stored: dict[str, str]) -> None:
    wrong = next(
        count for count in range(4, 100) if partition_of(CUSTOMER, count) != partition_of(CUSTOMER, PARTITIONS)
    )
    done = run("customer", CUSTOMER, "--json", **{**stored, "STREAM_PARTITIONS": str(wrong)})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["customer_id"] == CUSTOMER
    assert f"found in partition {partition_of(CUSTOMER, PARTITIONS)}, where {wrong} partitions" in done.stderr


def test_an_unknown_customer_is_one_line_and_status_1(run: Run, stored: dict[str, str]) -> None:
    done = run("customer", "nobody", **stored)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "there is no customer 'nobody'" in line


def test_a_customer_who_cannot_be_read_is_one_line_and_status_1(
    run: Run, stored: dict[str, str], redis_server: EmbeddedRedis, namespace: str
) -> None:
    key = Keys(namespace).customer(partition_of(CUSTOMER, PARTITIONS), CUSTOMER)
    with redis.Redis.from_url(redis_server.url) as client:
        document = client.get(key)
        for damaged in (document[:60], document.replace(b'"state":"', b'"state":"AAAA'), b"no document"):
            client.set(key, damaged)
            done = run("customer", CUSTOMER, **stored)
            assert (done.returncode, done.stdout) == (1, "")
            (line,) = done.stderr.splitlines()
            assert f"what is stored of {CUSTOMER!r} cannot be read" in line
            assert "restore it from a backup" in line


def test_an_imported_customer_is_found_by_name_and_address(run: Run, stored: dict[str, str], tmp_path: Path) -> None:
    stored = {**stored, "STREAM_DATA_DIR": str(tmp_path)}
    with ContactsFile(tmp_path / CONTACTS_FILE) as contacts:
        contacts.add(
            [
                (CUSTOMER, Contact(name="Zoë Saß", email="zoe@example.com")),
                ("c-2", Contact(name="Ann Ode")),
                ("c-3", Contact(name="Ann  Ode")),
                *((f"c-{n}", Contact(name="Jo Day", email=f"jo{min(n, 5)}@example.com")) for n in (4, 5, 6)),
            ]
        )
    for text in ("zoë sass", "ZOE@example.com", CUSTOMER):
        done = run("customer", text, **stored)
        assert done.returncode == 0, done.stderr
        assert f"customer {CUSTOMER} as of" in " ".join(done.stdout.split())
    twice = run("customer", "ann ode", **stored)
    assert twice.returncode == 2
    assert "2 customers are called 'ann ode'; say which one: c-2, c-3" in twice.stderr
    # addresses tell people apart, where they are of one
    thrice = run("customer", "jo day", **stored)
    assert "3 customers are called 'jo day'; say which one: jo4@example.com, c-5, c-6" in thrice.stderr
    thrice = run("customer", "JO5@example.com", **stored)
    assert "2 customers are called 'JO5@example.com'; say which one: c-5, c-6" in thrice.stderr
    # who takes a customer takes a name
    consent = run("consent", "show", "Zoë SASS", "--json", **stored)
    assert (consent.returncode, json.loads(consent.stdout)["customer_id"]) == (0, CUSTOMER), consent.stderr
    offers = {**stored, "STREAM_OFFERS_FILE": str(OFFERS)}
    for command in (
        ("consent", "show", "ann ode"),
        ("consent", "grant", "ann ode", "marketing"),
        ("consent", "withdraw", "ann ode", "marketing"),
        ("offer", "ann ode"),
    ):
        twice = run(*command, **offers)
        assert (twice.returncode, "2 customers are called 'ann ode'" in twice.stderr) == (2, True), twice.stderr
    near = run("customer", "zoë", **stored)
    assert near.returncode == 1
    assert f"did you mean 'Zoë Saß' ({CUSTOMER})?" in near.stderr


def test_a_redis_that_is_away_is_one_line_and_status_1(run: Run) -> None:
    done = run("customer", "c-1", STREAM_REDIS_URL="redis://127.0.0.1:1/0")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "check redis_url" in line


def test_actions_of_people_and_the_hold_out_are_shown(
    run: Run, stored: dict[str, str], redis_server: EmbeddedRedis
) -> None:
    settings = Settings(redis_url=redis_server.url, namespace=stored["STREAM_NAMESPACE"])
    action = {
        "action_id": "a",
        "customer_id": CUSTOMER,
        "action": "offer_accepted",
        "occurred_at": "2026-01-02T03:04:05Z",
        "actor": "Ann",
        "note": "ten percent\noff",
    }
    with NotificationStore(settings) as notifications:
        notifications.record_action(CUSTOMER, "offer_accepted", 1, json.dumps(action).encode(), ttl_s=600)
        notifications.hold_out(CUSTOMER, "alert", ttl_s=600)
    told = " ".join(run("customer", CUSTOMER, **stored).stdout.split())
    assert "offer accepted 2 January 2026, 03:04 by Ann: ten percent?off" in told
    assert "held out alerts are not sent" in told
    shown = json.loads(run("customer", CUSTOMER, "--json", **stored).stdout)
    assert shown["actions"] == [action]
    assert shown["held_out"] is True


def test_nothing_that_models_make_of_a_customer_is_shown_without_consent(
    run: Run, stored: dict[str, str], redis_server: EmbeddedRedis
) -> None:
    before = json.loads(run("customer", CUSTOMER, "--json", **stored).stdout)
    assert {"risk", "reasons", "state", "value_at_risk"} <= before.keys()
    said = Agreements()
    said.add(Purpose.PROFILING, None, Statement(1, True, "e-1", "consent withdrawn"))
    said.add(Purpose.MARKETING, "email", Statement(1, True, "e-2", "email unsubscribed"))
    keys = ProjectionKeys(stored["STREAM_NAMESPACE"], Consents.name, Consents.version, 0)
    with redis.Redis.from_url(redis_server.url) as client:
        client.set(keys.customer(partition_of(CUSTOMER, PARTITIONS), CUSTOMER), msgspec.json.encode(said))
    shown = json.loads(run("customer", CUSTOMER, "--json", **stored).stdout)
    assert shown.keys() & (SCORES | {"state"}) == set()
    assert {name: shown[name] for name in ("orders", "spend", "alert")} == {"orders": 3, "spend": 60.75, "alert": False}
    assert shown["consent_refused"] == ["no marketing by email", "no scores"]
    told = " ".join(run("customer", CUSTOMER, **stored).stdout.split())
    assert "risk none: the customer does not agree to scores" in told
    assert "no marketing by email; no scores (`stream consent show`)" in told
    assert "what happens when nothing happens" not in told
