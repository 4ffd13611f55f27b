"""The endpoint with keys of persons: pseudonyms in Kafka, and an answer that says so while the keys are away."""

import asyncio
import uuid
from contextlib import closing
from pathlib import Path

import pytest

from stream.client import Producer
from stream.local.broker import EmbeddedBroker
from stream.notifications.inbound import Inbound
from stream.notifications.read_to_end import read_to_end
from stream.privacy.ciphertexts import CIPHERTEXT, PSEUDONYM
from stream.privacy.person_keys import PersonKeys
from stream.settings import Settings
from tests.adapters.test_links import IDENTIFY
from tests.adapters.test_segment import TRACK
from tests.agents.topics import create
from tests.ingest.running import TOKEN
from tests.ingest.test_links import answers


@pytest.fixture
def settings(broker: EmbeddedBroker, tmp_path: Path) -> Settings:
    made = Settings(
        kafka_bootstrap=broker.bootstrap,
        topic_prefix=f"k{uuid.uuid4().hex[:8]}.",
        partitions=2,
        ingest_token=TOKEN,
        identity_key="k" * 32,
        privacy_keys=f"sqlite:///{tmp_path}/keys.sqlite",
        privacy_master_key="11" * 32,
    )
    create(broker.bootstrap, made.topics.items())
    return made


def in_topics(settings: Settings) -> list[Inbound]:
    return [record for topic in settings.topics for record in read_to_end(settings, topic)]


def test_events_and_links_of_a_call_are_under_the_same_pseudonyms(settings: Settings) -> None:
    with Producer(settings) as producer:
        ((status, answer),) = asyncio.run(answers(settings, producer, {"batch": [TRACK, IDENTIFY]}))
    assert (status, answer["accepted"]) == (200, 2)
    told = "\n".join(map(str, in_topics(settings)))
    assert PSEUDONYM.search(told)
    assert CIPHERTEXT.search(told)
    keys = PersonKeys.of(settings)
    assert keys is not None
    with closing(keys):
        person = keys.known([TRACK["userId"]])[TRACK["userId"]]
    assert person.customer_id in told
    assert str(TRACK["userId"]) not in told
    assert str(TRACK["messageId"]) not in told


def test_while_the_keys_are_away_nothing_is_taken_and_the_answer_says_why(settings: Settings, tmp_path: Path) -> None:
    with Producer(settings) as producer:
        database = tmp_path / "keys.sqlite"
        database.unlink()
        for beside in tmp_path.glob("keys.sqlite-*"):
            beside.unlink()
        database.mkdir()
        producer.concealer.close()
        ((status, answer),) = asyncio.run(answers(settings, producer, {"batch": [TRACK]}))
        assert (status, answer["error"]) == (503, "keys_unavailable")
        assert "nothing was stored; send again" in answer["detail"]
        assert in_topics(settings) == []
        database.rmdir()
        # they are there again, and so is the service
        ((status, answer),) = asyncio.run(answers(settings, producer, {"batch": [TRACK]}))
        assert (status, answer["accepted"]) == (200, 1)
