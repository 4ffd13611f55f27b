"""Complaints that wait for an answer: against a list of events in any order, and the timers of second alerts."""

from collections.abc import Sequence
from random import Random

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.alerts.alert_records import AlertKind, Cause
from stream.alerts.severity import Severity
from stream.projections.complaints import MAX_CASES, Cases, Complaints
from stream.projections.folding import Outcome, Part
from stream.projections.timer_names import timer_of
from stream.settings import Settings
from tests.oracle.record import Record
from tests.projections.stepping import SteppedPartition

HOUR_MS = 3_600_000
NOW_MS = 1_767_225_600_000
SETTINGS = Settings(complaint_again_h=24.0)
FEEDBACK, ACTIONS = 0, 1


def said(number: int, name: str, hour: float, ticket: str | None = None, customer: str = "a", **more: str) -> Record:
    body: dict[str, object] = {
        "event_id": f"e{number}",
        "customer_id": customer,
        "occurred_at": NOW_MS / 1000 + hour * 3600,
        "name": name,
        **({"ticket_id": ticket} if ticket else {}),
        **more,
    }
    return Record(customer.encode(), orjson.dumps(body), offset=number, timestamp=NOW_MS + 1000 * HOUR_MS)


def acted(number: int, action: str, hour: float, customer: str = "a") -> Record:
    body = {
        "action_id": f"a{number}",
        "customer_id": customer,
        "action": action,
        "occurred_at": NOW_MS / 1000 + hour * 3600,
    }
    return Record(customer.encode(), orjson.dumps(body), offset=number, timestamp=NOW_MS + 1000 * HOUR_MS)


