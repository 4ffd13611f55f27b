"""Events that were published straight to the topics of events, past the stage, in projections whose states move."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stream.events.kinds import EventType
from stream.identity.links import LinkName
from stream.processing.state import Outgoing
from stream.projections.all_projections import PROJECTIONS
from tests.projections.test_moving import AT_S, CONTENTS, IDS, SETTINGS, Stage, contents, events, links, play, steps

straight = st.tuples(
    st.just("straight"), st.sampled_from(IDS), st.sampled_from(["granted", "withdrawn"]), st.integers(0, 9)
)


@example(
    [
        ("c-2", CONTENTS[0]),
        ("straight", "c-2", "withdrawn", 0),
        *[(LinkName(n), ("c-2", "c-1")) for n in ("merge", "unmerge")],
    ]
)
@given(st.lists(st.one_of(events, links, steps, straight), max_size=14))
@settings(max_examples=60, deadline=None)
def test_who_refused_profiling_past_the_stage_has_refused_whatever_becomes_of_them(story: list[Any]) -> None:
    """Statements that were published straight to their topic hold for the id that they name, before and after links."""
    stage, wanted = (Stage(PROJECTIONS["leads"](SETTINGS)) for _ in range(2))
    came: list[tuple[str, int, Any]] = []
    said: list[Outgoing] = []
    for number, item in enumerate(story):
        if item[0] == "straight":
            said.append(statement(*item[1:]))
            stage.publish(said[-1])
        elif item[0] in IDS:
            came.append((item[0], number, item[1]))
            stage.come(*came[-1])
        else:
            play(stage, [item])
    for own_id, number, content in came:
        wanted.come(stage.resolver.customer_of(own_id), number, content)
    for one in said:
        wanted.publish(one)
    assert contents(stage) == contents(wanted)


def statement(who: str, name: str, at: int) -> Outgoing:
    fields = {"event_id": f"s-{at}-{name}", "customer_id": who, "occurred_at": AT_S + at, "name": name}
    value = json.dumps({**fields, "purpose": "profiling"}).encode()
    return Outgoing(SETTINGS.topic_of(EventType.CONSENT), who.encode(), value, [])


@pytest.mark.parametrize("name", ["activity", "satisfaction", "leads"])
def test_what_comes_past_the_stage_is_folded_for_whom_it_names(name: str) -> None:
    """Also while that one is another customer, where nobody looks; the core has no profile for it then."""
    stage = Stage(PROJECTIONS[name](SETTINGS))
    for numbers, link in (((1,), LinkName.MERGE), ((2,), LinkName.UNMERGE), ((3,), None)):
        for number in numbers:
            before = stage.states()
            value = {"event_id": f"p-{number}", "customer_id": "c-2", "occurred_at": AT_S + 700_000 * number}
            told = json.dumps({**value, "name": "rated", "scale": "stars", "value": 4}).encode()
            stage.publish(Outgoing(SETTINGS.topic_of(EventType.FEEDBACK), b"c-2", told, []))
            assert stage.states()["c-2"] != before.get("c-2")
        if link is not None:
            stage.link(link, "c-2", "c-1")
