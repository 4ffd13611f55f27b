"""A person whose every field is unmistakable: exported whole, erased whole, and never back."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
import redis
from click.testing import CliRunner

from stream.alerts.action_records import Action, ActionKind
from stream.alerts.decoding import encode_action
from stream.cli import main
from stream.cli.data_files import data_directory
from stream.cli.directory_at import open_desk
from stream.cli.topics import create_topics
from stream.client import ClickEvent, Producer
from stream.imports.contacts import CONTACTS_FILE, Contact, ContactsFile
from stream.local.stack import LocalStack
from stream.notifications.read_to_end import read_to_end
from stream.projections.all_projections import PROJECTIONS
from stream.settings import Settings
from stream.storage.notification_store import NotificationStore
from tests.cli.projecting import folded
from tests.ingest.running import TOKEN, post
from tests.privacy.planted import IDENTIFIERS, PERSON, events, planted_in, texts_of
from tests.privacy.watched import WatchedProcess, ask

pytestmark = pytest.mark.timeout(900)

#: Whoever is told, does not answer: so it is written down why not.
_NOTIFICATIONS = """
channels:
  crm: {url: "json://127.0.0.1:9/hook", hold_out: false}
templates:
  alert: {title: "{{ alert.customer_id }}", body: "{{ alert.sentence }}"}
rules:
  - {name: everything, channels: [crm]}
"""


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[tuple[Settings, Path]]:
    wanted = Settings(
        projections=",".join(name for name in PROJECTIONS if name != "arrivals"),
        identity_key="k" * 32,
        session_timeout_s=6.0,
        heartbeat_s=1.0,
    )
    (tmp_path / "notifications.yaml").write_text(_NOTIFICATIONS)
    with LocalStack(tmp_path / "servers", wanted, partitions=2) as running:
        settings = replace(
            running.settings,
            data_dir=str(tmp_path / "data"),
            ingest_token=TOKEN,
            ingest_port=0,
            notify_file=str(tmp_path / "notifications.yaml"),
        )
        create_topics(settings)
        yield settings, tmp_path / "servers" / "redis"


def run(settings: Settings, *arguments: str) -> str:
    result = CliRunner().invoke(main, [*arguments], env={**settings.to_env()})
    assert result.exit_code == 0, result.output
    assert planted_in(result.stderr.encode()) == []
    return result.stdout


def publish(settings: Settings, *made: Any) -> None:
    with Producer(settings) as producer:
        for event in made:
            producer.publish(event)


def raw(settings: Settings) -> Any:
    return redis.Redis.from_url(settings.redis_url)


def stored_in_redis(settings: Settings) -> Iterator[bytes]:
    """The keys of Redis, each with what it has."""
    with closing(raw(settings)) as client:
        for key in client.scan_iter("*", count=1000):
            kind = client.type(key)
            if kind == b"string":
                content = client.get(key)
            elif kind == b"hash":
                content = b"".join(part for pair in client.hgetall(key).items() for part in pair)
            elif kind == b"zset":
                content = b" ".join(client.zrange(key, 0, -1))
            elif kind == b"set":
                content = b" ".join(client.smembers(key))
            else:
                content = b" ".join(client.lrange(key, 0, -1))
            yield key + b" " + (content or b"")


def in_redis(settings: Settings) -> list[str]:
    """What the keys of Redis have of the person, names and contents."""
    return [found for stored in stored_in_redis(settings) for found in planted_in(stored)]


def in_files(*directories: Path) -> dict[str, list[str]]:
    files = [file for directory in directories for file in directory.rglob("*") if file.is_file()]
    return {str(file): found for file in files if (found := planted_in(file.read_bytes()))}


def in_topic(settings: Settings, topic: str) -> list[Any]:
    return [*read_to_end(settings, f"{settings.topic_prefix}{topic}")]


def keep_about_the_person(settings: Settings) -> None:
    """What is kept beside the workers: contacts, the notifier's notes, what people recorded in the console."""
    action = Action(
        action_id="canary-action-x",
        customer_id=PERSON,
        action=ActionKind.CONTACTED,
        occurred_at=time.time(),
        actor="canary-actor-x",
        note="canary-note-x",
    )
    with ContactsFile(data_directory(settings).path / CONTACTS_FILE) as contacts:
        contacts.add([(PERSON, Contact(name="canary-name-x", email="canary-address-x"))])
    with NotificationStore(settings) as store:
        store.record_action(PERSON, "contacted", 1, encode_action(action), 3600)
        store.hold_out(PERSON, "canary-alert-x", 3600)
    with open_desk(settings) as desk:
        desk.record(action, "ann", 1)
        desk.snooze(PERSON, 10**13)


def send_by_http(settings: Settings, directory: Path) -> None:
    """Send events to the endpoint: one that Kafka gets, and those that are refused, whose reasons are the sender's."""
    with WatchedProcess(settings, directory, "ingest") as ingest:
        port = int(ingest.found(r"events are taken at http://[^/]+:(\d+)/"))
        unknown = {
            "event_id": "canary-sent-x",
            "customer_id": PERSON,
            "occurred_at": "canary-time-x",
            "name": "canary-name-x",
        }
        for body in (unknown, b'{"event_id": "canary-broken-x', [unknown, {"customer_id": "canary-2-x"}]):
            for path in ("/v1/events/click", "/v1/events/canary-type-x", "/v1/adapters/canary-hook-x"):
                assert post(port, path, body).status >= 400
        assert ingest.planted() == []
        ingest.stop()
        assert planted_in(ingest.log.read_bytes()) == []