class CaseStore:
    """Keeps the same state of a projection as the real store."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.own = SteppedPartition(Complaints(settings))
        self.partition, self.stored, self.timers = self.own.partition, self.own.stored, self.own.timers

    def step(self, source: int, records: Sequence[Record]) -> Outcome:
        return self.own.step(Part(source, records, 0), now_ms=NOW_MS)

    def fire(self, hour: float) -> Outcome:
        return self.own.fire(at_ms(hour), NOW_MS)

    def cases(self, customer: str = "a") -> Cases:
        return msgspec.json.decode(self.stored[customer], type=Cases)


def at_ms(hour: float) -> int:
    return round(NOW_MS + hour * HOUR_MS)


def test_a_complaint_is_told_at_once_and_again_when_nobody_acts() -> None:
    store = CaseStore()
    complained = said(1, "complained", 0, "t-1", order_id="o-7", channel="email")
    first = store.step(FEEDBACK, [complained])
    (alert,) = first.alerts
    assert (alert.kind, alert.cause, alert.severity) == (AlertKind.COMPLAINT, Cause.EVENT, Severity.WARNING)
    assert alert.sentence == "Complained about order o-7 by email."
    assert (alert.risk, alert.heard and alert.heard.open_hours) == (None, 0.0)
    (record,) = first.outgoing
    assert (record.topic, record.key) == ("alerts", b"a")
    assert dict(record.headers)["ce_type"] == b"customer-stream.complaint.open"
    assert orjson.loads(record.value or b"")["emitted_at"] == "2026-01-01T00:00:00.000Z"
    assert store.timers == {timer_of("a", "t-1"): at_ms(24)}
    assert store.fire(24).alerts == []
    before = dict(store.stored)
    (again,) = store.fire(25).alerts
    assert (again.cause, again.severity) == (Cause.SILENCE, Severity.CRITICAL)
    assert again.sentence == "Complained about order o-7 by email 24 hours ago; nobody has acted."
    assert again.occurred_at == "2026-01-02T00:00:00.000Z"
    assert again.alert_id != alert.alert_id
    assert again.heard is not None
    assert again.heard.open_hours == 24.0
    # firing does not change the state, and happens once
    assert store.stored == before
    assert store.timers == {}
    # the same complaint again causes no alert
    assert store.step(FEEDBACK, [complained]).alerts == []
    assert store.timers == {}


@pytest.mark.parametrize("action", ["contacted", "offer_accepted", "false_alarm"])
def test_an_action_is_an_answer_and_leaves_the_case_open(action: str) -> None:
    store = CaseStore()
    store.step(FEEDBACK, [said(1, "complained", 2)])
    store.step(ACTIONS, [acted(1, action, 1)])
    assert store.timers == {timer_of("a", "e1"): at_ms(26)}
    store.step(ACTIONS, [acted(2, action, 3)])
    assert (store.timers, [*store.cases().open]) == ({}, ["e1"])
    # a later one is a case of its own
    assert len(store.step(FEEDBACK, [said(2, "complained", 4)]).alerts) == 1
    assert store.timers == {timer_of("a", "e2"): at_ms(28)}


def test_a_ticket_closes_its_complaint_and_people_close_all() -> None:
    store = CaseStore()
    told = [said(1, "complained", 0, "t-1"), said(2, "complained", 1), said(3, "asked", 2, "t-3"), said(4, "asked", 2)]
    store.step(FEEDBACK, told)
    assert {ticket: case.name for ticket, case in store.cases().open.items()} == {
        "t-1": "complained",
        "e2": "complained",
        "t-3": "asked",
    }
    assert store.timers.keys() == {timer_of("a", "t-1"), timer_of("a", "e2")}
    store.step(FEEDBACK, [said(5, "resolved", 3, "t-1")])
    assert [*store.cases().open] == ["e2", "t-3"]
    store.step(ACTIONS, [acted(1, "resolved", 1.5)])
    assert ([*store.cases().open], store.timers) == (["t-3"], {})


def test_no_second_alert_is_wanted_with_zero_hours() -> None:
    store = CaseStore(Settings(complaint_again_h=0.0))
    assert len(store.step(FEEDBACK, [said(1, "complained", 0)]).alerts) == 1
    assert store.timers == {}


def test_an_erased_customer_has_no_timer() -> None:
    store = CaseStore()
    store.step(FEEDBACK, [said(1, "complained", 0), said(2, "complained", 0, customer="b")])
    store.own.accept(store.partition.without(store.partition.erase(["a"])))
    assert ([*store.stored], [*store.timers]) == (["b"], [timer_of("b", "e2")])


def test_an_invalid_action_is_skipped_because_the_notifier_reports_it() -> None:
    outcome = CaseStore().step(ACTIONS, [acted(1, "danced", 0), acted(2, "contacted", 0)])
    assert (outcome.folded, outcome.skipped, outcome.rejected, outcome.outgoing) == (1, 1, (), [])


def test_only_the_newest_cases_are_kept() -> None:
    store = CaseStore()
    store.step(FEEDBACK, [said(k, "complained", k) for k in range(MAX_CASES + 3)])
    assert [*store.cases().open] == [f"e{k}" for k in range(3, MAX_CASES + 3)]
    assert len(store.timers) == MAX_CASES


happened = st.lists(
    st.tuples(
        st.sampled_from(["complained", "asked", "resolved", "contacted", "all resolved"]),
        st.integers(0, 30),
        st.sampled_from(["t-1", "t-2", "t-3"]),
    ),
    max_size=14,
)


@given(happened, st.randoms(use_true_random=False), st.lists(st.integers(1, 4), max_size=14))
def test_the_state_and_its_timers_do_not_depend_on_the_order_of_events(
    told: list[tuple[str, int, str]], random: Random, sizes: list[int]
) -> None:
    records = []
    for number, (what, hour, ticket) in enumerate(told):
        if what in {"contacted", "all resolved"}:
            action = "contacted" if what == "contacted" else "resolved"
            records.append((ACTIONS, acted(number, action, hour)))
        else:
            records.append((FEEDBACK, said(number, what, hour, ticket)))
    random.shuffle(records)
    store = CaseStore()
    for source, record in records:
        store.step(source, [record])
    solved = max((hour for what, hour, _ in told if what == "all resolved"), default=-1)
    answered = max((hour for what, hour, _ in told if what in {"contacted", "all resolved"}), default=-1)
    opened: dict[str, int] = {}
    for ticket in ("t-1", "t-2", "t-3"):
        newest = [(hour, what) for what, hour, of in told if of == ticket and what in {"complained", "asked"}]
        closed = max((hour for what, hour, of in told if of == ticket and what == "resolved"), default=-1)
        if newest and max(newest)[0] > max(closed, solved):
            opened[ticket] = max(newest)[0]
    found = store.cases() if told else Cases()
    assert {ticket: case.at_ms for ticket, case in found.open.items()} == {
        ticket: at_ms(hour) for ticket, hour in opened.items()
    }
    complained = {ticket: case.name == "complained" for ticket, case in found.open.items()}
    assert store.timers == {
        timer_of("a", ticket): at_ms(hour + 24)
        for ticket, hour in opened.items()
        if complained[ticket] and hour > answered
    }
    # in steps of any size the state is the same
    cut = CaseStore()
    left = list(records)
    while left:
        size = sizes.pop() if sizes else 3
        part, left = left[:size], left[size:]
        for source in (FEEDBACK, ACTIONS):
            if of_source := [record for one, record in part if one == source]:
                cut.step(source, of_source)
    assert cut.stored.keys() == store.stored.keys()


def test_a_label_is_no_answer_to_a_complaint() -> None:
    store = CaseStore()
    store.step(0, [said(0, "complained", 0)])
    before = dict(store.stored)
    label = orjson.loads(acted(0, "labelled", 1).value or b"") | {"event_id": "e0", "category": "delivery"}
    store.step(1, [Record(b"a", orjson.dumps(label), offset=0, timestamp=NOW_MS + 1000 * HOUR_MS)])
    assert store.stored == before


def test_a_label_begins_no_state() -> None:
    store = CaseStore()
    label = orjson.loads(acted(0, "labelled", 1).value or b"") | {"event_id": "e0", "category": "delivery"}
    store.step(1, [Record(b"a", orjson.dumps(label), offset=0, timestamp=NOW_MS)])
    assert store.stored == {}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["complained", "asked", "resolved", "contacted", "all resolved"]),
            st.sampled_from(["t-1", "t-2"]),
            st.sampled_from(["a", "b"]),
        ),
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_the_cases_of_two_ids_add_up_to_those_of_one(events: list[tuple[str, str, str]], random: Random) -> None:
    apart, whole = CaseStore(), CaseStore()
    hours = random.sample(range(100), len(events))
    for number, ((name, ticket, customer), hour) in enumerate(zip(events, hours, strict=True)):
        for store, who in ((apart, customer), (whole, "a")):
            if name in {"contacted", "all resolved"}:
                store.step(ACTIONS, [acted(number, name.removeprefix("all "), hour, who)])
            else:
                store.step(FEEDBACK, [said(number, name, hour, ticket, who)])
    found = Cases(customer_id="a" if events else "")
    for who in apart.stored:
        found.absorb(apart.cases(who))
    assert found == (whole.cases() if events else Cases())
