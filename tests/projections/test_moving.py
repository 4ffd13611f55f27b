"""Persons who are others: each projection is as if every event had come under the id that it is of now."""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stream.errors import SettingsError
from stream.events.kinds import EventType
from stream.identity.arrival_notes import TYPE_HEADER
from stream.identity.departures import ARRIVED_AS
from stream.identity.links import Link, LinkName
from stream.identity.note_proof import NoteProof
from stream.identity.places import PLACE
from stream.identity.resolver import Resolver
from stream.processing.state import Outgoing
from stream.projections import all_projections, moving
from stream.projections.all_projections import PROJECTIONS, projections_of
from stream.projections.arrivals import Arrivals
from stream.projections.fold import Fold
from stream.projections.moving import MAX_EDITIONS, Moves, forget_oldest
from stream.projections.protocol import Projection
from stream.settings import Settings
from tests.identity.assigned_notes import assigned_notes
from tests.oracle.record import Record
from tests.projections.adding import Adding
from tests.projections.store import Store

SETTINGS = Settings(partitions=1, join_identities=True, identity_history_days=90, identity_key="k" * 32)
COOKIE = "anonymous_id:h1_" + 22 * "a"
IDS = [COOKIE, "c-1", "c-2"]
AT_S = 1_700_000_000
#: When the stage publishes: after all events.
NOW_MS = (AT_S + 10_000_000) * 1000
#: Between two events: those of a story fall into several weeks.
STEP_S = 200_000
#: Those whose states are of customers, and follow from events alone.
MOVING = ["activity", "satisfaction", "surveys", "channels", "leads"]
#: Those that count what is of nobody in particular, once.
COUNTING = ["ratings"]

Headers = tuple[tuple[str, bytes | None], ...]

#: Type and content of events that together every projection of `MOVING` takes.
CONTENTS: list[tuple[EventType, dict[str, Any]]] = [
    (EventType.CLICK, {"name": "page_viewed"}),
    (EventType.PURCHASE, {"name": "completed", "order_id": "o-1", "amount": 10.0, "currency": "EUR"}),
    (EventType.FEEDBACK, {"name": "rated", "scale": "stars", "value": 4}),
    (EventType.FEEDBACK, {"name": "rated", "scale": "stars", "value": 1}),
    (EventType.FEEDBACK, {"name": "complained", "channel": "email"}),
    (EventType.INTERACTION, {"name": "called"}),
    (EventType.CONSENT, {"name": "granted", "purpose": "marketing"}),
    (EventType.CONSENT, {"name": "withdrawn", "purpose": "marketing"}),
    (EventType.EMAIL, {"name": "unsubscribed"}),
    (EventType.EMAIL, {"name": "clicked"}),
    (EventType.FEEDBACK, {"name": "asked", "survey_id": "s-1", "channel": "email"}),
    (EventType.FEEDBACK, {"name": "asked", "survey_id": "s-1", "channel": "phone", "product_id": "p-1"}),
    (EventType.FEEDBACK, {"name": "rated", "scale": "stars", "value": 5, "survey_id": "s-1"}),
    (EventType.PURCHASE, {"name": "cancelled", "order_id": "o-1"}),
]


class Stage:
    """The projection `arrivals`, and one that reads what it passes on."""

    def __init__(self, projection: Projection[Any]) -> None:
        self.resolver, self.versions = Resolver(), 0
        self.arrivals = Store(Arrivals(SETTINGS), 0, 3)
        self.beside = Store(projection, 0, 3, departures=NoteProof.of(SETTINGS))
        self.published: list[Outgoing] = []
        self._sources = {source.topic: number for number, source in enumerate(projection.inputs)}

    def come(self, own_id: str, number: int, content: tuple[EventType, dict[str, Any]]) -> None:
        event_type, fields = content
        value = {"event_id": f"e-{number}", "customer_id": own_id, "occurred_at": AT_S + number * STEP_S, **fields}
        headers = [(TYPE_HEADER, event_type.value.encode())]
        self._append(own_id, json.dumps(value).encode(), headers)
        self._pass_on()

    def link(self, name: LinkName, one: str, other: str) -> None:
        link = Link(name, one, other, self.versions, f"l-{self.versions}")
        for own_id, note, headers in assigned_notes(self.resolver, link, self.versions, NoteProof.of(SETTINGS)):
            self._append(own_id, note, headers)
        self.versions += 1
        self._pass_on()

    def states(self) -> dict[str, Any]:
        while not self.beside.is_done:
            self.beside.step(100, lost=False)
        return {key: json.loads(state) for key, state in self.beside.stored.items()}

    def publish_again(self, count: int) -> None:
        """Publish the last records once more, as after a crash before they were known to be published."""
        for one in self.published[-count:]:
            self.publish(one)

    def _append(self, own_id: str, value: bytes, headers: Sequence[tuple[str, bytes | None]]) -> None:
        """The broker's clock goes on with each record."""
        self.arrivals.append(0, own_id, value, headers, NOW_MS - 1_000_000 + 1000 * len(self.arrivals.logs[0]))

    def _pass_on(self) -> None:
        while not self.arrivals.is_done:
            for one in self.arrivals.step(10, lost=False):
                self.published.append(one)
                self.publish(one)

    def publish(self, one: Outgoing) -> None:
        if one.topic in self._sources:
            key = (one.key or b"").decode()
            self.beside.append(self._sources[one.topic], key, one.value or b"", one.headers, NOW_MS)


