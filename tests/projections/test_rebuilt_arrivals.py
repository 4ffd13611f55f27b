"""The projection `arrivals` built again: what it passes on once more counts nowhere, whatever the log has lost."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stream.identity.links import LinkName
from stream.identity.places import appended_header
from stream.processing.state import Outgoing
from stream.projections.all_projections import PROJECTIONS
from stream.projections.arrivals import Arrivals
from tests.oracle.record import Record
from tests.projections.store import Store
from tests.projections.test_moving import CONTENTS, SETTINGS, Stage, events, links, play, repeats

#: Such as have their events counted, and move.
COUNTING = ["activity", "channels", "ratings"]
MOVED_MS = 1_000_000


def build_again(stage: Stage, begin: int, *, is_moved: bool) -> None:
    """Begin `arrivals` anew from the record at ``begin`` of its log, on another broker if ``is_moved``."""
    anew = Store(Arrivals(SETTINGS), 0, 3)
    for one in stage.published:
        if one.topic == SETTINGS.assignments:
            anew.append(1, (one.key or b"").decode(), one.value or b"", one.headers)
    assert not [one for one in _steps(anew) if one.topic != SETTINGS.assignments]
    anew.logs[0] = [_copied(one) if is_moved else one for one in stage.arrivals.logs[0][begin:]]
    for one in _steps(anew):
        stage.publish(one)


def _steps(anew: Store) -> Iterator[Outgoing]:
    while not anew.is_done:
        yield from anew.step(10, lost=False)


def _copied(record: Record) -> Record:
    headers = (*record.headers, appended_header(record.timestamp))
    return Record(record.key, record.value, record.timestamp + MOVED_MS, record.offset, headers)


@pytest.mark.parametrize("name", COUNTING)
# the note is lost, and what comes next was the last to go on
@example([("c-2", CONTENTS[5]), (LinkName.MERGE, ("c-2", "c-1")), ("c-2", CONTENTS[5])], 2, False)
@example([("c-1", CONTENTS[5]), ("again", 0)], 1, False)
@example([("c-1", CONTENTS[5])], 0, True)
@given(st.lists(st.one_of(events, links, repeats), max_size=12), st.integers(0, 30), st.booleans())
@settings(max_examples=40, deadline=None)
def test_what_is_passed_on_once_more_counts_once(name: str, story: Sequence[Any], lost: int, is_moved: bool) -> None:
    stage = Stage(PROJECTIONS[name](SETTINGS))
    play(stage, story)
    before = stage.states()
    build_again(stage, min(lost, len(stage.arrivals.logs[0])), is_moved=is_moved)
    assert stage.states() == before
