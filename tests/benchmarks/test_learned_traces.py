"""What one person moves in the models is the largest change for all others."""

import math

import pytest

from benchmarks.learned_traces import Learned, moved, part_of, persons_of
from stream.events.kinds import EventType
from stream.events.log_event import LogEvent

EVERYBODY = Learned({"a": 0.5, "b": 0.25, "c": 0.1}, {"a": "x", "b": "y", "c": "x"}, (1.0, 2.0))


def test_the_change_is_that_of_the_others() -> None:
    without = Learned({"a": 0.5, "b": 0.26}, {"a": "x", "b": "x"}, (1.0, 1.5))
    found = moved(EVERYBODY, without)
    assert (found.risk, found.segments, found.process) == pytest.approx((0.01, 0.5, 0.5))
    nothing = Learned({"a": 0.5, "b": 0.25}, {"a": "x", "b": "y"}, (1.0, 2.0))
    assert moved(EVERYBODY, nothing) == (0.0, 0.0, 0.0, 0.0)


def test_who_has_no_risk_yet_does_not_hide_the_others() -> None:
    without = Learned({"a": math.nan, "b": 0.3}, {"a": "x", "b": "y"}, (1.0, 2.0))
    assert moved(EVERYBODY, without).risk == pytest.approx(0.05)


def test_half_of_the_persons_are_those_with_the_most_events() -> None:
    events = [LogEvent(EventType.CLICK, f"c-{k}", number, b"{}") for k in range(20) for number in range(k + 1)]
    persons = persons_of(events, 4)
    assert persons[:2] == ["c-19", "c-18"]
    assert len({*persons}) == 4
    part = part_of(events, 4)
    assert 0 < len(part) < len(events)
    assert all(event in part for event in events if event.customer_id in {one.customer_id for one in part})
