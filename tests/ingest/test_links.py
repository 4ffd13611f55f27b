"""What webhooks tell about ids of one person, from the endpoint to the topic `identities`."""

import asyncio
import uuid
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from stream.adapters import adapters_of
from stream.client import Producer
from stream.clock import FixedClock
from stream.ingest.access import Access
from stream.ingest.client_connection import Connections
from stream.ingest.endpoint import Endpoint
from stream.ingest.event_publisher import EventPublisher
from stream.ingest.reachability import Reachability
from stream.local.broker import EmbeddedBroker
from stream.projections.identity import Linked, LinkInput
from stream.settings import Settings
from tests.adapters.calls import NOW_MS
from tests.adapters.test_links import ALIAS, IDENTIFY, token
from tests.adapters.test_segment import TRACK
from tests.agents.topics import at_least, create, read
from tests.ingest.running import TOKEN
from tests.oracle.record import Record


async def answers(settings: Settings, producer: Producer, *bodies: object) -> list[tuple[int, Any]]:
    reachability = Reachability(producer)
    reachability.problem = ""
    publisher = EventPublisher(producer, max_waiting=100, timeout_s=20)
    connections = Connections(head_timeout_s=10)
    endpoint = Endpoint(
        settings, publisher, reachability, Access(settings), adapters_of(settings), FixedClock(NOW_MS), connections
    )
    found = []
    async with TestClient(TestServer(endpoint.application())) as client:
        for body in bodies:
            head = {"Authorization": f"Bearer {TOKEN}"}
            async with client.post("/v1/adapters/segment", json=body, headers=head) as response:
                found.append((response.status, await response.json()))
    return found


def test_a_batch_of_events_and_links_is_published_and_each_call_counts_once(broker: EmbeddedBroker) -> None:
    settings = Settings(
        kafka_bootstrap=broker.bootstrap,
        topic_prefix=f"l{uuid.uuid4().hex[:8]}.",
        partitions=2,
        ingest_token=TOKEN,
        identity_key="k" * 32,
    )
    create(broker.bootstrap, settings.topics.items())
    nobody = {**IDENTIFY, "anonymousId": "null", "traits": None}
    bad = {**ALIAS, "timestamp": "yesterday"}
    with Producer(settings) as producer:
        ((status, answer),) = asyncio.run(answers(settings, producer, {"batch": [TRACK, IDENTIFY, ALIAS, nobody, bad]}))
    assert (status, answer["accepted"], answer["failed"], answer["ignored"]) == (207, 3, 0, {"identify": 1})
    assert [(one["index"], one["reason"]) for one in answer["problems"]] == [(4, "bad_timestamp")]
    messages = read(broker.bootstrap, settings.identities, settings.topics[settings.identities], at_least(4))
    assert len({message.partition() for message in messages}) == 1
    records = [Record(message.key(), message.value(), 0, message.offset() or 0) for message in messages]
    reading = LinkInput(settings.identities).read(records)
    assert reading.rejections == []
    links = [told.link for _, told in reading.keyed if isinstance(told, Linked)]
    assert {(link.name, link.one, link.other) for link in links} == {
        ("identified", IDENTIFY["userId"], token("email", "peter@example.com")),
        ("identified", IDENTIFY["userId"], token("phone", "+4930123456")),
        ("identified", IDENTIFY["userId"], token("anonymous_id", IDENTIFY["anonymousId"])),
        ("alias", ALIAS["userId"], token("anonymous_id", ALIAS["previousId"])),
    }
