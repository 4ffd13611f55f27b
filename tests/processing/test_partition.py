"""One partition's step: pure until it is accepted, and every record accounted for."""

import math
from base64 import b64encode
from datetime import datetime

import orjson
import pytest

from stream.errors import CodecError
from stream.events.kinds import EventKind
from stream.processing.document import packed_state
from stream.processing.kernel import Kernel
from stream.processing.outgoing import Topics
from stream.processing.partition import Partition
from stream.processing.profile_cache import ENTRY_BYTES
from stream.processing.rules import Rules
from stream.processing.scorer import WARMING, Scorer
from stream.processing.state import PartitionState
from tests.features.lists_of_events import BEGIN, DAY
from tests.oracle.event import Event
from tests.oracle.model import Linear
from tests.processing.frozen import SILENCE, scorer_of
from tests.processing.published import contents
from tests.processing.runs import TOPICS, order, taken, view
from tests.processing.station import EVERYTHING, NOW_MS, Station

RULES = Rules(overdue_at=1.0)


def partition(cache_bytes: int = EVERYTHING) -> Partition:
    return Partition(5, RULES, Kernel(RULES), Topics(), TOPICS, cache_bytes)


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
    one = partition(cache_bytes=2 * (ENTRY_BYTES + 120))
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
    assert outcome.fired == {"landmark": 1, "maturity": 0, "silence": 0, "stage": 0}


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


def test_a_scorer_without_a_model_raises_nothing() -> None:
    station = Station([order("ada", str(k), k) for k in range(5)], RULES, Scorer(WARMING.model, None))
    station.finish()
    station.advance_to(BEGIN + 300 * DAY)
    assert station.counters.alerts_raised == 0
    assert "risk" not in orjson.loads(station.documents["ada"])


def test_an_erasure_or_release_that_is_not_accepted_leaves_the_next_step_as_it_was() -> None:
    stored = Station([order("ada", "a", 0)], RULES, WARMING)
    stored.finish()
    run = taken([order("ada", "b", 3)])
    one = partition()
    one.remember(["ada"], [stored.documents["ada"]])
    expected = one.step(run, WARMING, NOW_MS)
    one.erase(["ada"], WARMING, NOW_MS)
    one.release(["ada"], WARMING, NOW_MS)
    missing = one.missing(["ada"])
    one.remember(missing, [stored.documents[customer] for customer in missing])
    assert one.step(run, WARMING, NOW_MS) == expected