events = st.tuples(st.sampled_from(IDS), st.sampled_from(CONTENTS))
links = st.tuples(
    st.sampled_from([LinkName.IDENTIFIED, LinkName.MERGE, LinkName.UNMERGE]),
    st.sampled_from([(COOKIE, "c-1"), (COOKIE, "c-2"), ("c-2", "c-1"), ("c-1", "c-2")]),
)
steps = st.tuples(st.integers(1, 5), st.booleans())
#: What is published once more after a crash, and which event its producer sends again.
crashes = st.integers(1, 12)
repeats = st.tuples(st.just("again"), st.integers(0, 15))


def play(stage: Stage, story: Sequence[Any]) -> list[tuple[str, int, Any]]:
    """Let a story happen; returns id, number and content of each event."""
    came: list[tuple[str, int, Any]] = []
    for number, item in enumerate(story):
        if isinstance(item, int):
            stage.publish_again(item)
        elif item[0] == "again":
            if came:
                stage.come(*came[item[1] % len(came)])
        elif isinstance(item[0], LinkName):
            stage.link(item[0], *item[1])
        elif isinstance(item[0], str):
            came.append((item[0], number, item[1]))
            stage.come(*came[-1])
        else:
            stage.beside.step(item[0], lost=item[1])
    return came


def by_content(state: Any) -> Any:
    """A state without the order of what was heard, and of what follows from that order, for it is another one.

    Channels by which nobody was asked after all are still named.
    """
    if "channels" in state and "named" in state:
        return {name: value for name, value in state.items() if name != "channels"}
    said = sorted(json.dumps({**one, "loyalty": None}, sort_keys=True) for one in state.get("said", []) if "id" in one)
    numbers = {name: round(value, 9) if isinstance(value, float) else value for name, value in state.items()}
    return {**numbers, "loyalty": None, "is_satisfied": None, "said": said} if "loyalty" in state else state


def contents(stage: Stage) -> dict[str, Any]:
    """The states that say anything, by what they say."""
    found = {key: by_content(state) for key, state in stage.states().items()}
    return {key: state for key, state in found.items() if state}


@pytest.mark.parametrize("name", [*MOVING, *COUNTING])
@example([("c-1", CONTENTS[4]), (LinkName.MERGE, ("c-1", "c-2")), (LinkName.MERGE, ("c-2", "c-1"))])
@given(st.lists(st.one_of(events, links, steps, crashes, repeats), max_size=16))
@settings(max_examples=40, deadline=None)
def test_states_are_those_of_the_events_under_the_ids_that_they_are_of_now(name: str, story: list[Any]) -> None:
    stage = Stage(PROJECTIONS[name](SETTINGS))
    came = play(stage, story)
    wanted = Stage(PROJECTIONS[name](SETTINGS))
    for own_id, number, content in came:
        wanted.come(stage.resolver.customer_of(own_id), number, content)
    assert contents(stage) == contents(wanted)


@pytest.mark.parametrize("name", [one for one in PROJECTIONS if one not in {*MOVING, "identity", "arrivals"}])
def test_what_comes_again_counts_once_where_it_came_first(name: str) -> None:
    stage = Stage(PROJECTIONS[name](SETTINGS))
    for number, content in enumerate(CONTENTS):
        stage.come(COOKIE, number, content)
    before = stage.states()
    stage.link(LinkName.IDENTIFIED, COOKIE, "c-1")
    stage.publish_again(100)
    stage.come(COOKIE, 0, CONTENTS[0])
    assert stage.states() == before


