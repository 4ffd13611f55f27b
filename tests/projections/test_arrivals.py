"""Events under any id reach one customer once, in any interleaving with links and notes, and after any loss."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.events.kinds import EventKind, EventType
from stream.identity.alias import MAX_HELD, MAX_HELD_BYTES, Alias
from stream.identity.arrival_notes import NOTE_HEADERS, TYPE_HEADER, ArrivalNote, Assigned, Released, encode_note
from stream.identity.assignments import AssignedStep
from stream.identity.departures import ARRIVED_AS
from stream.processing.state import Outgoing
from stream.projections.arrivals import Arrivals
from stream.settings import Settings
from tests.features.lists_of_events import DAY, event_lists, is_whole_refund
from tests.features.profiles import Profile
from tests.oracle.event import Event
from tests.oracle.record import record_of, type_of
from tests.projections.store import Store

HOUR = 3_600_000
SETTINGS = Settings(partitions=1, identity_hold_h=1.0)
COOKIE, ADDRESS = "anonymous_id:h1_" + 22 * "a", "email:h1_" + 22 * "b"
IDS = [COOKIE, ADDRESS, "c-1"]
#: When records were appended: after all events.
NOW_MS = 20_500 * DAY


@dataclass(frozen=True)
class CameUnder:
    """An event under an id."""

    own_id: str
    event: Event


Item = CameUnder | ArrivalNote


def append(store: Store, item: Item, at_ms: int = NOW_MS) -> None:
    if isinstance(item, CameUnder):
        record = record_of(item.own_id, item.event)
        headers = [(TYPE_HEADER, type_of(item.event).value.encode())]
        store.append(0, item.own_id, record.value or b"", headers, at_ms)
    else:
        store.append(0, item.id, encode_note(item), NOTE_HEADERS, at_ms)


def new_store(cache: int = 3) -> Store:
    return Store(Arrivals(SETTINGS), 0, cache)


def stepped(store: Store, size: int = 10, *, lost: bool = False) -> list[Outgoing]:
    """What a step passes on, without what it says of ids."""
    return [one for one in store.step(size, lost=lost) if one.topic != SETTINGS.assignments]


def passed_on(items: Sequence[Item], sizes: list[int], losses: list[bool]) -> tuple[list[tuple[str, str]], Store]:
    """Customer and event of each forward, in order, and what is left."""
    store = new_store()
    for item in items:
        append(store, item)
    sizes, losses, found = [*sizes], [*losses], []
    while not store.is_done:
        for one in stepped(store, sizes.pop() if sizes else 10, lost=losses.pop() if losses else False):
            content = json.loads(one.value or b"")
            assert one.key == content["customer_id"].encode()
            found.append((content["customer_id"], content["event_id"]))
    return found, store


def held(store: Store) -> list[str]:
    states = (msgspec.json.decode(state, type=Alias) for state in store.stored.values())
    return [json.loads(bytes(arrival.value))["event_id"] for state in states for arrival in state.held]


cuts = st.lists(st.integers(1, 7), max_size=30)
losses = st.lists(st.booleans(), max_size=15)


@st.composite
def linked_in_time(draw: st.DrawFn) -> tuple[list[Event], list[Item]]:
    """Events of one person under three ids, some of them twice; both others become the customer at some time."""
    events = [event for event in draw(event_lists(most=25)) if not is_whole_refund(event)]
    items: list[Item] = [CameUnder(draw(st.sampled_from(IDS)), event) for event in events]
    items += draw(st.lists(st.sampled_from(items), max_size=8)) if items else []
    items += [Assigned(id=one, customer_id="c-1", version=draw(st.integers(0, 9))) for one in (COOKIE, ADDRESS)]
    return events, draw(st.permutations(items))


@given(linked_in_time(), cuts, losses)
@settings(max_examples=150, deadline=None)
def test_with_a_link_within_the_hold_all_events_count_as_of_one_id(
    case: tuple[list[Event], list[Item]], sizes: list[int], lost: list[bool]
) -> None:
    events, items = case
    found, store = passed_on(items, sizes, lost)
    assert held(store) == []
    assert {customer for customer, _ in found} <= {"c-1"}
    by_id = {event.event_id: event for event in events}
    joined, wanted = Profile(), Profile()
    joined.apply([by_id[event_id] for _, event_id in found])
    wanted.apply(events)
    assert joined.packed() == wanted.packed()


notes = st.one_of(
    st.builds(
        Assigned,
        id=st.sampled_from(IDS),
        customer_id=st.sampled_from([*IDS, "c-2"]),
        version=st.integers(0, 20),
    ),
    st.builds(Released, id=st.sampled_from(IDS), up_to_ms=st.sampled_from([NOW_MS, NOW_MS + HOUR])),
)


@st.composite
def anything(draw: st.DrawFn) -> list[Item]:
    """Each event has one id, and comes up to three times."""
    came = [CameUnder(draw(st.sampled_from(IDS)), event) for event in draw(event_lists(most=12))]
    items: list[Item] = [*came, *draw(st.lists(st.sampled_from(came), max_size=20)), *draw(st.lists(notes, max_size=8))]
    return draw(st.permutations(items))


@given(anything(), cuts, losses)
@settings(max_examples=200, deadline=None)
def test_an_event_goes_to_one_customer_however_often_it_comes(
    items: list[Item], sizes: list[int], lost: list[bool]
) -> None:
    found, store = passed_on(items, sizes, lost)
    customers: dict[str, set[str]] = {}
    for customer, event_id in found:
        customers.setdefault(event_id, set()).add(customer)
    assert [event_id for event_id, of in customers.items() if len(of) > 1] == []
    waiting = held(store)
    assert sorted([*customers, *waiting]) == sorted(
        {item.event.event_id for item in items if isinstance(item, CameUnder)}
    )
    # the log alone decides where events go, not its steps, nor how often it is read
    assert passed_on(items, [], [])[0] == found


def event(number: int, at_ms: int = NOW_MS - HOUR) -> Event:
    return Event(event_id=f"e-{number}", kind=EventKind.PRODUCT_VIEWED, at=at_ms, order_id="", amount=0)


def forwards(published: Sequence[Any]) -> list[tuple[str, str, str]]:
    """Topic, key and event of the published records."""
    contents = [(one.topic, one.key.decode(), json.loads(one.value)) for one in published]
    return [(topic, key, content.get("event_id", content["name"])) for topic, key, content in contents]


def test_a_hold_that_ends_is_a_record_of_the_log_and_then_the_event_is_of_the_id_itself() -> None:
    store = new_store()
    append(store, CameUnder(COOKIE, event(1)))
    append(store, CameUnder(COOKIE, event(2)), NOW_MS + 1000)
    assert stepped(store) == []
    assert store.fire(NOW_MS + HOUR) == []
    (note,) = store.fire(NOW_MS + HOUR + 1)
    assert (note.topic, note.key, store.timers) == ("arrivals", COOKIE.encode(), {})
    # the state is as it was, until the note is read
    assert held(store) == ["e-1", "e-2"]
    store.append(0, COOKIE, note.value or b"", note.headers, NOW_MS + HOUR + 1)
    assert forwards(stepped(store)) == [("events.click", COOKIE, "e-1")]
    assert [*store.timers.values()] == [NOW_MS + 1000 + HOUR]
    append(store, Assigned(id=COOKIE, customer_id="c-1", version=4))
    append(store, CameUnder(COOKIE, event(1)))
    append(store, CameUnder(COOKIE, event(3)))
    assert forwards(stepped(store)) == [
        ("events.click", "c-1", "e-2"),
        # it went to the id itself before
        ("events.click", COOKIE, "e-1"),
        ("events.click", "c-1", "e-3"),
    ]
    assert store.timers == {}


def test_an_event_keeps_what_it_says_and_tells_under_which_id_it_came() -> None:
    store = new_store()
    append(store, Assigned(id=COOKIE, customer_id="c-1", version=4))
    content = {
        "event_id": "e-1",
        "customer_id": COOKIE,
        "name": "page_viewed",
        "occurred_at": NOW_MS / 1000,
        "identifiers": {"anonymous_id": COOKIE.partition(":")[2]},
        "own_field": [1, {"a": "é"}],
    }
    # another client's: without the header, the name tells the type
    store.append(0, COOKIE, json.dumps(content).encode(), (), NOW_MS)
    (one,) = stepped(store)
    assert (one.topic, one.key) == ("events.click", b"c-1")
    assert json.loads(one.value or b"") == {**content, "customer_id": "c-1"}
    assert (ARRIVED_AS, COOKIE.encode()) in one.headers


def test_invalid_events_pass_unchanged_and_unplaceable_ones_are_dead_letters() -> None:
    store = new_store()
    bad = b'{"event_id": "e-1", "customer_id": "c-1", "name": "page_viewed"}'
    store.append(0, "c-1", bad, (), NOW_MS)
    (one,) = stepped(store)
    assert (one.topic, one.key, one.value, store.stored) == ("events.click", b"c-1", bad, {})
    reading = Arrivals(SETTINGS).inputs[0].read([store.logs[0][0]._replace(value=b'{"name": "odd"}')])
    assert [rejection.reason for rejection in reading.rejections] == ["unknown_name"]


def test_an_oversized_record_does_not_pass() -> None:
    store = new_store()
    append(store, CameUnder("c-1", event(1)))
    good = store.logs[0][0]
    padded = json.dumps({**json.loads(good.value or b""), "note": 70_000 * "x"}).encode()
    large = [good._replace(value=padded), good._replace(key=70_000 * b"k"), good._replace(key=b"c-2")]
    reading = Arrivals(SETTINGS).inputs[0].read([good, *large])
    assert [(one.record, one.reason) for one in reading.rejections] == [(1, "too_large"), (2, "key_mismatch")]
    assert (reading.positions, reading.skipped) == ([0, 3], 0)


def test_the_number_of_waiting_events_is_bounded() -> None:
    store = new_store()
    for number in range(MAX_HELD + 2):
        append(store, CameUnder(COOKIE, event(number)))
    assert [of for _, _, of in forwards(stepped(store, 1000))] == ["e-0", "e-1"]
    assert len(held(store)) == MAX_HELD
    large = {"event_id": "e-x", "customer_id": ADDRESS, "name": "page_viewed", "occurred_at": NOW_MS / 1000}
    for number in range(4):
        text = json.dumps({**large, "event_id": f"e-{number}", "note": "x" * (MAX_HELD_BYTES // 3)}).encode()
        store.append(0, ADDRESS, text, (), NOW_MS)
    assert [of for _, _, of in forwards(stepped(store))] == ["e-0", "e-1"]


def test_an_assignment_that_comes_again_does_not_undo_a_newer_one() -> None:
    store = new_store()
    for customer, version in (("c-1", 4), ("c-2", 7), ("c-1", 4)):
        append(store, Assigned(id=COOKIE, customer_id=customer, version=version))
    append(store, CameUnder(COOKIE, event(1)))
    assert forwards(stepped(store)) == [("events.click", "c-2", "e-1")]


def test_for_a_former_customer_a_floor_is_kept() -> None:
    state = Alias()

    def gone(number: int, day: int) -> str | None:
        return state.goes_to(COOKIE, number, day * DAY // 1000, is_held=False)

    days = {0: 0, 50: 50, 300: 300}
    assert gone(0, days[0]) == COOKIE
    state.assign(COOKIE, AssignedStep(1, 2, "c-1"))
    assert [gone(number, days[number]) for number in (50, 300)] == ["c-1", "c-1"]
    state.assign(COOKIE, AssignedStep(2, 5, "c-2"))
    assert [sent.customer for sent in state.before] == ["c-1"]
    # the first event can no longer be told from a new one: a customer with newer events refuses it as too late
    assert [gone(number, day) for number, day in days.items()] == 3 * ["c-1"]
    assert gone(1, 301) == "c-2"


def test_whom_an_event_names_is_kept_as_a_hash_and_passed_on_as_it_came() -> None:
    follows = Settings(
        partitions=1, identity_hold_h=1.0, join_identities=True, identity_history_days=30, identity_key="k" * 32
    )
    event = {"event_id": "i-1", "customer_id": COOKIE, "occurred_at": NOW_MS / 1000, "name": "referred"}
    value = json.dumps({**event, "referred_id": "c-erased"}).encode()
    store = Store(Arrivals(follows), 0, 3)
    for own_id in ("c-1", COOKIE):
        named = value.replace(COOKIE.encode(), own_id.encode())
        store.append(0, own_id, named, [(TYPE_HEADER, b"interaction")], NOW_MS)
    outgoing = store.step(10, lost=False)
    (passed,) = [one for one in outgoing if one.topic == follows.topic_of(EventType.INTERACTION)]
    assert b"c-erased" in (passed.value or b"")
    assert len(store.stored) == 2
    assert not any(b"c-erased" in state for state in store.stored.values())
