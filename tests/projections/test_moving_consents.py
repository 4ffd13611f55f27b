"""What a person said holds under each of their ids, whatever was linked when, and however it came."""

import asyncio
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import msgspec
import pytest
import redis
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stream.consent.agreements import Agreements
from stream.consent.consented import Consented
from stream.consent.purposes import EMAIL, Purpose
from stream.events.kinds import EventType
from stream.events.partitioner import partition_of
from stream.identity.arrival_notes import TYPE_HEADER
from stream.identity.links import Link, LinkName
from stream.identity.note_proof import NoteProof
from stream.identity.records import KEY
from stream.identity.resolver import Resolver
from stream.local.redis import EmbeddedRedis
from stream.processing.state import Counters, Outgoing, PartitionState
from stream.projections.all_projections import PROJECTIONS
from stream.projections.arrivals import Arrivals
from stream.projections.consents import Consents
from stream.projections.identity import Identity
from stream.settings import Settings
from stream.storage.connection import connect
from stream.storage.consent_desk import ConsentDesk, read_consents
from stream.storage.keys import ProjectionKeys
from tests.identity.assigned_notes import assigned_notes
from tests.projections.store import Store
from tests.projections.test_moving import AT_S, CONTENTS, NOW_MS, SETTINGS, STEP_S, Stage

PARTITIONS = 4
COOKIE = "anonymous_id:h1_" + 22 * "a"
IDS = [COOKIE, "c-1", "c-2", "c-3"]
SAID: list[tuple[EventType, dict[str, Any]]] = [
    *CONTENTS[6:9],
    (EventType.CONSENT, {"name": "withdrawn", "purpose": "profiling"}),
    (EventType.EMAIL, {"name": "complained"}),
    (EventType.EMAIL, {"name": "opened"}),
]

told = st.tuples(st.sampled_from(IDS), st.integers(0, 49), st.sampled_from(SAID), st.booleans())
links = st.tuples(
    st.sampled_from([LinkName.IDENTIFIED, LinkName.MERGE, LinkName.UNMERGE]),
    st.sampled_from(
        [(COOKIE, "c-1"), (COOKIE, "c-2"), (COOKIE, "c-3"), ("c-2", "c-1"), ("c-1", "c-2"), ("c-3", "c-2")]
    ),
)
switches = st.sampled_from([0, 90])
stories = st.lists(st.one_of(told, links, switches), max_size=14)


