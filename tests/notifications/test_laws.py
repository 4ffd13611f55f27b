"""Laws of schedules, quiet hours, budgets, groups, backoffs, lines and ledgers."""

import itertools
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.notifications.backoff import ServerBackoff, backoff_ms
from stream.notifications.hold_out import is_held_out
from stream.notifications.lane import allowance
from stream.notifications.offset_ledger import OffsetLedger
from stream.notifications.routing import Route
from stream.notifications.waiting_line import Delivery, WaitingLine
from stream.notifications.wall_time import DAY_MINUTES, DayPeriod, Schedule, is_quiet, local_day, opened_share
from tests.notifications.rig import alert

MINUTE_MS = 60_000
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"]).map(
    ZoneInfo
)
# years with changes of clocks in every zone that has them
INSTANTS = st.integers(1_735_689_600_000, 1_830_297_600_000)
PERIODS = st.builds(
    DayPeriod,
    st.integers(0, DAY_MINUTES - 1),
    st.integers(0, DAY_MINUTES),
    st.frozensets(st.integers(0, 6), min_size=1),
)
SCHEDULES = st.builds(Schedule, ZONES, st.integers(1, DAY_MINUTES)) | st.builds(
    Schedule,
    ZONES,
    st.just(0),
    st.lists(st.integers(0, DAY_MINUTES - 1), min_size=1, max_size=4).map(tuple),
)


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@given(SCHEDULES, INSTANTS)
def test_the_first_instant_of_a_schedule_is_not_before_and_is_its_own_first(schedule: Schedule, now_ms: int) -> None:
    due_ms = schedule.first(now_ms)
    assert now_ms <= due_ms <= now_ms + 2 * DAY_MINUTES * MINUTE_MS
    assert schedule.first(due_ms) == due_ms


@given(SCHEDULES, INSTANTS, st.integers(0, 3 * DAY_MINUTES * MINUTE_MS))
def test_a_schedule_never_turns_back(schedule: Schedule, now_ms: int, later_ms: int) -> None:
    assert schedule.first(now_ms) <= schedule.first(now_ms + later_ms)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-06-01T05:59:00+00:00", "2026-06-01T06:00:00+00:00"),
        ("2026-06-01T06:00:01+00:00", "2026-06-02T06:00:00+00:00"),
        ("2026-12-01T06:00:00+00:00", "2026-12-01T07:00:00+00:00"),  # winter
        ("2026-03-29T00:00:00+00:00", "2026-03-29T06:00:00+00:00"),  # the day clocks go forward
    ],
)
def test_eight_o_clock_follows_the_wall_clock(now: str, due: str) -> None:
    assert Schedule(ZoneInfo("Europe/Berlin"), at_minutes=(480,)).first(at(now)) == at(due)


def test_a_time_that_clocks_skip_or_repeat_comes_once_that_day() -> None:
    schedule = Schedule(ZoneInfo("Europe/Berlin"), at_minutes=(150,))  # 02:30
    for first in ("2026-03-28T12:00:00+00:00", "2026-10-24T12:00:00+00:00"):
        instants = []
        now_ms = at(first)
        for _ in range(3):
            now_ms = schedule.first(now_ms + 1)
            instants.append(datetime.fromtimestamp(now_ms / 1000, ZoneInfo("Europe/Berlin")).date())
        assert [later - earlier for earlier, later in itertools.pairwise(instants)] == [timedelta(1)] * 2


@given(PERIODS, ZONES, INSTANTS)
def test_quiet_hours_follow_the_wall_clock(period: DayPeriod, zone: ZoneInfo, now_ms: int) -> None:
    local = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone)
    minute = local.hour * 60 + local.minute
    expected = False
    for begin, day in ((0, local.weekday()), (DAY_MINUTES, (local.weekday() - 1) % 7)):
        if day in period.days:
            end = period.end if period.start < period.end else period.end + DAY_MINUTES
            expected |= period.start <= minute + begin < end
    assert is_quiet([period], zone, now_ms) is expected


def test_quiet_hours_are_an_hour_shorter_or_longer_when_clocks_change() -> None:
    night = [DayPeriod(19 * 60, 8 * 60, frozenset(range(7)))]
    zone = ZoneInfo("Europe/Berlin")

    def quiet_minutes(start: str) -> int:
        return sum(is_quiet(night, zone, at(start) + minute * MINUTE_MS) for minute in range(DAY_MINUTES))

    assert quiet_minutes("2026-06-01T12:00:00+02:00") == 13 * 60
    assert quiet_minutes("2026-03-28T12:00:00+01:00") == 12 * 60
    assert quiet_minutes("2026-10-24T12:00:00+02:00") == 14 * 60


