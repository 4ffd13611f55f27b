"""One partition's step: pure until it is accepted, and every record accounted for."""

import json
import math
from base64 import b64encode
from datetime import datetime

import numpy as np
import orjson
import pytest

from stream.catalogue.events import KERNEL_TYPES
from stream.errors import CodecError
from stream.events.decode import Decoder
from stream.events.kinds import EventKind, EventType
from stream.processing.align import Aligner, Taken
from stream.processing.document import packed_state
from stream.processing.isolation import isolate
from stream.processing.kernel import Kernel
from stream.processing.outgoing import Topics
from stream.processing.partition import Partition
from stream.processing.rules import Rules
from stream.processing.scorer import WARMING, Scorer
from stream.processing.state import Outgoing, PartitionState
from tests.features.lists_of_events import BEGIN, DAY
from tests.oracle.event import Event
from tests.oracle.model import Linear
from tests.oracle.record import Record, logs_of
from tests.processing.frozen import SILENCE, scorer_of
from tests.processing.published import contents
from tests.processing.station import EVERYTHING, NOW_MS, Log, Station

RULES = Rules(overdue_at=1.0)
TOPICS = [event_type.value for event_type in KERNEL_TYPES]


def partition(cache_customers: int = EVERYTHING) -> Partition:
    return Partition(5, RULES, Kernel(RULES), Topics(), TOPICS, cache_customers)


def taken(log: Log) -> Taken:
    aligner = Aligner(len(TOPICS))
    logs = logs_of(log)
    for source, event_type in enumerate(KERNEL_TYPES):
        if records := logs[event_type]:
            decoded = Decoder().decode(event_type, records)
            aligner.push(source, None, np.arange(len(records)), records, decoded)
    run = aligner.take([True] * len(TOPICS), EVERYTHING)
    assert run is not None
    return run


def view(customer: str, name: str, days: float) -> tuple[str, Event]:
    return customer, Event(name, EventKind.PAGE_VIEWED, BEGIN + int(days * DAY))


def order(customer: str, name: str, days: float, amount: int = 100_000) -> tuple[str, Event]:
    return customer, Event(name, EventKind.ORDER_COMPLETED, BEGIN + int(days * DAY), f"order-{name}", amount)


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


def test_a_step_has_no_effect_before_it_is_accepted() -> None:
    run = taken([order("ada", "a", 0), order("ada", "b", 3), view("bob", "c", 4)])
    one = partition()
    one.remember(["ada", "bob"], [None, None])
    first = one.step(run, scorer_of(SILENCE), NOW_MS)
    second = one.step(run, scorer_of(SILENCE), NOW_MS)
    assert first == second
    assert one.state == PartitionState()
    one.accept(first)
    assert one.state == first.state
    assert one.step(run, scorer_of(SILENCE), NOW_MS).duplicates == {0: 1, 1: 0, 2: 2}


def test_the_cache_keeps_the_customers_that_were_touched_last() -> None:
    one = partition(cache_customers=2)
    for day, customer in enumerate(["ada", "bob", "cleo", "bob", "dan"]):
        missing = one.missing([customer])
        one.remember(missing, [None] * len(missing))
        one.accept(one.step(taken([view(customer, f"{customer}-{day}", day)]), WARMING, NOW_MS))
    assert one.cached == 2
    assert one.missing(["ada", "bob", "cleo", "dan", "ada"]) == ["ada", "cleo"]


def test_timers_of_customers_without_a_document_are_dropped() -> None:
    one = partition()
    one.remember(["ada"], [None])
    one.accept(one.step(taken([view("ada", "a", 0)]), WARMING, NOW_MS))
    one.remember(["gone"], [None])
    one.at_time(BEGIN + 8 * DAY, live=False)
    outcome = one.sweep(["ada", "gone"], WARMING, NOW_MS)
    assert outcome.idle == ["gone"]
    assert list(outcome.documents) == ["ada"]
    assert outcome.fired == {"landmark": 1, "maturity": 0, "silence": 0}


def test_documents_of_customers_without_a_timer_are_named_whether_or_not_that_is_news() -> None:
    one = partition()
    one.remember(["ada", "bob"], [None, None])
    first = one.step(taken([view("ada", "a", 0), view("bob", "b", 100)]), WARMING, NOW_MS)
    assert (sorted(first.timers), first.idle, first.retired) == (["ada", "bob"], [], [])
    one.accept(first)
    one.at_time(BEGIN + 200 * DAY, live=False)
    silent = one.sweep(["ada"], WARMING, NOW_MS)
    assert (silent.idle, silent.retired, [*silent.documents]) == (["ada"], ["ada"], ["ada"])
    one.accept(silent)
    again = one.sweep(["ada", "bob"], WARMING, NOW_MS)
    assert (again.idle, again.retired, [*again.documents]) == ([], ["ada"], ["ada", "bob"])
    one.accept(again)
    back = one.step(taken([view("ada", "c", 201)]), WARMING, NOW_MS)
    assert ([*back.timers], back.idle, back.retired) == (["ada"], [], [])


@pytest.mark.parametrize("document", [b"", b"{}", b"[]", b'{"state":5}', b'{"state":"???"}', b'{"state":"AQ"}'])
def test_a_document_without_a_state_is_refused(document: bytes) -> None:
    with pytest.raises(CodecError):
        packed_state(document)


