"""Logs of any order come out in time order, whether they fit into memory or not."""

from hypothesis import given
from hypothesis import strategies as st

from stream.events.kinds import EventType
from stream.events.log_event import LogEvent
from stream.events.time_order import in_time_order

events = st.lists(
    st.builds(
        LogEvent,
        st.sampled_from(EventType),
        st.text(max_size=2),
        st.integers(-(2**62), 2**62) | st.integers(0, 3),
        st.binary(max_size=3),
        st.integers(0, 9),
    ),
    max_size=60,
)


@given(events, st.integers(1, 20), st.integers(2, 4))
def test_the_order_is_that_of_a_stable_sort_however_little_memory_there_is(
    log: list[LogEvent], max_events: int, max_runs: int
) -> None:
    assert list(in_time_order(log, max_events=max_events, max_runs=max_runs)) == sorted(log, key=lambda one: one.at_ms)
