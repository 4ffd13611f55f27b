"""A person whose every field is unmistakable, under keys: nowhere in clear, readable at the edge, erased for good."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import orjson
import pytest
from click.testing import CliRunner

from stream.alerts.alert_records import AlertKind
from stream.cli import main
from stream.cli.console_privacy import ShopPersonalData
from stream.cli.data_files import data_directory
from stream.cli.publish_one import publish_one
from stream.cli.topics import create_topics
from stream.client import ClickEvent, InvalidEventError, Producer
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.local.stack import LocalStack
from stream.notifications.read_to_end import read_to_end
from stream.privacy.ciphertexts import CIPHERTEXT
from stream.privacy.person_keys import PersonKeys
from stream.privacy.revealing import UNREADABLE, Revealer
from stream.projections.all_projections import PROJECTIONS
from stream.settings import Settings
from tests.cli.projecting import folded, projecting
from tests.notifications.desk import configuration
from tests.notifications.process import NotifyProcess
from tests.notifications.receivers import Webhook
from tests.notifications.rig import alert, as_of
from tests.oracle.record import Record
from tests.privacy.canary import in_files, in_redis, in_topic, publish, raw, run, stored_in_redis
from tests.privacy.planted import IDENTIFIERS, PERSON, events, planted_in, texts_of
from tests.stream_process import StreamProcess

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[tuple[Settings, Path]]:
    wanted = Settings(
        projections=",".join(PROJECTIONS),
        join_identities=True,
        identity_key="k" * 32,
        privacy_keys=f"sqlite:///{tmp_path}/keys/keys.sqlite",
        privacy_master_key="11" * 32,
        session_timeout_s=6.0,
        heartbeat_s=1.0,
    )
    with LocalStack(tmp_path / "servers", wanted, partitions=2) as running:
        settings = replace(running.settings, data_dir=str(tmp_path / "data"))
        create_topics(settings)
        yield settings, tmp_path / "servers"


def in_topics(settings: Settings) -> bytes:
    """Every key, value and header of every topic."""
    records = [record for topic in settings.topics for record in read_to_end(settings, topic)]
    parts = [(one.key or b"", one.value or b"", *(value or b"" for _, value in one.headers)) for one in records]
    return b"\n".join(b" ".join(part) for part in parts)


def of_pseudonym(settings: Settings, pseudonym: str) -> list[bytes]:
    """What Redis has under a pseudonym; that of `privacy-requests` is no more than hashes."""
    return [stored for stored in stored_in_redis(settings) if pseudonym.encode() in stored]


def events_of(settings: Settings, name: str) -> int:
    result = CliRunner().invoke(main, ["customer", name, "--json"], env={**settings.to_env()})
    return int(orjson.loads(result.stdout)["events"]) if result.exit_code == 0 else 0


def told_by(settings: Settings, tmp_path: Path, pseudonym: str, process: StreamProcess) -> str:
    """What `stream notify` sends when there is an alert about the person, and somebody has done something."""
    run(settings, "actions", "record", PERSON, "contacted", "--actor", "canary-actor-x", "--note", "canary-note-x")
    with Webhook() as hook:
        file = tmp_path / "notifications.yaml"
        file.write_text(configuration(hook.url))
        with NotifyProcess(settings, file, tmp_path / "notify.log"):
            about = msgspec.structs.replace(alert(5), customer_id=pseudonym, kind=AlertKind.WINBACK)
            about = as_of(about, time.time_ns() // 1_000_000)
            publish_one(settings, settings.alerts, pseudonym.encode(), msgspec.json.encode(about), "alert")
            process.wait(lambda: bool(hook.messages) and bool(in_topic(settings, "notifications")))
        return "".join(hook.messages)


def test_a_person_under_keys_is_read_by_people_only_and_never_comes_back(  # noqa: PLR0915 - servers start once
    stack: tuple[Settings, Path], tmp_path: Path
) -> None:
    settings, files = stack
    made = events()
    other = ClickEvent(event_id="e-other", customer_id="other", occurred_at=time.time() - 60, name="page_viewed")
    publish(settings, *made, other)
    log = tmp_path / "worker.log"
    keys = PersonKeys.of(settings)
    assert keys is not None
    with closing(keys):
        pseudonym = keys.known([PERSON])[PERSON].customer_id
    personal = ShopPersonalData(settings)

    with projecting(settings, log, "all") as process:
        process.wait(lambda: events_of(settings, PERSON) == 3 and events_of(settings, "other") == 1)
        process.wait(lambda: folded(settings)["identity"] >= 6 and folded(settings)["activity"] >= len(made) + 1)
        run(settings, "directory", "run", "--once")
        # people read the id, and what is said of the person, by id and by identifier
        shown = orjson.loads(run(settings, "customer", f"email:{IDENTIFIERS['email']}", "--json"))
        assert shown["customer_id"] == PERSON
        assert PERSON in told_by(settings, tmp_path, pseudonym, process)
        assert "canary-note-x" in run(settings, "customer", PERSON)
        run(settings, "privacy", "export", PERSON, "--output", str(tmp_path / "export"))
        exported = (tmp_path / "export" / "events.jsonl").read_text("utf-8")
        for text in texts_of(made):
            assert exported.count(f'"{text}"') == 1, text
        assert "canary-purchase-order_id-x" in (tmp_path / "export" / "person.html").read_text("utf-8")

        # before anything is erased, nothing is in clear
        before = in_topics(settings)
        assert planted_in(before) == []
        assert in_redis(settings) == []
        assert in_files(files, data_directory(settings).path) == {}
        logs = (log, tmp_path / "notify.log")
        assert planted_in(b"".join(one.read_bytes() for one in logs)) == []
        assert CIPHERTEXT.search(before.decode(errors="replace"))
        assert of_pseudonym(settings, pseudonym)
        with closing(raw(settings)) as client:
            backup = {key: client.dump(key) for key in client.scan_iter("*")}

        # from the console
        assert personal.kept(PERSON).found["keys"] >= 1
        request = personal.ask(PERSON)
        personal.carry_out(request, lambda _line: None, threading.Event())
        shown_there = personal.receipts()
        assert ([one.request_id for one in shown_there.receipts], shown_there.faults) == ([request], [])
        receipt = orjson.loads(run(settings, "privacy", "erase", PERSON, "--json"))
        assert receipt["request_id"] == request
        assert receipt["found"]["keys"] >= 1
        assert not any(receipt["left"].values())
        assert "nobody can" in receipt["remains"]["topics"]
        assert of_pseudonym(settings, pseudonym) == []
        assert personal.export(PERSON, "json") is None

        # what the log and a copy of it have can be read by nobody
        with Revealer.of(settings) as revealer:
            # who was referred is another person
            revealed = revealer.text(before.decode(errors="replace")).replace(
                "canary-interaction-referred_id-x", "referred"
            )
            of_backup = revealer.text(b" ".join(filter(None, backup.values())).decode(errors="replace"))
        assert planted_in(revealed.encode()) == []
        assert planted_in(of_backup.encode()) == []
        assert UNREADABLE in revealed
        assert "other" in revealed
        assert "referred" in revealed
        assert planted_in(b"".join(file.read_bytes() for file in (tmp_path / "keys").iterdir())) == []
        with Producer(settings) as producer, pytest.raises(InvalidEventError, match="erased"):
            producer.publish(msgspec.structs.replace(made[0], event_id="canary-later-x"))

        # a rebuild of every projection
        for name in (*PROJECTIONS, "directory"):
            run(settings, "projections", "rebuild", name)
        process.wait(lambda: folded(settings)["activity"] >= 1)
        run(settings, "directory", "run", "--once")
        assert of_pseudonym(settings, pseudonym) == []
        assert events_of(settings, "other") == 1
        process.stop()

    # a replay of everything from offset 0, as nothing is left in Redis
    with closing(raw(settings)) as client:
        client.flushdb()
    with projecting(settings, log, "all") as process:
        process.wait(lambda: events_of(settings, "other") == 1)
        assert of_pseudonym(settings, pseudonym) == []
        assert events_of(settings, PERSON) == 0
        process.stop()

    # a backup of before
    with closing(raw(settings)) as client:
        client.flushdb()
        for key, packed in backup.items():
            client.restore(key, 0, packed)
    assert of_pseudonym(settings, pseudonym)
    with projecting(settings, log, "all") as process:
        process.wait(lambda: all(b":notify:" in stored for stored in of_pseudonym(settings, pseudonym)))
        # what is beside the workers is erased by the command; nobody has the key any more, so by the pseudonym
        run(settings, "privacy", "erase", pseudonym)
        assert of_pseudonym(settings, pseudonym) == []
        assert events_of(settings, "other") == 1
        process.stop()
    assert planted_in(in_topics(settings)) == []
    assert planted_in(log.read_bytes()) == []


def test_events_that_are_written_to_kafka_in_clear_are_refused() -> None:
    settings = Settings(privacy_keys="sqlite:///nowhere/keys.sqlite")
    ids = ["k1_" + "a" * 22, "ann", "email:h1_" + "b" * 22, "k1_short", "k1_" + "a" * 23, ""]
    records = [
        Record(
            key=one.encode(),
            value=orjson.dumps(
                {"event_id": "e-1", "customer_id": one, "occurred_at": 1_717_158_600, "name": "page_viewed"}
            ),
            timestamp=1_717_158_600_000,
        )
        for one in ids
    ]
    decoded = Decoder.of(settings).decode(EventType.CLICK, records)
    assert decoded.customer_ids == [ids[0], ids[2]]
    assert [one.record for one in decoded.rejections] == [1, 3, 4, 5]
    assert [one.reason for one in decoded.rejections[:3]] == ["bad_customer_id"] * 3
    assert "stream ingest" in decoded.rejections[0].detail
    assert Decoder.of(settings, in_clear=True).decode(EventType.CLICK, records[:5]).customer_ids == ids[:5]
