"""Predictions about a customer, against checking every moment and against carrying them out."""

import math
import os
import subprocess
import sys
from typing import Any

import numpy as np
import orjson
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stream.events.kinds import EventKind
from stream.processing.rules import Rules
from tests.features.lists_of_events import BEGIN, DAY
from tests.oracle.event import Event
from tests.oracle.features import features_at
from tests.oracle.habit import habit_of
from tests.processing.frozen import SILENCE, scorer_of
from tests.processing.published import contents
from tests.processing.station import Station

RULES = Rules(min_orders=2, overdue_at=1.0)
gaps = st.lists(st.integers(1, 20), min_size=3, max_size=12)


def orders_after(gaps_days: list[int], customer: str = "ada") -> list[tuple[str, Event]]:
    times = BEGIN + np.cumsum([0, *gaps_days]) * DAY
    return [
        (customer, Event(f"{customer}-{k}", EventKind.ORDER_COMPLETED, int(at), f"{customer}-{k}", 50_000))
        for k, at in enumerate(times)
    ]


def risk_at(log: list[tuple[str, Event]], at: int) -> float:
    return SILENCE.risk(features_at([event for _, event in log], at))


def document_of(station: Station) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(station.documents["ada"])
    return found


@given(gaps)
@settings(max_examples=40, deadline=None)
def test_the_day_of_the_crossing_is_foreseen_weeks_before(gaps_days: list[int]) -> None:
    log = orders_after(gaps_days)
    last = log[-1][1].at
    station = Station(log, RULES, scorer_of(SILENCE))
    station.finish()
    station.advance_to(station.timers["ada"] + 1)
    document = document_of(station)
    assume(not document["alert"])
    assume(epoch_of(document["as_of"]) > last)
    days = range(epoch_of(document["as_of"]), last + RULES.silence_bound_ms, DAY)
    habit = habit_of([event for _, event in log])
    assert habit is not None
    first = last + int(habit.usual * DAY)
    end = last + max(int(3 * habit.usual * DAY), RULES.horizon_ms)
    brute = next((at for at in days if at >= first - DAY and risk_at(log, at) >= RULES.raise_at), None)
    assume(brute is not None and brute < end - 2 * DAY)
    assert brute is not None
    foreseen = epoch_of(document["at_risk_from"])
    # the foreseen day is known to a day; the cooldown may forbid an earlier alert
    cooled = max((epoch_of(alert["occurred_at"]) for alert in raised(station)), default=0) + RULES.cooldown_ms
    assert abs(foreseen - max(brute, cooled)) <= DAY
    station.advance_to(foreseen + 2 * DAY)
    fired = epoch_of(raised(station)[-1]["occurred_at"])
    assert abs(fired - foreseen) <= DAY
    assert "at_risk_from" not in document_of(station)


def raised(station: Station) -> list[dict[str, Any]]:
    alerts = contents(station.outgoing, "alerts", "ada")
    return [alert for alert in alerts if alert["kind"] == "churn_risk.raised"]


def epoch_of(instant: str) -> int:
    return int(np.datetime64(instant.removesuffix("Z"), "ms").astype(np.int64))


def test_an_order_cancels_the_prediction() -> None:
    log = orders_after([9, 9, 9])
    last = log[-1][1].at
    again = ("ada", Event("again", EventKind.ORDER_COMPLETED, last + 8 * DAY, "again", 50_000))
    station = Station([*log, again], RULES, scorer_of(SILENCE))
    station.step(len(log))
    station.advance_to(last + 8 * DAY - 1)
    assert "at_risk_from" in document_of(station)
    station.finish()
    document = document_of(station)
    assert "at_risk_from" not in document or epoch_of(document["at_risk_from"]) <= last + 15 * DAY


@given(gaps)
@settings(max_examples=30, deadline=None)
def test_the_remedy_of_an_alert_is_the_risk_that_an_order_leaves(gaps_days: list[int]) -> None:
    log = orders_after(gaps_days)
    station = Station(log, RULES, scorer_of(SILENCE))
    station.finish()
    station.advance_to(log[-1][1].at + 90 * DAY)
    alert = raised(station)[-1]
    at = epoch_of(alert["occurred_at"])
    bought = [*log, ("ada", Event("one more", EventKind.ORDER_COMPLETED, at, "one more", 50_000))]
    remedy = alert["remedy"]
    known = [entry for entry in bought if entry[1].at <= at]
    assert math.isclose(remedy["risk_after_order"], risk_at(known, at), abs_tol=2e-3)
    assert remedy["clears"]
    assert remedy["sentence"].startswith("An order today clears the alert")


def remedies() -> list[float]:
    """The risk after an order, of each alert raised over a fixed log."""
    log = orders_after([9, 6, 9, 40, 5, 5, 60, 9, 9])
    station = Station(log, RULES, scorer_of(SILENCE))
    station.finish()
    station.advance_to(log[-1][1].at + 90 * DAY)
    return [alert["remedy"]["risk_after_order"] for alert in raised(station)]


def test_a_remedy_does_not_depend_on_memory_that_was_given_back() -> None:
    """Other threads take such memory at any time. Here the C library overwrites it at once."""
    printed = subprocess.run(
        [sys.executable, "-c", "from tests.processing.test_foresight import remedies; print(remedies())"],
        env={**os.environ, "MALLOC_PERTURB_": "165"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert len(remedies()) >= 2
    assert printed.strip() == str(remedies())


def test_an_alert_recalls_the_last_calm_score_and_what_changed() -> None:
    log = orders_after([6, 6, 6, 6])
    last = log[-1][1].at
    station = Station(log, RULES, scorer_of(SILENCE))
    station.finish()
    station.advance_to(last + 60 * DAY)
    alert = raised(station)[-1]
    calm = alert["calm"]
    landmarks = [
        (e["at_ms"], e["x"])
        for e in contents(station.outgoing, "training-examples", "ada")
        if e["kind"] == "observation" and e["at_ms"] < epoch_of(alert["occurred_at"])
    ]
    quiet = [at for at, _ in landmarks if risk_at([entry for entry in log if entry[1].at <= at], at) < RULES.clear_at]
    assert epoch_of(calm["at"]) == quiet[-1]
    assert calm["risk"] < RULES.clear_at
    assert calm["changes"][0]["feature"] == "days_since_purchase"
    assert calm["changes"][0]["sentence"].startswith("Days since the last order: ")
    rises = [change["contribution"] for change in calm["changes"]]
    assert rises == sorted(rises, reverse=True)
    assert min(rises) > 0
