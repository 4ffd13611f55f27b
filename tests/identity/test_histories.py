"""What was counted under an id follows the id: after any links and losses each customer has the events of their ids."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.agents.computing import Computing
from stream.agents.worker_options import WorkerOptions
from stream.catalogue.customer_record import CustomerRecord
from stream.catalogue.events import KERNEL_TYPES
from stream.clock import FixedClock
from stream.events.decode import Decoder
from stream.events.kinds import EventKind
from stream.features import codec
from stream.features.profile import PROFILE
from stream.identity.arrival_notes import TYPE_HEADER
from stream.identity.departures import Departure, departure_record
from stream.identity.links import Link, LinkName
from stream.identity.note_proof import NoteProof
from stream.identity.resolver import Resolver
from stream.processing.align import Aligner
from stream.processing.document import packed_state
from stream.processing.editions import is_empty, merged_into
from stream.processing.emission import ACTED_ON
from stream.processing.kernel import Kernel
from stream.processing.outgoing import Topics
from stream.processing.partition import Partition
from stream.processing.rules import Rules
from stream.projections.arrivals import Arrivals
from stream.settings import Settings
from tests.features.lists_of_events import BEGIN, DAY, event_lists, is_whole_refund
from tests.features.profiles import Profile
from tests.identity.assigned_notes import assigned_notes
from tests.oracle.event import Event
from tests.oracle.record import Record, record_of, type_of
from tests.processing.frozen import SILENCE, scorer_of
from tests.projections.store import Store

KEY = "k" * 32
ON: dict[str, Any] = {"partitions": 1, "join_identities": True, "identity_history_days": 90, "identity_key": KEY}
SETTINGS = Settings(**ON)
COOKIE, ADDRESS = "anonymous_id:h1_" + 22 * "a", "email:h1_" + 22 * "b"
IDS = [COOKIE, ADDRESS, "c-1", "c-2", "c-3"]
TOPICS = [SETTINGS.topic_of(event_type) for event_type in KERNEL_TYPES]
RULES = Rules()
KERNEL = Kernel(RULES)
SCORER = scorer_of(SILENCE)
NOW_MS = 20_500 * DAY
#: What follows from the time at which somebody looked at a customer, and not from the events alone.
LOOKS = [
    name
    for name in PROFILE.names or ()
    if name.startswith(("pending", "stage", "segment", "risk", "raised", "check"))
    or name in {"phase_ms", "next_landmark_at", "as_of", "at_risk_from", "cooldown_until", "won_back"}
]


class _Documents:
    """The documents of a partition, as the store gives them."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}

    async def documents(self, customers: Sequence[str]) -> list[bytes | None]:
        return [self.stored.get(customer) for customer in customers]


