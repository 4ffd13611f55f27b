"""A person whose every field is unmistakable, under keys: nowhere in clear, readable at the edge, erased for good."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
from click.testing import CliRunner

from stream.cli import main
from stream.cli.topics import create_topics
from stream.client import ClickEvent, InvalidEventError, Producer
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.local.stack import LocalStack
from stream.notifications.read_to_end import read_to_end
from stream.privacy.ciphertexts import CIPHERTEXT
from stream.privacy.person_keys import PersonKeys
from stream.privacy.revealing import UNREADABLE, Revealer
from stream.settings import Settings
from tests.cli.projecting import folded, projecting
from tests.oracle.record import Record
from tests.privacy.canary import in_files, in_redis, publish, run
from tests.privacy.planted import IDENTIFIERS, PERSON, events, planted_in

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[tuple[Settings, Path]]:
    wanted = Settings(
        projections="activity,consents,identity,texts",
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


def test_a_person_under_keys_is_read_by_people_only_and_erased_from_the_log_itself(
    stack: tuple[Settings, Path], tmp_path: Path
) -> None:
    settings, files = stack
    made = events()
    other = ClickEvent(event_id="e-other", customer_id="other", occurred_at=time.time() - 60, name="page_viewed")
    publish(settings, *made, other)
    log = tmp_path / "worker.log"

    def customer(name: str) -> dict[str, Any]:
        result = CliRunner().invoke(main, ["customer", name, "--json"], env={**settings.to_env()})
        found: dict[str, Any] = orjson.loads(result.stdout) if result.exit_code == 0 else {"events": 0}
        return found

    with projecting(settings, log, "events") as process:
        process.wait(lambda: customer(PERSON)["events"] == 3 and customer("other")["events"] == 1)
        process.wait(lambda: folded(settings)["identity"] >= 6)
        # people read the id, and what is said of the person, by id and by identifier
        assert customer(PERSON)["customer_id"] == PERSON
        assert customer(f"email:{IDENTIFIERS['email']}")["customer_id"] == PERSON
        run(settings, "privacy", "export", PERSON, "--output", str(tmp_path / "export"))
        exported = (tmp_path / "export" / "events.jsonl").read_text("utf-8")
        assert '"canary-feedback-text-x"' in exported
        assert "canary-purchase-order_id-x" in (tmp_path / "export" / "person.html").read_text("utf-8")

        # before anything is erased, nothing is in clear
        before = in_topics(settings)
        assert planted_in(before) == []
        assert in_redis(settings) == []
        assert in_files(files) == {}
        assert planted_in(log.read_bytes()) == []
        assert CIPHERTEXT.search(before.decode())

        receipt = orjson.loads(run(settings, "privacy", "erase", PERSON, "--json"))
        assert receipt["found"]["keys"] >= 1
        assert not any(receipt["left"].values())
        assert "nobody can" in receipt["remains"]["topics"]
        assert orjson.loads(run(settings, "privacy", "erase", PERSON, "--json")) == receipt

        # what the log and a copy of it have can be read by nobody
        with Revealer.of(settings) as revealer:
            # who was referred is another person
            revealed = revealer.text(before.decode()).replace("canary-interaction-referred_id-x", "referred")
        assert planted_in(revealed.encode()) == []
        assert UNREADABLE in revealed
        assert "other" in revealed
        assert "referred" in revealed
        keys = PersonKeys.of(settings)
        assert keys is not None
        with closing(keys):
            assert keys.known([PERSON]) == {}
            assert keys.known(["other"])
        assert planted_in(b"".join(file.read_bytes() for file in (tmp_path / "keys").iterdir())) == []

        with Producer(settings) as producer, pytest.raises(InvalidEventError, match="erased"):
            producer.publish(msgspec.structs.replace(made[0], event_id="canary-later-x"))
        assert customer("other")["events"] == 1
        process.stop()


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
