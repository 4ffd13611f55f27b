"""How many customers are in the working array at a time does not show."""

from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from stream.processing import passes
from stream.processing.rules import Rules
from tests.features.lists_of_events import DAY
from tests.processing.frozen import SILENCE, scorer_of
from tests.processing.logs import logs
from tests.processing.station import Log, Station

RULES = Rules(silence_bound_ms=70 * DAY, horizon_ms=28 * DAY)


def played(log: Log, rows: int, steps: list[int]) -> Station:
    station = Station(log, RULES, scorer_of(SILENCE))
    with patch.object(passes, "_ROWS", rows):
        for size in steps:
            station.step(size)
        station.finish()
        station.advance_to(station.stream_time_ms + 100 * DAY)
    return station


@given(logs(), st.integers(1, 2), st.lists(st.integers(1, 40), max_size=5))
@settings(max_examples=15, deadline=None)
def test_passes_over_few_customers_leave_what_one_over_all_leaves(log: Log, rows: int, steps: list[int]) -> None:
    whole, passed = played(log, 1024, steps), played(log, rows, steps)
    assert passed.outgoing == whole.outgoing
    assert passed.documents == whole.documents
    assert passed.timers == whole.timers
    assert passed.counters == whole.counters
