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
from tests.projections.stepping import SteppedPartition

DAY_MS = 86_400_000
#: A Monday.
BEGIN_MS = 1_767_571_200_000
SETTINGS = Settings(customer_ids="any")
SOURCE = {event_type: position for position, event_type in enumerate(EventType)}
NAME_OF = {kind: (event_type, name) for (event_type, name), kind in KIND_OF.items()}
KINDS = sorted(kind for kind in NAME_OF if kind is not EventKind.FEEDBACK_RATED)
MORE: dict[str, dict[str, Any]] = {
    "completed": {"order_id": "o", "amount": 5.0, "currency": "EUR"},
    "refunded": {"order_id": "o", "amount": 5.0, "currency": "EUR"},
    "cancelled": {"order_id": "o"},
    "referred": {"referred_id": "f"},
}

#: (customer, kind, day): most contacts lie close together, some years apart.
happened = st.tuples(
    st.sampled_from(["a", "b", "/2900"]),
    st.sampled_from(KINDS) | st.sampled_from([EventKind.PAGE_VIEWED, EventKind.EMAIL_SENT, EventKind.PRODUCT_ADDED]),
    st.integers(0, 60) | st.integers(0, 1000),
)


def record(offset: int, customer: str, kind: EventKind, at_ms: int, purpose: str = "marketing") -> Record:
    _, name = NAME_OF[kind]
    body = {"event_id": f"e{offset}", "customer_id": customer, "occurred_at": at_ms / 1000, "name": name}
    said = {"purpose": purpose} if name in {"granted", "withdrawn"} else {}
    content = orjson.dumps({**body, **MORE.get(name, {}), **said})
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


def folded(
    batches: list[list[tuple[str, EventKind, int]]], of: Settings = SETTINGS, purpose: str = "marketing"
) -> dict[str, LeadState]:
    """The states after steps of a partition that remembers little; ``purpose``: of the events of consent."""
    stepped = SteppedPartition(Leads(of), cache=3)
    offset = 0
    for batch in batches:
        parts: list[list[Record]] = [[] for _ in SOURCE]
        for customer, kind, day in batch:
            offset += 1
            parts[SOURCE[NAME_OF[kind][0]]].append(record(offset, customer, kind, BEGIN_MS + day * DAY_MS, purpose))
        outcome = stepped.step(*(Part(source, part, offset) for source, part in enumerate(parts)))
        assert (outcome.rejected, outcome.skipped) == ((), 0)
        assert outcome.folded == len(batch)
    return {key: msgspec.json.decode(state, type=LeadState) for key, state in stepped.stored.items()}


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


said = st.tuples(
    st.sampled_from(["a", "b", "/2900"]),
    st.sampled_from([EventKind.CONSENT_GRANTED, EventKind.CONSENT_WITHDRAWN]),
    st.integers(0, 60),
)


@settings(max_examples=60)
@given(
    st.lists(happened | said, max_size=25),
    st.integers(1, 6),
    st.sampled_from(["opt-in", "opt-out"]),
    st.randoms(use_true_random=False),
)
def test_nobody_is_counted_who_does_not_agree_to_profiling(
    events: list[tuple[str, EventKind, int]], size: int, default: str, random: Random
) -> None:
    by_customer: dict[str, list[Contact]] = {}
    statements: dict[str, list[tuple[int, bool]]] = {}
    for customer, kind, day in events:
        by_customer.setdefault(customer, []).append(Contact(kind, BEGIN_MS + day * DAY_MS))
        if kind in {EventKind.CONSENT_GRANTED, EventKind.CONSENT_WITHDRAWN}:
            statements.setdefault(customer, []).append((day, kind is EventKind.CONSENT_WITHDRAWN))
    refusing = {who for who, found in statements.items() if max(found)[1]}
    if default == "opt-in":
        refusing |= by_customer.keys() - statements.keys()
    _, tables = leads_of({who: found for who, found in by_customer.items() if who not in refusing})
    people, _ = leads_of(by_customer)
    shuffled = [*events, *random.sample(events, len(events) // 3)]
    random.shuffle(shuffled)
    of = Settings(customer_ids="any", consent_default=default)
    states = folded([shuffled[begin : begin + size] for begin in range(0, len(shuffled), size)], of, "profiling")
    assert {state.week: state.cells for state in states.values() if state.week is not None} == tables
    found = {state.customer_id: (sorted(state.weeks), state.ordered) for state in states.values() if state.week is None}
    assert people.items() <= found.items()
    assert states == folded([events], of, "profiling")


def test_counts_follow_a_new_default_when_something_is_told_of_the_person() -> None:
    states: dict[str, Any] = {}
    for of, kind, day in (("opt-out", EventKind.PAGE_VIEWED, 0), ("opt-in", EventKind.EMAIL_SENT, 7)):
        leads = Leads(Settings(customer_ids="any", consent_default=of))
        event_type, _ = NAME_OF[kind]
        source = leads.inputs[SOURCE[event_type]]
        keyed = source.read([record(day, "a", kind, BEGIN_MS + day * DAY_MS)]).keyed
        needed = {key: states[key] for key in ["a", *leads.reach(states, keyed)] if key in states}
        states |= leads.fold(needed, keyed).states
    assert {key: state for key, state in states.items() if state is not None}.keys() == {"a"}


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
