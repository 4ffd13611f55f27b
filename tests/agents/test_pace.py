"""When a partition has come to rest, and when the wall clock moves its time."""

import pytest
from hypothesis import given
from hypothesis.strategies import booleans, floats, integers, lists, sampled_from, tuples

from stream.agents.pace import Rest, follows_wall_clock
from stream.processing.state import PartitionState
from tests.features.lists_of_events import DAY
from tests.processing.station import NOW_MS


def state_of(newest_ms: int | None, *, live: bool = False) -> PartitionState:
    return PartitionState(stream_time_ms=newest_ms, live=live)


SILENT = state_of(NOW_MS - 170 * DAY)


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
    ("days_ago", "idle_s", "follows"),
    [([1], 300, True), ([200, 89], 300, True), ([1], 299, False), ([91, 400], 10**9, False), ([], 10**9, False)],
)
def test_a_partition_whose_customers_have_long_been_silent_follows_where_the_shop_is_open(
    days_ago: list[int], idle_s: float, follows: bool
) -> None:
    times = [NOW_MS - days * DAY for days in days_ago]
    assert follows_wall_clock("auto", SILENT, NOW_MS, idle_s=idle_s, quiet_s=300, shop_times=lambda: times) is follows


@given(lists(integers(90 * DAY + 1, 2000 * DAY), min_size=1), floats(0, 1e9))
def test_no_partition_of_a_log_of_the_past_follows(ages_ms: list[int], idle_s: float) -> None:
    times = [NOW_MS - age_ms for age_ms in ages_ms]
    for at_ms in times:
        assert not follows_wall_clock(
            "auto", state_of(at_ms), NOW_MS, idle_s=idle_s, quiet_s=0, shop_times=lambda: times
        )


@given(integers(3_600_001, 1000 * DAY), floats(0, 1e9))
def test_a_time_ahead_of_the_clock_is_no_sign_of_an_open_shop(ahead_ms: int, idle_s: float) -> None:
    """One event of a producer in 2090 must not take the other partitions of a replay into the present."""
    assert not follows_wall_clock(
        "auto", SILENT, NOW_MS, idle_s=idle_s, quiet_s=0, shop_times=lambda: [NOW_MS + ahead_ms]
    )


@given(
    lists(tuples(integers(0, 200), booleans()), min_size=1, max_size=6),
    sampled_from((0.0, 299.0, 300.0, 1e6)),
)
def test_at_rest_all_partitions_of_an_open_shop_follow_however_they_are_shared_out(
    partitions: list[tuple[int, bool]], idle_s: float
) -> None:
    """What counts is what is stored of all; which worker owns a partition, or whether one does, is not asked."""
    states = [state_of(NOW_MS - days * DAY, live=live) for days, live in partitions]
    times = [state.stream_time_ms or 0 for state in states]
    is_open = any(days <= 90 for days, _ in partitions)
    for number, state in enumerate(states):
        follows = follows_wall_clock("auto", state, NOW_MS, idle_s=idle_s, quiet_s=300, shop_times=lambda: times)
        assert follows is (state.live or partitions[number][0] == 0 or (is_open and idle_s >= 300))


@pytest.mark.parametrize(
    ("clock", "state", "idle_s"),
    [
        ("wall", PartitionState(stream_time_ms=0), 10**9),
        ("event", PartitionState(stream_time_ms=0), 10**9),
        ("auto", PartitionState(stream_time_ms=None), 10**9),
        ("auto", PartitionState(stream_time_ms=NOW_MS - 91 * DAY), 299),
        ("auto", PartitionState(stream_time_ms=NOW_MS - 89 * DAY), 300),
        ("auto", PartitionState(stream_time_ms=0, live=True), 300),
    ],
)
def test_other_partitions_are_asked_for_only_where_the_answer_depends_on_them(
    clock: str, state: PartitionState, idle_s: float
) -> None:
    def asked() -> list[int]:
        raise AssertionError("asked for without need")

    follows_wall_clock(clock, state, NOW_MS, idle_s=idle_s, quiet_s=300, shop_times=asked)


def test_the_quiet_time_restarts_with_every_event_and_every_model() -> None:
    rest = Rest()
    rest.look(10.0, is_idle=True, version=1)
    rest.look(14.0, is_idle=True, version=1)
    assert (rest.is_idle, rest.idle_s(14.0), rest.same_model_s(14.0)) == (True, 4.0, 4.0)
    rest.look(15.0, is_idle=True, version=2)
    assert (rest.idle_s(16.0), rest.same_model_s(16.0)) == (6.0, 1.0)
    rest.look(17.0, is_idle=False, version=2)
    assert (rest.is_idle, rest.idle_s(18.0), rest.same_model_s(18.0)) == (False, 0.0, 3.0)
