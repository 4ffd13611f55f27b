"""The size of the kernel's buffers does not change results."""

from unittest.mock import patch

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.events.columns import EVENT
from stream.features import codec
from stream.processing import buffers, kernel
from stream.processing.advance import ROOM
from stream.processing.kernel import Kernel, StoredProfiles
from stream.processing.rules import NO_MODEL, Rules
from tests.features.lists_of_events import BEGIN, DAY
from tests.processing.frozen import SILENCE, scorer_of
from tests.processing.logs import logs
from tests.processing.station import Log, Station

RULES = Rules(silence_bound_ms=70 * DAY, horizon_ms=28 * DAY)


def played(log: Log, emissions: int, steps: list[int]) -> Station:
    with patch.object(buffers, "_EMISSIONS", emissions):
        station = Station(log, RULES, scorer_of(SILENCE))
        for size in steps:
            station.step(size)
        station.finish()
        station.advance_to(station.stream_time_ms + 100 * DAY)
    return station


@given(logs(), st.integers(2 * ROOM, 3 * ROOM), st.lists(st.integers(1, 40), max_size=5))
@settings(max_examples=15, deadline=None)
def test_emissions_taken_a_few_at_a_time_are_those_taken_at_once(log: Log, few: int, steps: list[int]) -> None:
    whole, piecewise = played(log, 4096, steps), played(log, few, steps)
    assert piecewise.outgoing == whole.outgoing
    assert piecewise.documents == whole.documents
    assert piecewise.timers == whole.timers
    assert piecewise.counters == whole.counters


def test_room_for_packed_profiles_grows_with_the_need() -> None:
    customers = 4 * codec.MAX_BYTES // 50
    events = np.zeros(customers, EVENT)
    events["time"] = BEGIN + np.arange(customers)
    events["event_id"] = np.arange(1, customers + 1)
    known = StoredProfiles([f"customer-{k}" for k in range(customers)], [None] * customers, [0] * customers)

    def run() -> list[bytes]:
        rows, stream_time = np.arange(customers), events["time"].copy()
        return Kernel(RULES).advance(known, rows, events, stream_time, NO_MODEL)().packed()

    wide = run()
    with patch.object(kernel, "_BYTES", 0):
        narrow = run()
    assert sum(map(len, wide)) > 3 * codec.MAX_BYTES
    assert narrow == wide