def test_nobody_loses_points_because_two_ids_are_joined_or_taken_apart() -> None:
    """Orders that are older than what comes again earn as before."""
    stage = Stage(PROJECTIONS["points"](SETTINGS))
    stage.come("c-2", 0, CONTENTS[1])
    stage.come("c-2", 48, CONTENTS[5])
    before = stage.states()
    for name in (LinkName.MERGE, LinkName.UNMERGE):
        stage.link(name, "c-2", "c-1")
        assert stage.states() == before


class _Moving(Adding):
    def release(self, customer_id: str) -> Iterable[tuple[str, object]]:
        return self.taken_out(customer_id)


def test_what_is_no_event_is_of_no_edition() -> None:
    """It is not sent again, and what its producer says in headers is no edition."""
    kept = Store(_Moving(), 0, 3, departures=NoteProof.of(SETTINGS))
    kept.partition.state.editions = {"c-2": 7}
    for headers in ((), (("content-type", b"application/json"),)):
        kept.append(0, "c-2", b'{"who": "c-2", "number": 4}', headers)
    kept.step(9, lost=False)
    assert json.loads(kept.stored["c-2"]) == {"total": 8}


@pytest.mark.parametrize("of_another", [(), (("content-type", b"application/json"),)])
def test_an_event_of_an_edition_before_is_void_whatever_else_is_read(of_another: Headers) -> None:
    activity: Projection[Any] = PROJECTIONS["activity"](SETTINGS)
    moves = Moves(activity, NoteProof.of(SETTINGS))
    old = Record(b"c-2", b"{}", NOW_MS, 0, ((ARRIVED_AS, b"c-2"),))
    other, straight = Record(b"c-3", b"{}", NOW_MS, 1, of_another), Record(b"c-2", b"{}", NOW_MS, 2)
    stretches = moves.stretches(activity.inputs[0], [old, other, straight], {"c-2": 7})
    assert [record for stretch in stretches for record in stretch.records] == [other, straight]


def test_each_record_of_a_departure_has_a_place_of_its_own() -> None:
    stage = Stage(PROJECTIONS["activity"](SETTINGS))
    stage.come("c-2", 0, CONTENTS[0])
    stage.link(LinkName.MERGE, "c-2", "c-1")
    told = [one for one in stage.published if one.topic in SETTINGS.all_event_topics]
    places = [[value for name, value in one.headers if name == PLACE] for one in told]
    assert len(places) > len(EventType)
    assert len({tuple(of) for of in places}) == len(places)
    assert {len(of) for of in places} == {1}


class _Older(Adding):
    def __init__(self, settings: Settings) -> None:
        del settings
        super().__init__()

    release = Fold.release


def test_a_projection_that_does_not_say_what_becomes_of_a_person_does_not_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(all_projections, "PROJECTIONS", {"adding": _Older})
    with pytest.raises(SettingsError, match="adding does not say what becomes of a person who is another one"):
        projections_of(dataclasses.replace(SETTINGS, projections="adding"))


def test_every_projection_says_what_becomes_of_a_person() -> None:
    names = ",".join(PROJECTIONS)
    of: Sequence[Projection[Any]] = projections_of(dataclasses.replace(SETTINGS, projections=names))
    assert [one.name for one in of if one.release("c-1") is not None] == [*filter(MOVING.__contains__, PROJECTIONS)]


def test_the_newest_editions_are_remembered() -> None:
    editions = {f"c-{number}": number for number in range(MAX_EDITIONS + 2)}
    forget_oldest(editions)
    assert [number for number in (0, 1, 2) if f"c-{number}" in editions] == [2]
    assert len(editions) == MAX_EDITIONS + 1, "and the latest of the others"


def test_an_edition_that_was_forgotten_takes_nobody_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "MAX_EDITIONS", 1)
    stage = Stage(PROJECTIONS["channels"](SETTINGS))
    stage.link(LinkName.MERGE, "c-2", "c-1")
    stage.link(LinkName.UNMERGE, "c-2", "c-1")
    stage.come("c-1", 0, CONTENTS[5])
    stage.come("c-2", 1, CONTENTS[5])
    stage.states()
    stage.come(COOKIE, 2, CONTENTS[5])
    stage.link(LinkName.IDENTIFIED, COOKIE, "c-3")
    stage.states()
    stage.come("c-1", 3, CONTENTS[5])
    stage.come("c-2", 4, CONTENTS[5])
    states = stage.states()
    assert [states[one]["kinds"] for one in ("c-1", "c-2")] == [{"called": 2}, {"called": 2}]
