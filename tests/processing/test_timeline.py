"""Landmarks, labels and alerts against the oracle, which steps through time without shortcuts."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.events.kinds import EventKind
from stream.features.registry import FEATURE_NAMES
from stream.processing.rules import Rules
from stream.processing.scorer import WARMING
from tests.features.lists_of_events import BEGIN, DAY
from tests.oracle.event import Event
from tests.oracle.model import Linear
from tests.oracle.timeline import Policy, timeline
from tests.processing.frozen import SILENCE, scorer_of
from tests.processing.logs import CUSTOMERS, logs
from tests.processing.published import alarms_of, arrivals_of, contents, winbacks_of
from tests.processing.station import Log, Station


def grid_of(customer: str) -> int:
    return xxhash.xxh3_64_intdigest(customer.encode()) % Policy().period


RULES = Rules(silence_bound_ms=70 * DAY)
POLICY = Policy(silence_bound=70 * DAY)
#: The crossing is found to the second.
RESOLUTION_MS = 1000

#: Where the landmarks of "ada" lie.
FIRST_LANDMARK = next(
    at
    for at in range(BEGIN // POLICY.period * POLICY.period + grid_of("ada"), BEGIN + 30 * DAY, POLICY.period)
    if at > BEGIN
)

wild_models = st.builds(
    Linear,
    st.dictionaries(st.sampled_from(FEATURE_NAMES), st.floats(-3, 3), min_size=1, max_size=8),
    st.floats(-4, 4),
)


@given(logs(), st.integers(0, 120 * DAY))
@settings(max_examples=60, deadline=None)
def test_landmarks_and_labels_are_those_of_the_definition(log: Log, silence: int) -> None:
    station = Station(log, RULES, WARMING)
    station.finish()
    station.advance_to(station.stream_time_ms + silence)
    for customer, arrived in arrivals_of(log).items():
        expected = timeline(customer, arrived, POLICY, None, station.stream_time_ms)
        examples = contents(station.outgoing, "training-examples", customer)
        landmarks = [(e["at_ms"], e["x"]) for e in examples if e["kind"] == "observation"]
        labels = [(e["at_ms"], e["matured_at_ms"], e["churned"]) for e in examples if e["kind"] == "label"]
        assert landmarks == [(at, [inputs[name] for name in FEATURE_NAMES]) for at, inputs in expected.landmarks]
        assert labels == [(label.landmark, label.landmark + POLICY.horizon, label.churned) for label in expected.labels]


def assert_as_defined(log: Log, silence: int, rules: Rules, policy: Policy) -> None:
    station = Station(log, rules, scorer_of(SILENCE, stake_level=policy.stake_level))
    station.finish()
    station.advance_to(station.stream_time_ms + silence)
    for customer, arrived in arrivals_of(log).items():
        whole = timeline(customer, arrived, policy, SILENCE, station.stream_time_ms - RESOLUTION_MS)
        expected = whole.alarms
        found = alarms_of(station.outgoing, customer)
        late = [alarm for alarm in found[len(expected) :] if alarm.at < station.stream_time_ms - RESOLUTION_MS]
        assert not late
        for alarm, due in zip(found, expected, strict=False):
            assert (alarm.raised, alarm.cause) == (due.raised, due.cause)
            assert 0 <= alarm.at - due.at <= RESOLUTION_MS
        assert len(found) >= len(expected)
        assert winbacks_of(station.outgoing, customer) == whole.winbacks
        examples = contents(station.outgoing, "training-examples", customer)
        overdue = [example["at_ms"] for example in examples if example["kind"] == "overdue"]
        assert overdue[: len(whole.overdue)] == pytest.approx(whole.overdue, abs=2)
        assert all(at >= station.stream_time_ms - RESOLUTION_MS for at in overdue[len(whole.overdue) :])


@given(logs(), st.integers(0, 60 * DAY), st.sampled_from([0.0, 1.2]))
@settings(max_examples=40, deadline=None)
def test_alerts_are_raised_and_cleared_when_the_definition_says(log: Log, silence: int, overdue_at: float) -> None:
    assert_as_defined(log, silence, RULES._replace(overdue_at=overdue_at), replace(POLICY, overdue_at=overdue_at))


@given(logs(), st.integers(0, 60 * DAY), st.sampled_from([0.5, 1.5, 2.6]), st.sampled_from([0.0, 5.0, 40.0]))
@settings(max_examples=40, deadline=None)
def test_those_with_enough_at_stake_are_alerted_when_the_definition_says(
    log: Log, silence: int, overdue_at: float, stake_level: float
) -> None:
    rules = RULES._replace(overdue_at=overdue_at, alerts_per_week=20.0, min_orders=3)
    policy = replace(POLICY, overdue_at=overdue_at, per_week=20.0, stake_level=stake_level, min_orders=3)
    assert_as_defined(log, silence, rules, policy)


@given(logs(), wild_models, st.booleans())
@settings(max_examples=60, deadline=None)
def test_no_sign_of_life_raises_an_alert(log: Log, model: Linear, counted: bool) -> None:
    rules = RULES._replace(overdue_at=0.6, alerts_per_week=20.0 if counted else 0.0, min_orders=2)
    station = Station(log, rules, scorer_of(model, stake_level=0.0))
    station.finish()
    leaving = {"refunded", "cancelled", "complained", "unsubscribed"}
    for customer, arrived in arrivals_of(log).items():
        for alarm in alarms_of(station.outgoing, customer):
            if alarm.raised and alarm.cause == "event":
                kinds = {a.event.kind.name.lower().rpartition("_")[2] for a in arrived if a.seen_at == alarm.at}
                assert kinds & leaving


@given(logs(), wild_models, st.integers(0, 5), st.integers(0, 20 * DAY))
@settings(max_examples=100, deadline=None)
def test_under_any_model_alerts_alternate_keep_their_distance_and_need_orders(
    log: Log, model: Linear, min_orders: int, cooldown: int
) -> None:
    rules = RULES._replace(min_orders=min_orders, cooldown_ms=cooldown, raise_at=0.6, clear_at=0.4)
    station = Station(log, rules, scorer_of(model))
    station.finish()
    station.advance_to(station.stream_time_ms + 30 * DAY)
    for customer in CUSTOMERS:
        alarms = alarms_of(station.outgoing, customer)
        assert [alarm.raised for alarm in alarms] == [k % 2 == 0 for k in range(len(alarms))]
        assert all(before.at <= after.at for before, after in pairwise(alarms))
        raised = [alarm.at for alarm in alarms if alarm.raised]
        assert all(after - before >= cooldown for before, after in pairwise(raised))
        for alert in contents(station.outgoing, "alerts", customer):
            if alert["kind"] == "churn_risk.raised":
                assert alert["risk"] >= 0.6
            if alert["cleared_by"] == "risk":
                assert alert["risk"] < 0.4
            total = alert["baseline"] + sum(reason["contribution"] for reason in alert["reasons"]) + alert["rest"]
            assert total == pytest.approx(alert["logit"], abs=1e-6)


@given(logs(), wild_models)
@settings(max_examples=60, deadline=None)
def test_a_label_carries_the_risk_that_was_given_at_its_landmark(log: Log, model: Linear) -> None:
    station = Station(log, RULES, scorer_of(model, version=11))
    station.finish()
    for customer in CUSTOMERS:
        examples = contents(station.outgoing, "training-examples", customer)
        seen = {e["at_ms"]: e["x"] for e in examples if e["kind"] == "observation"}
        for label in (e for e in examples if e["kind"] == "label"):
            assert label["x"] == seen[label["at_ms"]]
            assert label["model_version"] == 11
            risk = risk_of(model, label["x"])
            assert label["risk"] == pytest.approx(risk, abs=1e-9)
            if 1e-9 < risk < 1.0 - 1e-9:
                assert label["logit"] == pytest.approx(1024 * math.log(risk / (1.0 - risk)), abs=0.51)


def risk_of(model: Linear, inputs: list[int]) -> float:
    named = dict(zip(FEATURE_NAMES, inputs, strict=True))
    return 1.0 / (1.0 + math.exp(-model.bias - sum(w * named[name] / 1024 for name, w in model.weights.items())))


def ordered(*times: int) -> Station:
    """Orders of "ada", and a view of "bob" much later."""
    log = [
        ("ada", Event(f"order-{k}", EventKind.ORDER_COMPLETED, at, f"order-{k}", 10_000)) for k, at in enumerate(times)
    ]
    station = Station([*log, ("bob", Event("view", EventKind.PAGE_VIEWED, BEGIN + 60 * DAY))], RULES, WARMING)
    station.finish()
    return station


def landmarks_of(station: Station) -> list[int]:
    """Where "ada" was observed."""
    examples = contents(station.outgoing, "training-examples", "ada")
    return [example["at_ms"] for example in examples if example["kind"] == "observation"]


@pytest.mark.parametrize(("after_ms", "seen"), [(-1, 2), (0, 2), (1, 1)])
def test_a_landmark_sees_the_events_up_to_its_very_millisecond(after_ms: int, seen: int) -> None:
    station = ordered(BEGIN, FIRST_LANDMARK + after_ms)
    first = contents(station.outgoing, "training-examples", "ada")[0]
    assert first["at_ms"] == FIRST_LANDMARK
    assert first["x"][FEATURE_NAMES.index("purchases_total")] == round(math.log1p(seen) * 1024)


@pytest.mark.parametrize(
    ("at", "churned"),
    [
        (FIRST_LANDMARK, True),
        (FIRST_LANDMARK + 1, False),
        (FIRST_LANDMARK + POLICY.horizon, False),
        (FIRST_LANDMARK + POLICY.horizon + 1, True),
    ],
)
def test_a_label_asks_for_an_order_after_the_landmark_and_within_the_horizon(at: int, *, churned: bool) -> None:
    station = ordered(BEGIN, at)
    labels = [e for e in contents(station.outgoing, "training-examples", "ada") if e["kind"] == "label"]
    assert (labels[0]["at_ms"], labels[0]["churned"]) == (FIRST_LANDMARK, churned)


def test_landmarks_end_with_the_silence_bound_and_go_on_with_the_next_event() -> None:
    station = ordered(BEGIN, BEGIN + 200 * DAY)
    landmarks = [
        e["at_ms"] for e in contents(station.outgoing, "training-examples", "ada") if e["kind"] == "observation"
    ]
    quiet = [at for at in landmarks if at <= BEGIN + 200 * DAY]
    assert quiet == list(range(FIRST_LANDMARK, BEGIN + RULES.silence_bound_ms + 1, POLICY.period))
    station.advance_to(BEGIN + 400 * DAY)
    landmarks = [
        e["at_ms"] for e in contents(station.outgoing, "training-examples", "ada") if e["kind"] == "observation"
    ]
    again = [at for at in landmarks if at > BEGIN + 200 * DAY]
    assert all((at - FIRST_LANDMARK) % POLICY.period == 0 for at in again)
    assert BEGIN + 200 * DAY < again[0] <= BEGIN + 207 * DAY
    assert again[-1] <= BEGIN + 200 * DAY + RULES.silence_bound_ms < again[-1] + POLICY.period
    # the remaining timer: the customer will count as lost three gaps of 115 days after the last order
    assert [*station.timers] == ["ada"]
    station.advance_to(BEGIN + 600 * DAY)
    assert station.timers == {}
