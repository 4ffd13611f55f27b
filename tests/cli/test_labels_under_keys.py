"""What people say of a text under keys of persons names the event as its own record does."""

from contextlib import closing
from pathlib import Path

import orjson
import pytest

from stream.local.broker import EmbeddedBroker
from stream.notifications.read_to_end import read_to_end
from stream.privacy.concealed_fields import EVENT_ID
from stream.privacy.concealing import concealed_text
from stream.privacy.person_keys import PersonKeys
from stream.settings import Settings
from tests.agents.topics import create
from tests.cli.projecting import run


@pytest.mark.parametrize("event_id", ["e-1", "e" * 90])
def test_a_label_names_the_event_as_the_topics_have_it(
    event_id: str, broker: EmbeddedBroker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = Settings(
        kafka_bootstrap=broker.bootstrap,
        topic_prefix=topic_prefix,
        partitions=1,
        data_dir=str(tmp_path),
        privacy_keys=f"sqlite:///{tmp_path}/keys.sqlite",
        privacy_master_key="11" * 32,
    )
    create(broker.bootstrap, settings.topics.items())
    keys = PersonKeys.of(settings)
    assert keys is not None
    with closing(keys):
        ann = keys.persons(["ann"])["ann"]
    assert ann is not None
    stored = concealed_text(ann, event_id, EVENT_ID)
    assert stored is not None
    for told, who in ((event_id, "ann"), (stored, ann.customer_id)):
        status, said = run(settings, "feedback", "label", told, "delivery", "--customer", who)
        assert status == 0, said
    records = [*read_to_end(settings, settings.actions)]
    assert [record.key for record in records] == [ann.customer_id.encode()] * 2
    assert {orjson.loads(record.value or b"")["event_id"] for record in records} == {stored}