@dataclass
class JoiningShop:
    """The stage of arrivals and the core, each of one partition; records reach the core in pieces, by topic."""

    cache: int = 60_000
    resolver: Resolver = field(default_factory=Resolver)
    versions: int = 0
    documents: _Documents = field(default_factory=_Documents)
    published: list[Any] = field(default_factory=list)
    #: What the compacted topic of customers has of each.
    public: dict[str, bytes | None] = field(default_factory=dict)

    settings: Settings = SETTINGS

    def __post_init__(self) -> None:
        self.arrivals = Store(Arrivals(self.settings), 0, 3)
        self.topics: dict[str, list[Record]] = {topic: [] for topic in TOPICS}
        self.read = dict.fromkeys(TOPICS, 0)
        history_ms = self.settings.identity_history_days * DAY
        changes = ACTED_ON["changes"]
        self.core = Partition(0, RULES, KERNEL, Topics(), TOPICS, self.cache, published=changes, history_ms=history_ms)
        options = WorkerOptions(departures=NoteProof.of(SETTINGS))
        self.computing = Computing(self.core, self.documents, lambda: SCORER, FixedClock(NOW_MS), options)  # type: ignore[arg-type]  # all that is asked of a store

    def come(self, own_id: str, event: Event) -> None:
        headers = [(TYPE_HEADER, type_of(event).value.encode())]
        self.arrivals.append(0, own_id, record_of(own_id, event).value or b"", headers, NOW_MS)
        self._pass_on()

    def link(self, name: LinkName, one: str, other: str) -> None:
        link = Link(name, one, other, self.versions, f"l-{self.versions}")
        for own_id, note, headers in assigned_notes(self.resolver, link, self.versions, NoteProof.of(SETTINGS)):
            self.arrivals.append(0, own_id, note, headers, NOW_MS)
        self.versions += 1
        self._pass_on()

    def publish_again(self, count: int) -> None:
        """Publish the last records once more, as after a crash before they were known to be published."""
        for one in self.published[len(self.published) - count :]:
            self._publish(one)

    def core_step(self, sizes: Sequence[int], *, lost: bool = False, rejects: int = 0) -> None:
        """Let the core take so many records of each topic in."""
        aligner, ends = Aligner(len(TOPICS)), dict(self.read)
        for source, (topic, size) in enumerate(zip(TOPICS, sizes, strict=True)):
            records = self.topics[topic][self.read[topic] : self.read[topic] + size]
            if records:
                ends[topic] += len(records)
                offsets = np.array([record.offset for record in records])
                decoded = Decoder().decode(KERNEL_TYPES[source], records)
                aligner.push(source, None, offsets, records, decoded)
        taken = aligner.take([True] * len(TOPICS), 10**6)
        if taken is None:
            return
        taken = asyncio.run(self.computing.load_step(taken))
        outcome = asyncio.run(self.computing.step(taken))
        if lost:
            self.core.restore(self.core.state)
            return
        assert len(outcome.rejected) == rejects
        assert not outcome.forgotten
        self.documents.stored |= outcome.documents
        self.core.accept(outcome)
        self.public |= {(one.key or b"").decode(): one.value for one in outcome.outgoing if one.topic == "customers"}
        self.read = ends

    def finish(self) -> None:
        while any(self.read[topic] < len(log) for topic, log in self.topics.items()):
            self.core_step([100, 100, 100])

    def _pass_on(self) -> None:
        while not self.arrivals.is_done:
            for one in self.arrivals.step(10, lost=False):
                self.published.append(one)
                self._publish(one)

    def _publish(self, one: Any) -> None:
        if one.topic in self.topics:
            log = self.topics[one.topic]
            log.append(Record(one.key, one.value, NOW_MS, len(log), tuple(one.headers)))


def counted(packed: bytes, customer: str, wanted: Profile) -> bytes:
    """A stored profile, with what follows from looks as in another one."""
    rows = codec.unpack(packed, customer)
    expected = codec.unpack(wanted.packed(), customer)
    for name in LOOKS:
        rows[name] = expected[name]
    return codec.pack(rows, customer, codec.LAYOUT)


def record_told(shop: JoiningShop, customer: str) -> CustomerRecord:
    """What the topic of customers has of one."""
    return msgspec.json.decode(shop.public[customer] or b"", type=CustomerRecord)


def check(shop: JoiningShop, came: dict[str, list[Event]]) -> None:
    """Each customer has the events of their ids and no others, and nobody else has any."""
    of: dict[str, list[Event]] = {}
    for own_id, events in came.items():
        of.setdefault(shop.resolver.customer_of(own_id), []).extend(events)
    for customer in IDS:
        document = shop.documents.stored.get(customer)
        events = of.get(customer, [])
        if not events:
            assert document is None or is_empty(document), customer
            continue
        assert document is not None, customer
        assert not is_empty(document), customer
        wanted = Profile(customer)
        wanted.apply(events)
        assert counted(packed_state(document), customer, wanted) == wanted.packed(), customer
        if shop.public.get(customer) is not None:
            assert record_told(shop, customer).merged_into is msgspec.UNSET, customer
    for own_id in came:
        document, customer = shop.documents.stored.get(own_id), shop.resolver.customer_of(own_id)
        if document is not None and (into := merged_into(document)) is not None:
            assert into == customer
            assert shop.public.get(own_id) is None or record_told(shop, own_id).merged_into == customer


class Come(msgspec.Struct, frozen=True):
    own_id: str
    event: Event


Item = Come | tuple[LinkName, str, str] | tuple[int, int, int] | int


@st.composite
def stories(draw: st.DrawFn) -> list[Item]:
    """Events under several ids, links of all kinds, steps of the core, and what is published twice, in any order."""
    events = [event for event in draw(event_lists(most=20)) if not is_whole_refund(event)]
    items: list[Item] = [Come(draw(st.sampled_from(IDS)), event) for event in events]
    items += draw(st.lists(st.sampled_from(items), max_size=4)) if items else []
    pairs = st.lists(st.sampled_from(IDS), min_size=2, max_size=2, unique=True)
    for one, other in draw(st.lists(pairs, max_size=6)):
        items.append((draw(st.sampled_from([*LinkName, LinkName.MERGE, LinkName.UNMERGE])), one, other))
    sizes = st.tuples(*[st.integers(0, 6)] * 3)
    items += draw(st.lists(sizes, max_size=8))
    items += draw(st.lists(st.integers(1, 12), max_size=2))
    return draw(st.permutations(items))


