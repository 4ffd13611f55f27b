"""``stream produce`` with keys of persons: what must not go is left out, and the command says why."""

import secrets
import time
from contextlib import closing
from pathlib import Path

import orjson

from stream.events.kinds import EventType
from stream.local.broker import EmbeddedBroker
from stream.notifications.read_to_end import read_to_end
from stream.privacy.person_keys import PersonKeys
from stream.settings import Settings
from tests.agents.topics import create
from tests.cli.projecting import run


def test_what_must_not_go_is_left_out_and_told(broker: EmbeddedBroker, topic_prefix: str, tmp_path: Path) -> None:
    settings = Settings(
        kafka_bootstrap=broker.bootstrap,
        topic_prefix=topic_prefix,
        partitions=2,
        privacy_keys=f"sqlite:///{tmp_path}/keys.sqlite",
        privacy_master_key="11" * 32,
    )
    create(broker.bootstrap, settings.topics.items())
    keys = PersonKeys.of(settings)
    assert keys is not None
    with closing(keys):
        keys.persons(["bob"])
        keys.erase(["bob"], refuse=True)
    # random, so that it cannot be compressed
    texts = {"ann": secrets.token_urlsafe(6000), "bob": "hello", "eve": "hello"}
    log = tmp_path / "log.jsonl"
    log.write_bytes(
        b"\n".join(
            orjson.dumps(
                {"event_id": f"e-{who}", "customer_id": who, "occurred_at": time.time(), "name": "asked", "text": text}
            )
            for who, text in texts.items()
        )
    )
    status, said = run(settings, "produce", str(log))
    assert status == 0, said
    assert "published 1 events" in said
    assert "1 event is left out: text is too long to be encrypted: expected some 5,461 characters" in said
    assert "1 event is left out: the person was erased" in said
    assert len([*read_to_end(settings, settings.topic_of(EventType.FEEDBACK))]) == 1