def test_stored_profiles_that_are_damaged_or_of_another_customer_are_set_aside_before_their_step() -> None:
    stored = Station([view(customer, customer, 0) for customer in ("ada", "bob", "cleo")], RULES, WARMING)
    stored.finish()
    changed = bytearray(packed_state(stored.documents["ada"]))
    changed[len(changed) // 2] ^= 1
    one = partition()
    damaged = one.remember(
        ["ada", "bob", "cleo"],
        [
            b'{"state":"%s"}' % b64encode(changed),
            b'{"state":"%s"}' % b64encode(packed_state(stored.documents["ada"])),
            stored.documents["cleo"],
        ],
    )
    assert [error.customer for error in damaged] == ["ada", "bob"]
    run = one.set_aside(taken([view(customer, f"{customer}-2", 1) for customer in ("ada", "bob", "cleo")]))
    outcome = one.step(run, WARMING, NOW_MS)
    assert [*outcome.documents] == ["cleo"]
    assert outcome.state.quarantined.keys() == {"ada", "bob"}
    assert [reason.value for _, reason in outcome.rejected] == ["quarantined", "quarantined"]


def test_stream_time_never_goes_back() -> None:
    one = partition()
    assert one.at_time(1000, live=True)
    assert not one.at_time(1000, live=True)
    assert not one.at_time(999, live=True)
    assert one.state.stream_time_ms == 1000


def test_a_crossing_that_only_the_new_model_sees_is_caused_by_the_model() -> None:
    calm, worried = Linear({}, bias=-5.0), Linear({}, bias=5.0)
    log = [order("ada", "a", 0), order("ada", "b", 1), view("bob", "c", 2)]
    one = partition()
    one.remember(["ada", "bob"], [None, None])
    one.accept(one.step(taken(log), scorer_of(calm, version=1), NOW_MS))
    # the next order is due after half of one day and the 30 of a shop
    one.at_time(BEGIN + 26 * DAY, live=False)
    one.accept(one.sweep(["ada"], scorer_of(calm, version=1), NOW_MS))
    one.at_time(BEGIN + 34 * DAY, live=False)
    outcome = one.sweep(["ada"], scorer_of(worried, version=2), NOW_MS)
    [alert] = contents(outcome.outgoing, "alerts", "ada")
    assert (alert["cause"], alert["model_version"]) == ("model", 2)
    assert outcome.alerts == {("raised", "model", "critical"): 1}
    assert outcome.state.counters.raised_by_model == 1


def test_an_alert_and_the_document_agree_on_what_is_at_stake() -> None:
    refund = ("ada", Event("r", EventKind.ORDER_REFUNDED, BEGIN + DAY // 2, "order-a", 400_000))
    log = [order("ada", "a", 0, 900_000), refund, order("ada", "b", 1, 600_000)]
    station = Station(log, RULES, scorer_of(Linear({}, bias=5.0)))
    station.finish()
    # the next order is due on day 16.5
    station.advance_to(BEGIN + 16 * DAY + 13 * DAY // 24)
    [alert] = contents(station.outgoing, "alerts", "ada")
    document = orjson.loads(station.documents["ada"])
    assert document["as_of"] == alert["occurred_at"]
    assert alert["value_at_risk"] == document["value_at_risk"]
    # 90 less 40 sent back, and 60, since the first order; 30 days without an order count as well; of 28 days to come
    tenure_days = (datetime.fromisoformat(alert["occurred_at"]).timestamp() * 1000 - BEGIN) / DAY
    risk = 1 / (1 + math.exp(-5.0))
    assert alert["value_at_risk"] == round(risk * (90.0 - 40.0 + 60.0) / (tenure_days + 30.0) * 28.0, 2)


def test_reasons_write_amounts_as_the_shop_does() -> None:
    log = [order("ada", "a", 0, 900_000), order("ada", "b", 1, 600_000)]
    spender = scorer_of(Linear({"spend_28d": -0.1}, bias=5.0))
    station = Station(log, RULES, spender, money=lambda amount: f"EUR {amount:.0f}")
    station.finish()
    station.advance_to(BEGIN + 17 * DAY)
    [alert] = contents(station.outgoing, "alerts", "ada")
    assert [reason["sentence"] for reason in alert["reasons"]] == ["EUR 150 spent in the last 28 days."]


class Choked:
    """A step that cannot take some customers."""

    def __init__(self, *poison: str) -> None:
        self.poison = set(poison)
        self.calls = 0

    def __call__(self, part: Taken) -> None:
        self.calls += 1
        if self.poison.intersection(part.customer_ids):
            raise ValueError(f"cannot\nprocess {sorted(self.poison.intersection(part.customer_ids))}")


def test_the_events_that_break_a_step_are_found_by_halving() -> None:
    log = [view(f"customer-{k}", f"e{k}", k / 10) for k in range(200)]
    run = taken([*log, *[view("customer-0", "more", 30)]])
    choked = Choked("customer-17", "customer-90")
    good = isolate(run, choked)
    assert len(good.events) == 199
    assert [rejection.reason.value for *_, rejection in good.rejections] == ["processing_failed"] * 2
    assert {record.key for _, record, _ in good.rejections} == {b"customer-17", b"customer-90"}
    assert all("\n" not in rejection.detail for *_, rejection in good.rejections)
    assert choked.calls < 40
    assert (good.next_offsets, good.finished) == (run.next_offsets, run.finished)
    assert good.records_in == run.records_in


def test_a_step_that_fails_without_events_is_not_the_events_fault() -> None:
    run = taken([view("ada", "a", 0), view("bob", "b", 1)])

    def broken(part: Taken) -> None:
        if len(part.events) == 2:
            raise ValueError("only together")

    assert isolate(run, broken).rejections == []


def test_a_scorer_without_a_model_raises_nothing() -> None:
    station = Station([order("ada", str(k), k) for k in range(5)], RULES, Scorer(WARMING.model, None))
    station.finish()
    station.advance_to(BEGIN + 300 * DAY)
    assert station.counters.alerts_raised == 0
    assert "risk" not in orjson.loads(station.documents["ada"])
