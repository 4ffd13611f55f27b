"""Refused events of a step become dead letters, and change nothing else."""

import json

from stream.events.kinds import EventKind, EventType
from stream.processing.rules import Rules
from stream.processing.scorer import WARMING
from stream.processing.state import Outgoing
from tests.features.lists_of_events import BEGIN, DAY
from tests.oracle.event import Event
from tests.oracle.record import Record
from tests.processing.frozen import SILENCE, scorer_of
from tests.processing.runs import order, view
from tests.processing.station import Station

RULES = Rules(overdue_at=1.0)


def headers_of(record: Outgoing) -> dict[str, bytes | None]:
    return dict(record.headers)


def test_an_event_that_comes_too_late_is_dead_lettered_with_its_own_bytes() -> None:
    late = view("ada", "late", 0)
    station = Station([view("ada", "new", 91), late], RULES, WARMING)
    station.finish()
    [letter] = [record for record in station.outgoing if record.topic == "dead-letters"]
    headers = headers_of(letter)
    assert (headers["dlq.reason"], headers["dlq.topic"], headers["dlq.offset"]) == (b"too_late", b"click", b"1")
    assert letter.key == b"ada"
    assert json.loads(letter.value or b"")["event_id"] == "late"
    assert (station.counters.applied, station.counters.dead_letters) == (1, 1)


def refund(customer: str, name: str, order_name: str, days: float, amount: int | None = None) -> tuple[str, Event]:
    return customer, Event(name, EventKind.ORDER_REFUNDED, BEGIN + int(days * DAY), f"order-{order_name}", amount)


def test_a_refund_without_an_amount_of_an_order_that_is_not_known_is_a_dead_letter() -> None:
    log = [order("ada", "a", 0), refund("ada", "back", "b", 1), order("ada", "b", 2), refund("ada", "again", "b", 3)]
    station = Station(log, RULES, WARMING)
    station.finish()
    [letter] = [record for record in station.outgoing if record.topic == "dead-letters"]
    headers = headers_of(letter)
    assert headers["dlq.reason"] == b"unknown_order"
    assert b"send the amount" in (headers["dlq.detail"] or b"")
    assert (station.counters.applied, station.counters.dead_letters) == (3, 1)
    assert json.loads(station.documents["ada"])["orders"] == 2


def test_a_customer_whose_only_event_is_refused_does_not_come_into_being() -> None:
    log = [refund("bob", "back", "b", 0), order("ada", "a", 1), refund("zoe", "back", "z", 1), view("ada", "c", 30)]
    station = Station(log, RULES, scorer_of(SILENCE))
    station.finish()
    alone = Station([order("ada", "a", 1), view("ada", "c", 30)], RULES, scorer_of(SILENCE))
    alone.finish()
    assert station.documents == alone.documents
    assert [*station.timers] == ["ada"]
    assert (station.counters.customers, station.counters.dead_letters) == (1, 2)
    station.advance_to(BEGIN + 200 * DAY)
    alone.advance_to(BEGIN + 200 * DAY)
    assert station.documents == alone.documents
    published = {key: records for key, records in station.per_customer().items() if key[0] != "dead-letters"}
    assert published == alone.per_customer()


def test_dead_letters_of_a_step_are_in_the_order_of_their_log_whatever_is_wrong_with_them() -> None:
    unreadable = (EventType.CLICK, Record(b"ada", b"{broken", BEGIN + 92 * DAY))
    station = Station([view("ada", "new", 91), view("ada", "late", 0), unreadable], RULES, WARMING)
    station.finish()
    letters = [headers_of(record) for record in station.outgoing if record.topic == "dead-letters"]
    assert [letter["dlq.offset"] for letter in letters] == [b"1", b"2"]
    assert [letter["dlq.reason"] for letter in letters] == [b"too_late", b"malformed_json"]


def test_a_run_of_nothing_but_bad_records_moves_the_offsets_only() -> None:
    bad = [(EventType.EMAIL, Record(b"ada", None, 0)), (EventType.EMAIL, Record(None, b"{}", 0))]
    station = Station(bad, RULES, WARMING)
    assert station.step()
    assert not station.step()
    assert station.documents == {}
    assert [headers_of(record)["dlq.reason"] for record in station.outgoing] == [b"null_value", b"null_key"]
    assert (station.counters.events_in, station.counters.dead_letters) == (2, 2)
    assert not station.sweep()