@given(stories(), st.sampled_from([0, 2_000, 60_000]), st.lists(st.booleans(), max_size=8))
@settings(max_examples=150, deadline=None)
def test_each_customer_has_the_events_of_their_ids(story: list[Item], cache: int, losses: list[bool]) -> None:
    shop, losses = JoiningShop(cache), [*losses]
    came: dict[str, dict[str, Event]] = {}
    for item in story:
        if isinstance(item, Come):
            came.setdefault(item.own_id, {})[item.event.event_id] = item.event
            shop.come(item.own_id, item.event)
        elif isinstance(item, int):
            shop.publish_again(min(item, len(shop.published)))
        elif isinstance(item[0], LinkName):
            shop.link(*item)
        else:
            shop.core_step(item, lost=losses.pop() if losses else False)
    shop.finish()
    check(shop, {own_id: [*events.values()] for own_id, events in came.items()})


def view(number: int, day: float) -> Event:
    return Event(f"e-{number}", EventKind.PAGE_VIEWED, BEGIN + round(day * DAY), "", 0)


def test_who_comes_back_has_also_what_is_too_old_to_be_sent_again() -> None:
    shop = JoiningShop(settings=Settings(**{**ON, "identity_history_days": 1}))
    old, new, own = [view(1, 0), view(2, 1)], view(3, 30), view(4, 29)
    for event in [*old, new]:
        shop.come("c-2", event)
    shop.come("c-1", own)
    shop.finish()
    shop.link(LinkName.MERGE, "c-2", "c-1")
    shop.finish()
    moved = shop.documents.stored["c-2"]
    assert merged_into(moved) == "c-1"
    gone = record_told(shop, "c-2")
    assert (gone.merged_into, gone.events, gone.orders) == ("c-1", 0, 0)
    joined = Profile("c-1")
    joined.apply([own, new])
    assert counted(packed_state(shop.documents.stored["c-1"]), "c-1", joined) == joined.packed()
    shop.link(LinkName.UNMERGE, "c-2", "c-1")
    shop.finish()
    check(shop, {"c-1": [own], "c-2": [*old, new]})


def test_a_customer_whose_events_were_all_of_others_leaves_nothing_behind() -> None:
    shop = JoiningShop()
    shop.come("c-1", view(1, 0))
    for into, from_ in (("c-2", "c-1"), ("c-1", "c-2"), ("c-3", "c-1")):
        shop.link(LinkName.MERGE, from_, into)
        shop.finish()
        check(shop, {"c-1": [view(1, 0)]})


def test_who_was_erased_begins_anew_without_what_was_kept_of_them() -> None:
    shop = JoiningShop()
    shop.come("c-1", view(1, 0))
    shop.come("c-2", view(2, 1))
    for name in (LinkName.MERGE, LinkName.UNMERGE):
        shop.finish()
        shop.link(name, "c-2", "c-1")
    shop.finish()
    assert b'"before"' in shop.documents.stored["c-1"]
    shop.core.accept(shop.core.erase(["c-1"], SCORER, NOW_MS))
    del shop.documents.stored["c-1"]
    log, later = shop.topics[TOPICS[0]], view(3, 2)
    log.append(Record(b"c-1", record_of("c-1", later).value, NOW_MS, len(log)))
    shop.finish()
    assert b'"edition"' not in shop.documents.stored["c-1"]
    check(shop, {"c-1": [later], "c-2": [view(2, 1)]})


def test_a_departure_without_the_key_of_the_workers_changes_nothing() -> None:
    shop = JoiningShop()
    shop.come("c-1", view(1, 0))
    shop.finish()
    forged = departure_record(Departure(customer_id="c-1", merged_into="c-2", edition=9), NoteProof(b"x" * 32))
    log = shop.topics[TOPICS[0]]
    log.append(Record(forged[0], forged[1], NOW_MS, len(log), tuple(forged[2])))
    before = dict(shop.documents.stored)
    shop.core_step([9, 9, 9], rejects=1)
    assert shop.documents.stored == before
