"""Stages against the oracle, which steps through time; their records and their view."""

from dataclasses import replace

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from stream.alerts.alert_records import StageChange
from stream.cli.contracts import schema_of
from stream.events.kinds import EventKind
from stream.features.codec import LAYOUT, LAYOUT_BEFORE
from stream.features.stages import STAGE_NAMES
from stream.processing.rules import Rules
from stream.processing.scorer import WARMING
from tests.features.lists_of_events import BEGIN, DAY
from tests.oracle.event import Event
from tests.oracle.stages import Move, stages_of
from tests.processing.frozen import SILENCE, scorer_of
from tests.processing.logs import CUSTOMERS, logs
from tests.processing.published import arrivals_of, contents, epoch_ms
from tests.processing.station import Log, Station

HORIZON = 28 * DAY
RULES = Rules(silence_bound_ms=70 * DAY, horizon_ms=HORIZON)
SCHEMA = Draft202012Validator(schema_of(StageChange), format_checker=Draft202012Validator.FORMAT_CHECKER)
#: Of a gap that the oracle finds by halving.
CLOSE_MS = 5


def moves_of(station: Station, customer: str) -> list[Move]:
    changes = contents(station.outgoing, "stages", customer)
    return [Move(c["from"], c["to"], c["cause"], epoch_ms(c["occurred_at"])) for c in changes]


@given(logs(), st.integers(0, 300 * DAY), st.booleans())
@settings(max_examples=150, deadline=None)
def test_stages_are_those_of_the_rules(log: Log, silence: int, is_scored: bool) -> None:
    station = Station(log, RULES, scorer_of(SILENCE) if is_scored else WARMING)
    station.finish()
    station.advance_to(station.stream_time_ms + silence)
    for customer, arrived in arrivals_of(log).items():
        expected = stages_of(arrived, HORIZON, station.stream_time_ms)
        found = moves_of(station, customer)
        assert [move[:3] for move in found] == [move[:3] for move in expected]
        assert [move.at for move in found] == pytest.approx([move.at for move in expected], abs=CLOSE_MS)
        document = orjson.loads(station.documents[customer])
        assert (document["stage"], document["stage_why"]) == (expected[-1].to, expected[-1].cause)
        assert epoch_ms(document["stage_since"]) == found[-1].at // 1000 * 1000


@given(logs())
@settings(max_examples=30, deadline=None)
def test_published_changes_form_a_chain_and_fit_the_contract(log: Log) -> None:
    station = Station(log, RULES, WARMING)
    station.finish()
    station.advance_to(station.stream_time_ms + 400 * DAY)
    for customer in CUSTOMERS:
        changes = contents(station.outgoing, "stages", customer)
        for change in changes:
            SCHEMA.validate(change)
        assert [change["from"] for change in changes[1:]] == [change["to"] for change in changes[:-1]]
        assert len({change["change_id"] for change in changes}) == len(changes)
        # nobody stays in a stage that ends by itself: after a year all changes are published
        assert not changes or changes[-1]["to"] in {"lead", "lost"}
    assert station.timers == {}


def orders(*days: float, customer: str = "ada") -> Log:
    return [
        (customer, Event(f"order-{k}", EventKind.ORDER_COMPLETED, BEGIN + int(day * DAY), f"order-{k}", 10_000))
        for k, day in enumerate(days)
    ]


def after(station: Station) -> list[tuple[str, float]]:
    """Stage and day of each change of "ada"."""
    return [(move.to, (move.at - BEGIN) / DAY) for move in moves_of(station, "ada")]