class ConsentShop:
    """The stage and `consents` in several partitions; histories are switched on and off meanwhile."""

    def __init__(self, stored: Settings) -> None:
        self.settings = stored
        self.resolver, self.versions, self.days = Resolver(), 0, 0
        self.arrivals = {days: [self._stage(days, p) for p in range(PARTITIONS)] for days in (0, 90)}
        proof = NoteProof.of(stored)
        self.consents = [Store(Consents(stored), p, 3, departures=proof) for p in range(PARTITIONS)]
        self.topics = {source.topic: at for at, source in enumerate(self.consents[0].partition.projection.inputs)}

    def tell(self, own_id: str, number: int, content: tuple[EventType, dict[str, Any]], *, is_straight: bool) -> None:
        """A statement comes to the topic `arrivals`, or straight to that of its type."""
        event_type, fields = content
        value = {**_named(own_id, number, content), **fields}
        text = json.dumps(value).encode()
        if is_straight:
            self._publish(Outgoing(self.settings.topic_of(event_type), own_id.encode(), text, []))
            return
        headers = [(TYPE_HEADER, event_type.value.encode())]
        self._arrive(own_id, text, headers)

    def link(self, name: LinkName, one: str, other: str) -> None:
        # decisions count by their place in the story; of evidence the earlier counts, so it has a time of its own
        at_ms = IDS.index(other) if name is LinkName.IDENTIFIED else len(IDS) + self.versions
        link = Link(name, one, other, at_ms, f"l-{self.versions}")
        for own_id, note, headers in assigned_notes(self.resolver, link, self.versions, NoteProof.of(self.settings)):
            self._arrive(own_id, note, headers)
        self.versions += 1

    def switch(self, days: int) -> None:
        """Begin again with another `identity_history_days`; what is stored stays."""
        for before, after in zip(self.arrivals[self.days], self.arrivals[days], strict=True):
            after.resume(before)
        self.days = days

    def store(self, client: redis.Redis) -> None:
        """Put into Redis what the projections `consents` and `identity` have."""
        of = {one: ProjectionKeys(self.settings.namespace, one.name, one.version, 0) for one in (Consents, Identity)}
        state = msgspec.json.encode(PartitionState(counters=Counters(applied=1)))
        for partition, part in enumerate(self.consents):
            for key, stored in part.stored.items():
                client.set(of[Consents].customer(partition, key), stored)
        for name, node in self.resolver.nodes.items():
            client.set(of[Identity].customer(partition_of(KEY, PARTITIONS), name), msgspec.json.encode(node))
        for keys in of.values():
            client.hset(keys.meta(0), "state", state)

    def _stage(self, days: int, partition: int) -> Store:
        return Store(Arrivals(replace(self.settings, identity_history_days=days)), partition, 3)

    def _arrive(self, own_id: str, value: bytes, headers: Sequence[tuple[str, bytes | None]]) -> None:
        stage = self.arrivals[self.days][partition_of(own_id, PARTITIONS)]
        stage.append(0, own_id, value, headers, NOW_MS)
        while not stage.is_done:
            for one in stage.step(10, lost=False):
                self._publish(one)

    def _publish(self, one: Outgoing) -> None:
        if one.topic in self.topics:
            key = (one.key or b"").decode()
            part = self.consents[partition_of(key, PARTITIONS)]
            part.append(self.topics[one.topic], key, one.value or b"", one.headers, NOW_MS)
            part.step(10, lost=False)


def _named(own_id: str, number: int, content: tuple[EventType, dict[str, Any]]) -> dict[str, Any]:
    """An event id of its own for each statement: one that comes again says the same."""
    event_id = f"e-{number}-{content[1]['name']}-{content[1].get('purpose', '')}"
    return {"event_id": event_id, "customer_id": own_id, "occurred_at": AT_S + number * STEP_S}


@pytest.fixture(scope="module")
def shops(redis_server: EmbeddedRedis) -> Iterator[ConsentShop]:
    """Shops without anything, each in a namespace of its own."""
    of = replace(SETTINGS, redis_url=redis_server.url, partitions=PARTITIONS)
    return (ConsentShop(replace(of, namespace=f"said{number}")) for number in itertools.count())


def play(shop: ConsentShop, story: Sequence[Any]) -> dict[str, Agreements]:
    """Let a story happen; returns what was said under each id."""
    said = Consents(shop.settings)
    by_id: dict[str, Agreements] = {}
    plain = Store(said, 0, 3)
    topics = {source.topic: at for at, source in enumerate(said.inputs)}
    for item in story:
        if isinstance(item, int):
            shop.switch(item)
        elif isinstance(item[0], LinkName):
            shop.link(item[0], *item[1])
        else:
            own_id, number, content, is_straight = item
            shop.tell(own_id, number, content, is_straight=is_straight)
            value = _named(own_id, number, content)
            topic = shop.settings.topic_of(content[0])
            plain.append(topics[topic], own_id, json.dumps({**value, **content[1]}).encode(), (), NOW_MS)
    while not plain.is_done:
        plain.step(50, lost=False)
    for own_id, state in plain.stored.items():
        by_id[own_id] = msgspec.json.decode(state, type=Agreements)
    return by_id


def together(shop: ConsentShop, by_id: dict[str, Agreements], one: str) -> Agreements:
    """What the person of an id said under all of theirs."""
    found = Agreements()
    for other in IDS:
        if shop.resolver.customer_of(other) == shop.resolver.customer_of(one):
            found.add_all(by_id.get(other, Agreements()))
    return found


