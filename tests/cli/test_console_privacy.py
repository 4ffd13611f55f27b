"""What the console does for a person who asks, against Kafka and Redis without workers."""

import threading
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from stream.cli import console_privacy
from stream.cli.console_privacy import ShopPersonalData
from stream.cli.data_files import contacts_file
from stream.errors import SettingsError, StorageError
from stream.events.partitioner import partition_of
from stream.imports.contacts import Contact
from stream.processing.state import PartitionState
from stream.settings import Settings
from stream.storage.connection import connect_blocking
from stream.storage.keys import Keys
from stream.storage.notification_store import NotificationStore
from tests.agents.topics import create

STOP = threading.Event()


@pytest.fixture
def settings(environment: dict[str, str], tmp_path: Path) -> Settings:
    made = Settings.from_env({name: text for name, text in environment.items() if name.startswith("STREAM_")})
    create(made.kafka_bootstrap, made.topics.items())
    namespace = made.topic_prefix.rstrip(".")
    return replace(made, namespace=namespace, identity_key="k" * 32, data_dir=str(tmp_path))


def test_an_erasure_waits_for_workers_and_is_gone_on_with(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_privacy, "_TIMEOUT_S", 1.0)
    personal = ShopPersonalData(settings)
    keys = Keys(settings.namespace)
    with connect_blocking(settings) as client:
        client.set(keys.customer(partition_of("c-1", settings.partitions), "c-1"), b'{"customer_id":"c-1"}')
        client.hset(keys.meta(0), "state", msgspec.json.encode(PartitionState()).decode())
    with NotificationStore(settings) as notified:
        notified.note_told([("c-1", 600)])
    kept = personal.kept("c-1")
    assert (kept.person, kept.ids) == ("c-1", ["c-1"])
    assert {store: count for store, count in kept.found.items() if count} == {"profiles": 1, "notifications": 1}
    assert not any(personal.kept("nobody").found.values())
    assert personal.export("nobody", "json") is None
    assert b'"c-1"' in (personal.export("c-1", "json") or b"")
    request = personal.ask("c-1")
    told: list[str] = []
    with pytest.raises(StorageError, match="not done yet by the core in partitions"):
        personal.carry_out(request, told.append, STOP)
    assert told[0].startswith("waiting for the core")
    # the same request, whoever asks and however often
    assert personal.ask("c-1") == request
    shown = personal.receipts()
    assert [(one.request_id, one.person) for one in shown.waiting] == [(request, "c-1")]
    assert (list(shown.receipts), list(shown.faults), shown.is_signed_here) == ([], [], True)


def test_nobody_is_asked_for_without_the_key_that_signs(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    personal = ShopPersonalData(replace(settings, receipt_key_file=str(tmp_path / "file" / "key.pem")))
    with pytest.raises(SettingsError, match="cannot be made"):
        personal.ask("c-1")
    assert list(ShopPersonalData(settings).receipts().waiting) == []


def test_a_page_does_not_wait_for_a_broker_for_ever(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_privacy, "KAFKA_S", 0.5)
    with pytest.raises(StorageError, match="who is erased could not be read: no Kafka broker answers at"):
        ShopPersonalData(replace(settings, kafka_bootstrap="127.0.0.1:9")).receipts()


@pytest.mark.parametrize("has_keys", [False, True])
def test_a_person_is_named_with_keys_and_without(settings: Settings, tmp_path: Path, has_keys: bool) -> None:
    if has_keys:
        settings = replace(settings, privacy_keys=f"sqlite:///{tmp_path}/keys.sqlite", privacy_master_key="11" * 32)
    with contacts_file(settings) as people:
        people.add(
            [
                ("c-1", Contact(name="Ann Ode", email="ann@example.com")),
                ("c-2", Contact(email="bob@example.com")),
                ("c-3", Contact(phone="030 1234567")),
                ("c-4", Contact()),
            ]
        )
    personal = ShopPersonalData(settings)
    for asked, named in (
        ("Ann Ode", "Ann Ode"),
        ("c-1", "Ann Ode"),
        ("bob@example.com", "bob@example.com"),
        ("c-3", "030 1234567"),
    ):
        kept = personal.kept(asked)
        assert kept.person.startswith("c-") is not has_keys
        assert kept.names == {kept.person: named}
    # of whom neither name, address nor number is known there is nothing to write but the id
    assert personal.kept("c-4").names == {}
