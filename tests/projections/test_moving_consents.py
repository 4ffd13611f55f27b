"""What customers agreed to and took back follows them, however long ago that was."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.events.kinds import EventType
from stream.identity.links import LinkName
from stream.projections.all_projections import PROJECTIONS
from tests.projections.test_moving import CONTENTS, IDS, SETTINGS, Stage, links


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("took_back", [CONTENTS[7], CONTENTS[8], (EventType.EMAIL, {"name": "complained"})])
def test_what_customers_took_back_long_ago_holds_whoever_they_are(
    took_back: tuple[EventType, dict[str, Any]], *, again: bool
) -> None:
    stage = Stage(PROJECTIONS["consents"](SETTINGS))
    stage.come("c-2", 0, took_back)
    # this one does not follow: it says nothing of consent
    stage.come("c-2", 1, CONTENTS[9])
    stage.come("c-2", 48, CONTENTS[5])
    (said,) = stage.states().values()
    stage.link(LinkName.MERGE, "c-2", "c-1")
    if again:
        stage.link(LinkName.UNMERGE, "c-2", "c-1")
    assert stage.states() == {"c-2" if again else "c-1": said}


told_once = st.tuples(
    st.sampled_from(IDS), st.integers(0, 49), st.sampled_from([CONTENTS[at] for at in (0, 6, 7, 8, 9)])
)


@given(st.lists(st.one_of(told_once, links), max_size=14))
@settings(max_examples=60, deadline=None)
def test_what_was_agreed_to_at_any_time_follows_any_links(story: list[Any]) -> None:
    """Events of more days than follow, in any order of time, with links between them."""
    stage, wanted = (Stage(PROJECTIONS["consents"](SETTINGS)) for _ in range(2))
    came: list[tuple[str, int, Any]] = []
    for item in story:
        if isinstance(item[0], LinkName):
            stage.link(item[0], *item[1])
        elif all(number != item[1] for _, number, _ in came):
            came.append(item)
            stage.come(*item)
    for own_id, number, content in came:
        wanted.come(stage.resolver.customer_of(own_id), number, content)
    assert stage.states() == wanted.states()