def test_a_life_from_the_first_click_to_the_way_back() -> None:
    click = ("ada", Event("click", EventKind.PAGE_VIEWED, BEGIN - DAY))
    station = Station([click, *orders(0, 10, 20, 30, 150, 155)], RULES, WARMING)
    station.finish()
    assert after(station) == [
        ("lead", -1.0),
        ("new", 0.0),
        ("active", 10.0),
        ("due", 40.0),
        ("at_risk", 45.0),
        ("lapsed", 50.0),
        ("lost", pytest.approx(60.0, abs=1e-6)),
        ("won_back", 150.0),
        ("active", 155.0),
    ]
    told = contents(station.outgoing, "stages", "ada")
    assert [change["why"] for change in told] == [
        "Known, and no order yet.",
        "First order.",
        "Ordered again.",
        "No order for 10 days; usually every 10.",
        "No order for 15 days; usually every 10.",
        "No order for 20 days; usually every 10.",
        "No order for 30 days; usually every 10.",
        "Ordered again after having been lost.",
        "Ordered again.",
    ]


def test_who_orders_twice_on_the_day_of_the_way_back_is_won_back_all_day() -> None:
    station = Station(orders(0, 10, 20, 150, 150.1), RULES, WARMING)
    station.finish()
    assert after(station)[-1] == ("won_back", 150.0)


def test_a_late_order_returns_nobody_to_an_earlier_stage() -> None:
    late = Event("late", EventKind.ORDER_COMPLETED, BEGIN + 45 * DAY, "late", 10_000)
    station = Station([*orders(0, 10, 20, 30), *orders(61, customer="bob"), ("ada", late)], RULES, WARMING)
    station.finish()
    assert after(station)[-2:] == [("lost", pytest.approx(60.0, abs=1e-6)), ("at_risk", 61.0)]


def test_a_cancelled_order_makes_a_lead_of_a_customer() -> None:
    cancelled = ("ada", Event("cancel", EventKind.ORDER_CANCELLED, BEGIN + DAY, "order-0"))
    station = Station([*orders(0), cancelled], RULES, WARMING)
    station.finish()
    assert [(move.to, move.cause) for move in moves_of(station, "ada")] == [("new", "order"), ("lead", "correction")]


def test_without_room_in_the_stored_layout_there_are_no_stages_and_then_they_are_taken_up() -> None:
    log = [*orders(0, 10, 20), *orders(0, customer="bob")]
    station = Station(log, RULES, WARMING)
    station._kernel.layout = LAYOUT_BEFORE
    station.finish()
    station.advance_to(BEGIN + 36 * DAY)
    assert not contents(station.outgoing, "stages", "ada")
    assert "stage" not in orjson.loads(station.documents["ada"])
    station._kernel.layout = LAYOUT
    station.restart()
    station.advance_to(BEGIN + 60 * DAY)
    (taken_up, *later) = contents(station.outgoing, "stages", "ada")
    # as of when they were last looked at: at the landmark in the week before
    assert (taken_up["from"], taken_up["to"], taken_up["cause"]) == (None, "due", "silence")
    assert epoch_ms(taken_up["since"]) == BEGIN + 30 * DAY
    assert BEGIN + 30 * DAY < epoch_ms(taken_up["occurred_at"]) < BEGIN + 36 * DAY
    assert [change["to"] for change in later] == ["at_risk", "lapsed", "lost"]


def test_the_contract_names_the_stages() -> None:
    named = schema_of(StageChange)["$defs"]["StageChange"]["properties"]["to"]["enum"]
    assert {*named} == {*STAGE_NAMES}


def test_a_longer_gap_of_the_shop_reverts_no_stage() -> None:
    scorer = scorer_of(SILENCE)
    log = [*orders(0), ("ada", Event("view", EventKind.PAGE_VIEWED, BEGIN + 32 * DAY))]
    station = Station(log, RULES, scorer)
    station.step(1)
    station.advance_to(BEGIN + 31 * DAY)
    slow = replace(scorer, model=scorer.model._replace(shop_gap_days=60.0))
    station.change_scorer(slow)
    station.finish()
    station.advance_to(BEGIN + 95 * DAY)
    assert [stage for stage, _ in after(station)] == ["new", "due", "at_risk"]
    assert after(station)[-1][1] == 90.0
