"""What is compared of a run follows from its settings and from its log."""

import math

import pytest

from stream.settings import Settings
from tests.faults.event_log import made_log
from tests.faults.scope import Scope

LOG = made_log(1, customers=5)
NEWEST_MS = max(event.at for events in LOG.truth.values() for event in events)
COUNTERS = dict.fromkeys(
    ("events_in", "applied", "duplicates", "dead_letters", "forwarded", "customers", "labels", "landmarks"), 1
)


def scope(*, clock: str = "event", freeze_model: bool = True) -> Scope:
    return Scope.of(Settings(clock=clock, freeze_model=freeze_model), LOG)


def test_with_a_frozen_model_and_the_clock_of_the_log_everything_is_compared() -> None:
    everything = scope()
    assert everything.is_everything
    assert everything.counters({"alerts_raised": 3}) == {"alerts_raised": 3}
    assert everything.binds("alerts", "a", {"occurred_at": "2099-01-01T00:00:00Z"})


def test_a_live_model_leaves_alerts_out_and_what_it_said_of_examples() -> None:
    live = scope(freeze_model=False)
    assert not live.binds("alerts", "a", {"occurred_at": "2024-01-01T00:00:00Z"})
    assert live.binds("dead-letters", "d", {})
    assert live.compared("training-examples", {"x": [1], "risk": 0.5, "model_version": 7}) == {"x": [1]}
    assert live.binds_example("c@0:label")
    assert not live.binds_example("c@0:overdue")
    assert scope().binds_example("c@0:overdue")
    assert live.counters({**COUNTERS, "alerts_raised": 3}) == COUNTERS


@pytest.mark.parametrize("hours", [2, 4])
def test_the_wall_clock_leaves_the_last_hours_out(hours: int) -> None:
    wall = scope(clock="auto")
    at_ms = NEWEST_MS - hours * 3_600_000
    assert wall.binds_example(f"c@{at_ms}") is (hours == 4)
    assert wall.binds_example(f"c@{at_ms - round(wall.horizon_ms)}:label") is (hours == 4)
    assert "labels" not in wall.counters(COUNTERS)
    assert not math.isinf(wall.until_ms)


def test_what_the_release_before_does_not_know_is_left_out_where_it_writes() -> None:
    both = Scope.of(Settings(clock="event", freeze_model=True), LOG, two_releases=True)
    assert both.is_everything
    assert both.counters({"applied": 3, "stage_changes": 2}) == {"applied": 3}
    assert not both.binds("stages", "s", {"occurred_at": "2024-01-01T00:00:00Z"})
    assert both.binds("alerts", "a", {"occurred_at": "2024-01-01T00:00:00Z"})
    assert scope().counters({"stage_changes": 2}) == {"stage_changes": 2}
