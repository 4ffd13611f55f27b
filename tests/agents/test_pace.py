"""When a partition has come to rest, and when the wall clock moves its time."""

import pytest

from stream.agents.pace import Rest, follows_wall_clock
from stream.processing.state import PartitionState
from tests.features.lists_of_events import DAY
from tests.processing.station import NOW_MS


def state_of(newest_ms: int | None, *, live: bool = False) -> PartitionState:
    return PartitionState(stream_time_ms=newest_ms, live=live)


@pytest.mark.parametrize(
    ("state", "idle_s", "follows"),
    [
        (state_of(None), 9999, False),
        (state_of(NOW_MS - 60_000), 0, True),
        (state_of(NOW_MS - 2 * 3_600_000), 0, False),
        (state_of(NOW_MS - 2 * 3_600_000), 299, False),
        (state_of(NOW_MS - 2 * 3_600_000), 300, True),
        (state_of(NOW_MS - 89 * DAY), 300, True),
        (state_of(NOW_MS - 91 * DAY), 10**9, False),
        (state_of(NOW_MS - 91 * DAY, live=True), 0, True),
    ],
)
def test_when_the_wall_clock_moves_time(state: PartitionState, idle_s: float, follows: bool) -> None:
    assert follows_wall_clock("auto", state, NOW_MS, idle_s=idle_s, quiet_s=300) is follows
    assert follows_wall_clock("wall", state, NOW_MS, idle_s=idle_s, quiet_s=300)
    assert not follows_wall_clock("event", state, NOW_MS, idle_s=idle_s, quiet_s=300)


@pytest.mark.parametrize(
    ("others_days", "idle_s", "follows"), [(1, 300, True), (1, 299, False), (91, 10**9, False), (None, 10**9, False)]
)
def test_a_partition_whose_customers_have_long_been_silent_follows_where_the_shop_is_open(
    others_days: int | None, idle_s: float, follows: bool
) -> None:
    state, others_ms = state_of(NOW_MS - 170 * DAY), None if others_days is None else NOW_MS - others_days * DAY
    assert follows_wall_clock("auto", state, NOW_MS, idle_s=idle_s, quiet_s=300, others_ms=others_ms) is follows


def test_the_quiet_time_restarts_with_every_event_and_every_model() -> None:
    rest = Rest()
    rest.look(10.0, is_idle=True, version=1)
    rest.look(14.0, is_idle=True, version=1)
    assert (rest.is_idle, rest.idle_s(14.0), rest.same_model_s(14.0)) == (True, 4.0, 4.0)
    rest.look(15.0, is_idle=True, version=2)
    assert (rest.idle_s(16.0), rest.same_model_s(16.0)) == (6.0, 1.0)
    rest.look(17.0, is_idle=False, version=2)
    assert (rest.is_idle, rest.idle_s(18.0), rest.same_model_s(18.0)) == (False, 0.0, 3.0)
