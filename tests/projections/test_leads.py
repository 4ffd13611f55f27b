"""Leads and the counts of weeks, against their definition, with any order, batches and repeats."""

from random import Random
from typing import Any

import msgspec
import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.events.kinds import KIND_OF, EventKind, EventType
from stream.leads.lead_contacts import TALKED, week_of
from stream.projections.folding import FoldingPartition, Part, ProjectionTopics
from stream.projections.leads import Leads, LeadState, lead_key
from stream.settings import Settings
from tests.oracle.leads import Contact, leads_of
from tests.oracle.record import Record

DAY_MS = 86_400_000
#: A Monday.
BEGIN_MS = 1_767_571_200_000
SOURCE = {event_type: position for position, event_type in enumerate(EventType)}
NAME_OF = {kind: (event_type, name) for (event_type, name), kind in KIND_OF.items()}
KINDS = sorted(kind for kind in NAME_OF if kind is not EventKind.FEEDBACK_RATED)
MORE: dict[str, dict[str, Any]] = {
    "completed": {"order_id": "o", "amount": 5.0, "currency": "EUR"},
    "refunded": {"order_id": "o", "amount": 5.0, "currency": "EUR"},
    "cancelled": {"order_id": "o"},
    "referred": {"referred_id": "f"},
    "granted": {"purpose": "marketing"},
    "withdrawn": {"purpose": "marketing"},
}

#: (customer, kind, day): most contacts lie close together, some years apart.
happened = st.tuples(
    st.sampled_from(["a", "b", "/2900"]),
    st.sampled_from(KINDS) | st.sampled_from([EventKind.PAGE_VIEWED, EventKind.EMAIL_SENT, EventKind.PRODUCT_ADDED]),
    st.integers(0, 60) | st.integers(0, 1000),
)


def record(offset: int, customer: str, kind: EventKind, at_ms: int) -> Record:
    _, name = NAME_OF[kind]
    body = {"event_id": f"e{offset}", "customer_id": customer, "occurred_at": at_ms / 1000, "name": name}
    content = orjson.dumps({**body, **MORE.get(name, {})})
    return Record(customer.encode(), content, offset=offset, timestamp=BEGIN_MS + 2000 * DAY_MS)


def test_an_invitation_to_a_survey_is_no_talk_and_a_question_is_one() -> None:
    leads = Leads(Settings())
    asked = {"customer_id": "a", "occurred_at": BEGIN_MS / 1000, "name": "asked"}
    told = [{"survey_id": "s-1"}, {}, {"survey_id": "s-1", "ticket_id": "t-1"}]
    records = [
        Record(b"a", orjson.dumps({**asked, "event_id": f"e{k}", **more}), offset=k, timestamp=BEGIN_MS)
        for k, more in enumerate(told)
    ]
    reading = leads.inputs[SOURCE[EventType.FEEDBACK]].read(records)
    assert (reading.positions, reading.skipped, reading.rejections) == ([1, 2], 1, [])
    folded = leads.fold({}, reading.keyed).states["a"]
    assert isinstance(folded, LeadState)
    assert folded.weeks == {week_of(BEGIN_MS): TALKED}
    assert leads.fold({}, leads.inputs[SOURCE[EventType.FEEDBACK]].read(records[:1]).keyed).states == {}


def folded(batches: list[list[tuple[str, EventKind, int]]]) -> dict[str, LeadState]:
    """The states after steps of a partition that remembers little."""
    partition = FoldingPartition(Leads(Settings(customer_ids="any")), 0, ProjectionTopics("dead-letters", "alerts"), 3)
    stored: dict[str, bytes] = {}
    offset = 0
    for batch in batches:
        parts: list[list[Record]] = [[] for _ in SOURCE]
        for customer, kind, day in batch:
            offset += 1
            parts[SOURCE[NAME_OF[kind][0]]].append(record(offset, customer, kind, BEGIN_MS + day * DAY_MS))
        missing = partition.read([Part(source, part, offset) for source, part in enumerate(parts)])
        while missing:
            partition.remember(missing, [stored.get(key) for key in missing])
            missing = partition.further()
        outcome = partition.step(0)
        assert (outcome.rejected, outcome.skipped) == ((), 0)
        assert outcome.folded == len(batch)
        stored |= outcome.written
        for key in outcome.forgotten:
            del stored[key]
        partition.accept(outcome)
    return {key: msgspec.json.decode(state, type=LeadState) for key, state in stored.items()}


@settings(max_examples=60)
@given(st.lists(happened, max_size=20), st.integers(1, 6), st.randoms(use_true_random=False))
def test_states_follow_from_the_events_alone(
    events: list[tuple[str, EventKind, int]], size: int, random: Random
) -> None:
    by_customer: dict[str, list[Contact]] = {}
    for customer, kind, day in events:
        by_customer.setdefault(customer, []).append(Contact(kind, BEGIN_MS + day * DAY_MS))
    people, tables = leads_of(by_customer)
    shuffled = [*events, *random.sample(events, len(events) // 3)]
    random.shuffle(shuffled)
    states = folded([shuffled[begin : begin + size] for begin in range(0, len(shuffled), size)])
    found = {state.customer_id: (sorted(state.weeks), state.ordered) for state in states.values() if state.week is None}
    assert found == people
    assert {state.week: state.cells for state in states.values() if state.week is not None} == tables
    assert states == folded([events])


def test_a_person_may_have_the_name_of_a_week() -> None:
    states = folded([[("/2900", EventKind.PAGE_VIEWED, 0)]])
    assert states[lead_key("/2900")].customer_id == "/2900"
    assert [*Leads(Settings()).erase("/2900")] == ["//2900"]
    assert "/2900" not in states


def test_invalid_events_are_left_to_the_core() -> None:
    partition = FoldingPartition(Leads(Settings()), 0, ProjectionTopics("dead-letters", "alerts"), 3)
    partition.read([Part(0, [Record(b"a", b"no event", BEGIN_MS)], 1)])
    outcome = partition.step(0)
    assert (outcome.skipped, outcome.rejected, outcome.written) == (1, (), {})
