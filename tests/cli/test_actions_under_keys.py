"""What people record about customers under keys of persons: nobody's words in the topic, all of them for people."""

from contextlib import closing
from pathlib import Path

import orjson
import pytest

from stream.alerts.action_records import Action, ActionKind
from stream.cli.publish_action import ready_action
from stream.errors import SettingsError
from stream.events.times import instant
from stream.local.broker import EmbeddedBroker
from stream.notifications.read_to_end import read_to_end
from stream.privacy.ciphertexts import is_ciphertext
from stream.privacy.person_keys import PersonKeys, is_digest
from stream.privacy.revealing import Revealer
from stream.settings import Settings
from tests.agents.topics import create
from tests.cli.projecting import run


@pytest.fixture
def settings(broker: EmbeddedBroker, topic_prefix: str, tmp_path: Path) -> Settings:
    made = Settings(
        kafka_bootstrap=broker.bootstrap,
        topic_prefix=topic_prefix,
        partitions=1,
        data_dir=str(tmp_path),
        redis_url="redis://127.0.0.1:1/0",
        privacy_keys=f"sqlite:///{tmp_path}/keys.sqlite",
        privacy_master_key="11" * 32,
    )
    create(broker.bootstrap, made.topics.items())
    return made


def test_notes_and_names_are_under_the_key_of_the_customer(settings: Settings) -> None:
    status, said = run(
        settings, "actions", "record", "ann", "contacted", "--actor", "Bea Miller", "--note", "Called:\nwants blue."
    )
    assert status == 0, said
    (record,) = read_to_end(settings, settings.actions)
    value = orjson.loads(record.value or b"")
    assert (record.key or b"").startswith(b"k1_")
    assert value["customer_id"].encode() == record.key
    assert is_ciphertext(value["note"])
    assert is_ciphertext(value["actor"])
    with Revealer.of(settings) as revealer:
        read = orjson.loads(revealer.json((record.value or b"").decode()))
    assert (read["customer_id"], read["actor"], read["note"]) == ("ann", "Bea Miller", "Called:\nwants blue.")


def action(**fields: str) -> Action:
    return Action(
        action_id="a-1",
        customer_id="ann",
        action=ActionKind.CONTACTED,
        occurred_at=instant(1_717_158_600_000),
        **fields,
    )


def test_what_is_ready_stays_and_what_does_not_fit_says_so(settings: Settings) -> None:
    ready = ready_action(settings, action(note="n" * 2000, actor="a" * 100))
    assert is_digest(ready.actor or "")
    assert ready_action(settings, ready) == ready
    with Revealer.of(settings) as revealer:
        assert revealer.text(ready.note or "") == "n" * 2000
    noise = "".join(chr(0x4E00 + (k * k * 7919) % 20_000) for k in range(2000))
    with pytest.raises(SettingsError, match="note is too long to be encrypted"):
        ready_action(settings, action(note=noise))


def test_nothing_is_recorded_of_who_was_erased(settings: Settings) -> None:
    ready = ready_action(settings, action(note="x"))
    keys = PersonKeys.of(settings)
    assert keys is not None
    with closing(keys):
        keys.erase(["ann"], refuse=True)
    for one in (action(note="x"), ready):
        with pytest.raises(SettingsError, match="was erased"):
            ready_action(settings, one)