def look_at_pages(settings: Settings, directory: Path) -> None:
    """Ask the console for the person, and for somebody whom it does not know."""
    with WatchedProcess(settings, directory, "console", "--port", "0") as console:
        port = int(console.found(r"console: http://[^/]+:(\d+)"))
        for path, form, shows in (
            ("/", None, b"<html"),
            ("/customers", None, b"<html"),
            ("/customer", {"customer_id": PERSON}, PERSON.encode()),
            ("/customer", {"who": "canary-nobody-x"}, b"<html"),
            ("/customers", {"begins": "canary-"}, PERSON.encode()),
        ):
            status, page = ask(port, path, form)
            assert status < 500, path
            assert shows in page, path
        assert console.planted() == []
        console.stop()
        assert planted_in(console.log.read_bytes()) == []


def test_all_that_is_planted_is_exported_and_none_is_left_or_comes_back(  # noqa: PLR0915 - one scenario: servers start once
    stack: tuple[Settings, Path], tmp_path: Path
) -> None:
    settings, files = stack
    made = events()
    other = ClickEvent(event_id="e-other", customer_id="other", occurred_at=time.time() - 60, name="page_viewed")
    publish(settings, *made, other)
    keep_about_the_person(settings)
    logs = tmp_path / "logs"
    logs.mkdir()
    send_by_http(settings, logs)

    def events_of(customer: str) -> int:
        result = CliRunner().invoke(main, ["customer", customer, "--json"], env={**settings.to_env()})
        return int(orjson.loads(result.stdout)["events"]) if result.exit_code == 0 else 0

    with WatchedProcess(settings, logs, "worker") as process, WatchedProcess(settings, logs, "notify") as notifier:
        process.wait(lambda: events_of(PERSON) == 3 and events_of("other") == 1)
        process.wait(lambda: folded(settings)["classification"] >= 2 and folded(settings)["identity"] >= 6)
        with WatchedProcess(settings, logs, "directory", "run") as directory:
            assert directory.planted() == []
            directory.stop()
            assert planted_in(directory.log.read_bytes()) == []
        run(settings, "directory", "run", "--once")
        look_at_pages(settings, logs)
        assert (process.planted(), notifier.planted()) == ([], [])

        # everything is there to be taken along, once as an event
        run(settings, "privacy", "export", PERSON, "--output", str(tmp_path / "export"))
        exported = (tmp_path / "export" / "person.json").read_text("utf-8")
        page = (tmp_path / "export" / "person.html").read_text("utf-8")
        as_events = (tmp_path / "export" / "events.jsonl").read_text("utf-8")
        for text in texts_of(made):
            assert as_events.count(f'"{text}"') == 1, text
            assert text in exported, text
            assert text in page, text
        for text in ("canary-name-x", "canary-address-x", "canary-note-x", "canary-alert-x"):
            assert text in exported or text == "canary-alert-x", text
        assert {*orjson.loads(exported)["stores"]} >= {"profiles", "timers", "directory", "console", "contacts"}
        for clear in IDENTIFIERS.values():
            assert clear not in exported, "an identifier is kept in clear"

        with closing(raw(settings)) as client:
            backup = {key: client.dump(key) for key in client.scan_iter("*")}
        assert in_redis(settings)

        # erased by an identifier, under all ids
        receipt = orjson.loads(run(settings, "privacy", "erase", f"email:{IDENTIFIERS['email']}", "--json"))
        assert receipt["found"]["profiles"] == 1
        assert not any(receipt["left"].values())
        assert not planted_in(orjson.dumps(receipt))
        assert in_redis(settings) == []
        assert in_files(files, data_directory(settings).path) == {}
        assert (process.planted(), notifier.planted()) == ([], [])
        assert "1 receipt is whole" in run(settings, "privacy", "verify")
        assert orjson.loads(run(settings, "privacy", "erase", PERSON, "--json")) == receipt

        # what stays in Kafka is what the product says
        assert "topics" in receipt["remains"]

        # later events are refused without their content, a rebuild and a replay bring nobody back
        publish(settings, msgspec.structs.replace(made[0], event_id="canary-later-x"))
        process.wait(lambda: len(in_topic(settings, "dead-letters")) == 1)
        (letter,) = in_topic(settings, "dead-letters")
        assert (letter.key, letter.value) == (None, None)
        assert ("dlq.reason", b"erased") in [*letter.headers]
        for name in (*settings.projections.split(","), "directory"):
            run(settings, "projections", "rebuild", name)
        process.wait(lambda: folded(settings)["activity"] == 1)
        run(settings, "directory", "run", "--once")
        assert in_redis(settings) == []
        assert in_files(data_directory(settings).path) == {}
        assert events_of("other") == 1
        assert (process.planted(), notifier.planted()) == ([], [])
        process.stop()
        notifier.stop()
    assert in_files(logs) == {}

    # a backup of before, while the topic that says who is erased goes on
    with closing(raw(settings)) as client:
        client.flushdb()
        for key, packed in backup.items():
            client.restore(key, 0, packed)
    assert in_redis(settings)
    again = tmp_path / "logs of then"
    again.mkdir()
    with WatchedProcess(settings, again, "worker") as process:
        # what is beside the workers is erased by the command
        process.wait(lambda: all(":notify:" in found for found in in_redis(settings)))
        assert in_redis(settings)
        run(settings, "privacy", "erase", PERSON)
        assert in_redis(settings) == []
        assert "2 receipts are whole" in run(settings, "privacy", "verify")
        assert events_of("other") == 1
        assert process.planted() == []
    assert in_files(again) == {}
