"""The process that keeps the directory, on a broker: its reading, its resuming, and servers that disappear."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from confluent_kafka import Producer as Publisher

from stream.alerts.action_records import Action, ActionKind
from stream.alerts.decoding import encode_action
from stream.cli.topics import create_topics
from stream.client import FeedbackEvent, Producer, PurchaseEvent
from stream.directory.keeper import run
from stream.directory.store import DirectoryClaim, DirectoryStore, Step
from stream.errors import FencedError, TopologyError
from stream.local.broker import EmbeddedBroker
from stream.privacy.erasures import Erasures
from stream.privacy.pseudonym import Pseudonyms
from stream.privacy.request_records import PrivacyRequest
from stream.settings import Settings
from tests.directory.postgres import Postgres, required_postgres
from tests.directory.told import rows_of
from tests.privacy.test_erasure_receipt import receipt

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")


@pytest.fixture
def settings(broker: EmbeddedBroker, topic_prefix: str) -> Settings:
    settings = Settings(kafka_bootstrap=broker.bootstrap, topic_prefix=topic_prefix, partitions=3)
    create_topics(settings)
    return settings


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DirectoryStore]:
    with DirectoryStore(f"sqlite:///{tmp_path}/directory.sqlite", UTC_ZONE) as opened:
        yield opened


def buy(settings: Settings, *numbers: int) -> None:
    with Producer(settings) as producer:
        for number in numbers:
            producer.publish(
                PurchaseEvent(
                    event_id=f"e-{number}",
                    customer_id=f"c-{number % 5}",
                    occurred_at=AT,
                    name="completed",
                    order_id=f"o-{number}",
                    amount=10.5,
                    currency="EUR",
                )
            )


def publish(settings: Settings, topic: str, key: str, value: bytes | None) -> None:
    publisher = Publisher(settings.librdkafka())
    publisher.produce(topic, key=key, value=value, partition=1)
    assert publisher.flush(30) == 0


def spends(store: DirectoryStore) -> dict[str, int]:
    return {row["customer_id"]: row["spend"] for row in rows_of(store)["directory_customers"]}


def test_topics_are_read_once_and_reading_resumes_where_it_ended(settings: Settings, store: DirectoryStore) -> None:
    buy(settings, *range(10))
    with Producer(settings) as producer:
        producer.publish(
            FeedbackEvent(
                event_id="f-1", customer_id="c-1", occurred_at=AT, name="complained", text="broken", channel="phone"
            )
        )
    action = Action(action_id="a-1", customer_id="c-1", action=ActionKind.CONTACTED, occurred_at=AT, note="called")
    publish(settings, settings.actions, "c-1", encode_action(action))
    stage = {"change_id": "s-1", "customer_id": "c-1", "from": "due", "to": "at_risk", "cause": "silence", "why": "x"}
    at = "2026-01-02T03:04:05.000Z"
    times = {"since": at, "occurred_at": at, "emitted_at": at, "days_since_order": 20.0, "usual_gap_days": 10.0}
    publish(settings, settings.stages, "c-1", msgspec.json.encode({**stage, **times}))
    publish(settings, settings.alerts, "c-1", b"no alert")
    publish(settings, settings.customers, "c-1", None)
    run(settings, store, threading.Event(), until_end=True)
    rows = rows_of(store)
    assert spends(store) == {f"c-{number}": 210_000 for number in range(5)}
    assert (store.progress().folded, store.progress().skipped) == (13, 2)
    of_one = {row["source"]: row for row in rows["directory_timeline"] if row["customer_id"] == "c-1"}
    assert {source: row["name"] for source, row in of_one.items()} == {
        "purchase": "completed",
        "feedback": "complained",
        "action": "contacted",
        "stage": "at_risk",
    }
    assert of_one["action"]["detail"] == {"note": "called"}
    assert of_one["feedback"]["detail"] is None, "what customers wrote is not kept here"
    assert [row["channel"] for row in rows["directory_channels"]] == ["phone"]
    buy(settings, *range(5, 12))
    run(settings, store, threading.Event(), until_end=True)
    assert spends(store) == {"c-0": 315_000, "c-1": 315_000, "c-2": 210_000, "c-3": 210_000, "c-4": 210_000}
    assert store.progress().folded == 20, "nothing is read twice"
    store.rebuild()
    run(settings, store, threading.Event(), until_end=True)
    assert spends(store) == {"c-0": 315_000, "c-1": 315_000, "c-2": 210_000, "c-3": 210_000, "c-4": 210_000}


def test_people_who_are_erased_leave_the_directory_and_do_not_come_back(
    settings: Settings, store: DirectoryStore
) -> None:
    buy(settings, *range(10))
    run(settings, store, threading.Event(), until_end=True)
    claim = store.claim()
    erasures = Erasures(b"k" * 32)
    pseudonyms = Pseudonyms(b"k" * 32)
    asked = PrivacyRequest(request_id="r-1", asked_at=1.0, pseudonyms=[pseudonyms.of("c-1")], ids=["c-1"])
    erasures.take(0, asked)
    # of an older request only the hash is left, and the rows are of a backup
    done = PrivacyRequest(
        request_id="r-2", asked_at=1.0, pseudonyms=[pseudonyms.of("c-2")], opened_at=1, receipt=receipt(1, "")
    )
    erasures.take(2, done)
    run(settings, store, threading.Event(), until_end=True, erasures=erasures)
    assert spends(store).keys() == {"c-0", "c-3", "c-4"}
    assert not any(rows for rows in store.rows_of("c-1").values())
    assert store.erased_up_to() == 3
    with pytest.raises(FencedError):
        store.commit(claim, Step([], {}, 0, erased_up_to=0))
    with pytest.raises(FencedError, match="erased"):
        store.commit(store.claim(), Step([], {}, 0, erased_up_to=2))
    buy(settings, *range(10, 15))
    store.rebuild()
    run(settings, store, threading.Event(), until_end=True, erasures=erasures)
    assert spends(store) == {f"c-{number}": 315_000 for number in (0, 3, 4)}


def test_a_rebuild_is_noticed_by_the_process_that_runs(settings: Settings, store: DirectoryStore) -> None:
    buy(settings, *range(10))
    stop = threading.Event()
    generations = []
    told: list[str] = []

    def tell(reasons: Sequence[str], _figures: object) -> None:
        told.extend(reasons)
        if not reasons:
            generations.append(store.progress().generation)
            if len(generations) == 1:
                store.rebuild()
            elif generations[-1] == 1 and store.progress().folded == 10:
                stop.set()

    run(settings, store, stop, tell=tell)
    assert generations[0] == 0
    assert generations[-1] == 1
    # it is no outage
    assert not [reason for reason in told if "does not answer" in reason]
    assert spends(store) == {f"c-{number}": 210_000 for number in range(5)}


def test_a_process_ends_when_another_one_has_taken_over(settings: Settings, store: DirectoryStore) -> None:
    taken: list[DirectoryClaim] = []

    def tell(_reasons: object, _figures: object) -> None:
        if not taken:
            taken.append(store.claim())
            buy(settings, 1)

    with pytest.raises(FencedError, match="run one only"):
        run(settings, store, threading.Event(), tell=tell)
    assert spends(store) == {}


def test_topics_that_are_missing_are_named(broker: EmbeddedBroker, store: DirectoryStore) -> None:
    settings = Settings(kafka_bootstrap=broker.bootstrap, topic_prefix="not-there.")
    with pytest.raises(TopologyError, match=r"not-there\.events\.click.*stream topics create"):
        run(settings, store, threading.Event())


def test_a_database_that_goes_away_and_comes_back_has_everything_once(settings: Settings) -> None:
    stop = threading.Event()
    told: list[list[str]] = []
    with Postgres(required_postgres()) as server, DirectoryStore(server.database(), UTC_ZONE) as store:
        buy(settings, *range(10))
        running = threading.Thread(
            target=run, args=(settings, store, stop), kwargs={"tell": lambda reasons, _: told.append([*reasons])}
        )
        running.start()
        try:
            await_(lambda: [] in told)
            server.pause()
            buy(settings, *range(10, 20))
            await_(lambda: any("does not answer" in reason for reasons in told for reason in reasons))
            server.start()
            await_(lambda: sum(spends(store).values()) == 20 * 105_000)
        finally:
            stop.set()
            running.join(60)
        assert not running.is_alive()
        assert store.progress().folded == 20


def await_(condition: Callable[[], bool], deadline_s: float = 60.0) -> None:
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