def asked(shop: ConsentShop, ids: Sequence[str]) -> list[Consented]:
    """What the readers are told: commands and the notifier, lists, and workers."""

    async def from_worker() -> Consented:
        client = connect(shop.settings)
        try:
            return await read_consents(client, shop.settings, ids)
        finally:
            await client.aclose()

    with ConsentDesk(shop.settings) as desk:
        return [desk.read(ids), desk.everybody(), asyncio.run(from_worker())]


REFUSED = SAID[1]
OPENED = SAID[5]
MERGE = (LinkName.MERGE, ("c-2", "c-1"))
APART = (LinkName.UNMERGE, ("c-2", "c-1"))


# published straight to its topic, then merged; while merged, then taken apart, without histories and with
@example([90, ("c-2", 0, REFUSED, True), ("c-2", 9, OPENED, False), MERGE])
@example([90, MERGE, ("c-2", 0, REFUSED, True)])
@example([("c-2", 0, REFUSED, False), 90, MERGE])
@example([0, MERGE, ("c-2", 0, REFUSED, False), APART])
@example([("c-3", 0, REFUSED, False), (LinkName.MERGE, ("c-3", "c-2")), MERGE, 90, APART])
@given(stories)
@settings(max_examples=40, deadline=None)
def test_what_was_said_under_any_id_holds_for_the_person(shops: Iterator[ConsentShop], story: list[Any]) -> None:
    """Statements of any age, straight to their topics or by the stage, in any order with links and settings."""
    shop = next(shops)
    by_id = play(shop, story)
    with redis.Redis.from_url(shop.settings.redis_url) as client:
        shop.store(client)
    for consented in asked(shop, IDS):
        assert {one: consented.of(one) for one in IDS} == {one: together(shop, by_id, one) for one in IDS}


@given(st.lists(st.one_of(told, links), max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=8, deadline=None)
def test_the_order_of_links_and_statements_does_not_matter(
    shops: Iterator[ConsentShop], story: list[Any], random: Random
) -> None:
    # a decision counts by its place
    decisions = [item for item in story if item[0] in {LinkName.MERGE, LinkName.UNMERGE}]
    evidence = [item for item in story if item not in decisions]
    found = []
    for order in (story, [*random.sample(evidence, k=len(evidence)), *decisions]):
        shop = next(shops)
        by_id = play(shop, order)
        with redis.Redis.from_url(shop.settings.redis_url) as client:
            shop.store(client)
        found.append((by_id, {one: asked(shop, [one])[0].of(one) for one in IDS}))
    assert found[0] == found[1]


@pytest.mark.parametrize("is_straight", [False, True])
def test_who_unsubscribed_stays_unsubscribed_when_they_are_merged(
    shops: Iterator[ConsentShop], *, is_straight: bool
) -> None:
    shop = next(shops)
    shop.switch(90)
    shop.tell("c-2", 0, CONTENTS[8], is_straight=is_straight)
    shop.link(LinkName.MERGE, "c-2", "c-1")
    with redis.Redis.from_url(shop.settings.redis_url) as client:
        shop.store(client)
    for consented in asked(shop, ["c-1"]):
        assert not consented.may("c-1", Purpose.MARKETING, EMAIL, NOW_MS)
        assert consented.may("c-1", Purpose.MARKETING, "sms", NOW_MS)


@pytest.mark.parametrize("again", [False, True])
def test_leads_know_who_took_profiling_back_long_ago(*, again: bool) -> None:
    """Models learn of nobody who refuses it, whoever they are by now."""
    stage = Stage(PROJECTIONS["leads"](SETTINGS))
    stage.come("c-2", 0, SAID[3])
    stage.come("c-2", 48, CONTENTS[5])
    stage.link(LinkName.MERGE, "c-2", "c-1")
    if again:
        stage.link(LinkName.UNMERGE, "c-2", "c-1")
    state = stage.states()["c-2" if again else "c-1"]
    assert (state["said"][1], state["is_counted"]) == (True, False)
