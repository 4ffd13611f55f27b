"""Publishing needs the topic of the events, whichever it is."""

import json
from pathlib import Path

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from stream.local.broker import EmbeddedBroker
from stream.settings import Settings
from tests.cli.conftest import Run

EVENT = {"event_id": "e-1", "customer_id": "c-1", "occurred_at": 1_700_000_000, "name": "page_viewed"}


def test_events_are_not_published_without_the_topic_that_they_go_to(
    run: Run, broker: EmbeddedBroker, topic_prefix: str, tmp_path: Path
) -> None:
    names = Settings(topic_prefix=topic_prefix).all_event_topics
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    for created in admin.create_topics([NewTopic(name, 3, 1) for name in names]).values():
        created.result(30)
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps(EVENT))
    assert run("produce", str(log)).returncode == 0
    done = run("produce", str(log), STREAM_JOIN_IDENTITIES="true")
    assert (done.returncode, f"no topic {topic_prefix}arrivals at" in done.stderr) == (1, True), done.stderr