@given(st.lists(PERIODS, max_size=3).map(tuple), ZONES, INSTANTS, st.integers(1, 1000))
def test_a_budget_opens_in_steps_up_to_all_of_it_within_a_day(
    periods: tuple[DayPeriod, ...], zone: ZoneInfo, now_ms: int, per_day: int
) -> None:
    day = local_day(zone, now_ms)
    opened = []
    for minute in range(-DAY_MINUTES, DAY_MINUTES, 7):
        then_ms = now_ms + minute * MINUTE_MS
        if local_day(zone, then_ms) == day:
            opened.append(allowance(per_day, opened_share(periods, zone, then_ms)))
    assert opened == sorted(opened)
    assert opened[0] >= 0
    assert opened[-1] <= per_day
    if not periods:
        assert opened[0] >= 1


def test_a_budget_is_all_open_when_the_last_quiet_hours_begin() -> None:
    night = (DayPeriod(19 * 60, 8 * 60, frozenset(range(7))),)
    zone = ZoneInfo("Europe/Berlin")
    shares = [opened_share(night, zone, at(f"2026-06-01T{clock}:00+02:00")) for clock in ("07:59", "13:29", "18:59")]
    assert shares == [0.0, 0.5, 1.0]


@given(st.text(), st.text(), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_holds_out_the_same_customers_and_more(
    customer: str, salt: str, share: float, other: float
) -> None:
    smaller, larger = sorted((share, other))
    assert is_held_out(customer, salt, larger) or not is_held_out(customer, salt, smaller)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_the_share_held_out_is_the_share_asked_for(share: float) -> None:
    count = sum(is_held_out(f"customer-{number}", "2026", share) for number in range(20_000))
    # five standard deviations of a binomial
    assert abs(count - 20_000 * share) < 5 * (20_000 * share * (1 - share)) ** 0.5


def test_another_salt_draws_another_group() -> None:
    first, second = ({n for n in range(10_000) if is_held_out(str(n), salt, 0.1)} for salt in ("a", "b"))
    assert 50 < len(first & second) < 150  # 1 % by chance


@given(st.integers(1, 2000), st.floats(0.01, 60), st.floats(0.01, 600), st.integers())
def test_a_wait_is_between_half_and_all_of_the_doubled_time(
    failures: int, first_s: float, longest_s: float, seed: int
) -> None:
    whole_ms = 1000 * min(first_s * 2.0 ** min(failures - 1, 60), longest_s)
    assert whole_ms / 2 - 1 <= backoff_ms(failures, first_s, longest_s, Random(seed)) <= whole_ms + 1


def test_waits_for_a_server_grow_to_half_a_minute_and_start_again_after_an_answer() -> None:
    backoff = ServerBackoff(Random(1))
    waits_s = [backoff.failed() for _ in range(20)]
    assert 0.25 <= waits_s[0] <= 0.5
    assert all(15.0 <= wait_s <= 30.0 for wait_s in waits_s[6:])
    backoff.succeeded()
    assert backoff.failures == 0
    assert 0.25 <= backoff.failed() <= 0.5


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 100)), max_size=30), st.integers(0, 100))
def test_a_line_gives_those_that_are_ready_by_attempts_value_and_age(
    waiting: list[tuple[int, int, int]], now_ms: int
) -> None:
    line = WaitingLine()
    entries = []
    for number, (attempts, value, ready_ms) in enumerate(waiting):
        raised = alert(number, value_at_risk=float(value))
        delivery = Delivery(raised, b"", Route("c", "r", "t"), 0, 0, attempts=attempts)
        line.put(delivery, ready_ms)
        if number % 5 == 4:
            line.remove(delivery)
        else:
            entries.append((attempts, -value, ready_ms, number, delivery))
    taken = []
    while (delivery_or_none := line.take(now_ms)) is not None:
        taken.append(delivery_or_none)
    expected = sorted((e for e in entries if e[2] <= now_ms), key=lambda e: (e[0], e[1], e[3]))
    assert taken == [entry[4] for entry in expected]
    assert len(line) == len(entries) - len(expected) == len([*line])


@given(st.lists(st.integers(0, 3), min_size=1, max_size=20), st.randoms())
def test_a_ledger_commits_up_to_the_first_record_that_is_not_done(parts: list[int], random: Random) -> None:
    ledger = OffsetLedger()
    left = {}
    for offset, count in enumerate(parts, 100):
        ledger.enter("t", 0, offset, count)
        left[offset] = count
    todo = [offset for offset, count in left.items() for _ in range(count)]
    random.shuffle(todo)
    for done in [None, *todo]:
        if done is not None:
            ledger.done("t", 0, done)
            left[done] -= 1
        expected = next((offset for offset, count in left.items() if count), 100 + len(parts))
        ledger.uncommitted([("t", 0)])
        assert dict(ledger.committable()) == {("t", 0): expected}
        ledger.committed(ledger.committable())
        assert not ledger.committable()


def test_a_dropped_partition_is_forgotten() -> None:
    ledger = OffsetLedger()
    ledger.enter("t", 0, 7, 1)
    ledger.enter("t", 1, 3, 0)
    ledger.drop([("t", 0)])
    ledger.done("t", 0, 7)
    assert dict(ledger.committable()) == {("t", 1): 4}
