"""A horizon that follows the shop: landmarks are judged by the horizon of their own time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.events.kinds import EventKind
from stream.processing.rules import NO_MODEL, Rules
from stream.processing.scorer import Scorer
from tests.features.lists_of_events import BEGIN, DAY
from tests.oracle.event import Event
from tests.oracle.timeline import Policy, timeline
from tests.processing.logs import logs
from tests.processing.published import arrivals_of, contents
from tests.processing.station import Log, Station

FOLLOWING = Rules(follows=True, silence_horizons=3)


def scorer_with(*periods: tuple[int, int]) -> Scorer:
    """No model yet, and horizons (ms) from the given times on."""
    since, lengths = np.array(periods, np.int64).T
    return Scorer(NO_MODEL._replace(horizon_since=since, horizon_ms=lengths), None)


def labels_of(station: Station, customer: str) -> list[tuple[int, int, bool]]:
    examples = contents(station.outgoing, "training-examples", customer)
    return [(e["at_ms"], e["matured_at_ms"], e["churned"]) for e in examples if e["kind"] == "label"]


schedules = st.lists(
    st.tuples(st.integers(0, 150), st.sampled_from([28, 56, 91])),
    min_size=1,
    max_size=4,
    unique_by=lambda period: period[0],
).map(lambda periods: [(0, 28 * DAY), *((BEGIN + day * DAY, days * DAY) for day, days in sorted(periods))])


@given(logs(), schedules, st.integers(0, 200 * DAY))
@settings(max_examples=40, deadline=None)
def test_labels_are_those_of_the_definition(log: Log, schedule: list[tuple[int, int]], silence: int) -> None:
    station = Station(log, FOLLOWING, scorer_with(*schedule))
    station.finish()
    station.advance_to(station.stream_time_ms + silence)
    policy = Policy(later=tuple(schedule), silence_bound=3 * schedule[-1][1])
    for customer, arrived in arrivals_of(log).items():
        expected = timeline(customer, arrived, policy, None, station.stream_time_ms)
        assert labels_of(station, customer) == [
            (label.landmark, label.landmark + policy.horizon_of(label.landmark), label.churned)
            for label in expected.labels
        ]


@given(logs(), schedules, st.lists(st.integers(1, 9), min_size=5, max_size=30))
@settings(max_examples=40, deadline=None)
def test_how_the_log_is_cut_does_not_matter(log: Log, schedule: list[tuple[int, int]], sizes: list[int]) -> None:
    at_once, piecemeal = (Station(log, FOLLOWING, scorer_with(*schedule)) for _ in range(2))
    at_once.finish()
    for size in sizes:
        piecemeal.step(size)
        if size % 3 == 0:
            piecemeal.restart(cache_bytes=size // 4 * 600, chunk=size)
    piecemeal.finish()
    end = at_once.stream_time_ms + 300 * DAY
    at_once.advance_to(end)
    for moment in range(at_once.stream_time_ms - 290 * DAY, end + 1, 19 * DAY):
        piecemeal.advance_to(moment)
    piecemeal.advance_to(end)
    assert at_once.documents == piecemeal.documents
    assert at_once.per_customer() == piecemeal.per_customer()


def order(day: float) -> Event:
    return Event(f"order-{day}", EventKind.ORDER_COMPLETED, BEGIN + round(day * DAY), f"order-{day}", 10_000)


@pytest.mark.parametrize("before", [28, 91])
def test_a_fixed_horizon_takes_no_notice_of_a_schedule(before: int) -> None:
    log: Log = [("ada", order(0)), ("ada", order(3))]
    fixed = Rules(horizon_ms=28 * DAY, silence_bound_ms=84 * DAY)
    station, plain = Station(log, fixed, scorer_with((0, before * DAY))), Station(log, fixed, Scorer(NO_MODEL, None))
    for one in (station, plain):
        one.finish()
        one.advance_to(BEGIN + 200 * DAY)
    assert station.per_customer() == plain.per_customer()


def test_a_shorter_horizon_that_becomes_known_late_says_over_what_time_it_was_measured() -> None:
    """Landmarks whose new maturity has passed mature at once, over all orders that are known by then."""
    log: Log = [("ada", order(0)), ("ada", order(60))]
    station = Station(log, FOLLOWING, scorer_with((0, 91 * DAY)))
    station.finish()
    assert labels_of(station, "ada") == []
    station.change_scorer(scorer_with((0, 91 * DAY), (BEGIN, 28 * DAY)))
    # earlier timers are checked again at the next landmark, at most a week later
    station.advance_to(BEGIN + 68 * DAY)
    found = labels_of(station, "ada")
    assert found
    for landmark, matured, churned in found:
        assert matured >= landmark + 28 * DAY
        assert churned is (landmark >= BEGIN + 60 * DAY or matured < BEGIN + 60 * DAY)


def test_a_longer_horizon_lets_pending_landmarks_wait() -> None:
    log: Log = [("ada", order(0)), ("ada", order(20))]
    station = Station(log, FOLLOWING, scorer_with((0, 28 * DAY)))
    station.finish()
    station.change_scorer(scorer_with((0, 28 * DAY), (BEGIN + 10 * DAY, 91 * DAY)))
    station.advance_to(BEGIN + 200 * DAY)
    lengths = {landmark: (matured - landmark) // DAY for landmark, matured, _ in labels_of(station, "ada")}
    assert {days for at, days in lengths.items() if at < BEGIN + 10 * DAY} == {28}
    assert {days for at, days in lengths.items() if at >= BEGIN + 10 * DAY} == {91}


def test_the_rules_under_a_model_have_the_horizon_in_force() -> None:
    model = scorer_with((0, 28 * DAY), (BEGIN, 56 * DAY)).model
    assert FOLLOWING.under(model).horizon_ms == 56 * DAY
    assert FOLLOWING.under(model).silence_bound_ms == 168 * DAY
    assert FOLLOWING.under(NO_MODEL) == FOLLOWING
    fixed = Rules(horizon_ms=14 * DAY)
    assert fixed.under(model) == fixed
