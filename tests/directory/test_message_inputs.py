"""The fields of documents and alerts that the directory uses, by their contracts."""

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from stream.alerts.alert_records import Alert, AlertKind, Cause, Heard, alert_id
from stream.alerts.feedback_alerts import complaint
from stream.alerts.severity import Severity
from stream.catalogue.outputs import Customer, NextOrder, Rfm
from stream.console.languages import catalogue_of
from stream.console.what_happened import detail_in_words, entry_in_words
from stream.directory.message_inputs import inputs_of
from stream.directory.timeline import Document, TimelineEntry
from stream.events.columns import MONEY_SCALE
from stream.events.kinds import EventType
from stream.identity.departures import AGAIN, ARRIVED_AS, edition_header
from stream.reporting.words import Words
from stream.settings import Settings

SETTINGS = Settings(topic_prefix="shop.")
AT = "2026-01-02T03:04:05.678Z"
AT_MS = round(datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC).timestamp() * 1000)


@dataclass(frozen=True)
class CameRecord:
    key: bytes
    value: bytes | None
    timestamp: int = AT_MS
    offset: int = 0
    headers: tuple[tuple[str, bytes | None], ...] = ()


def read(topic: str, *values: bytes | None) -> tuple[list[object], int]:
    """The messages, and how many records were refused."""
    found = inputs_of(SETTINGS)[topic].read([CameRecord(b"c-1", value) for value in values])
    return [message for _, message in found.keyed], len(found.rejections)


def document(**more: object) -> bytes:
    least = Customer(
        customer_id="c-1",
        as_of=AT,
        model_version=3,
        alert=False,
        events=7,
        orders=2,
        spend=40.25,
        first_at=AT,
        last_at=AT,
        features={"tenure": 12.0},
    )
    return msgspec.json.encode(msgspec.structs.replace(least, **more))


def test_a_document_fills_the_columns_of_its_customer() -> None:
    full = document(
        risk=0.25,
        value_at_risk=12.34,
        expected_spend=49.36,
        lifetime_value=100.0,
        segment="loyal",
        stage="at_risk",
        stage_since=AT,
        stage_why="silence",
        rfm=Rfm(recency=1, frequency=2, money=3, value=2.3, tier="middle"),
        next_order=NextOrder(at=AT, begin=AT, until=AT),
        reasons={"days_since_purchase": 0.5},
        unsubscribed_at=AT,
        usual_gap_days=14.0,
    )
    ((told, least), refused) = read("shop.customers", full, document())
    assert refused == 0
    assert told == Document(
        "c-1",
        {
            "as_of_ms": AT_MS,
            "document_events": 7,
            "stage": "at_risk",
            "stage_since_ms": AT_MS,
            "stage_why": "silence",
            "tier": "middle",
            "segment": "loyal",
            "risk": 0.25,
            "value_at_risk": 123_400,
            "expected_spend": 493_600,
            "lifetime_value": 100 * MONEY_SCALE,
            "usual_gap_days": 14.0,
            "next_order_ms": AT_MS,
            "next_order_from_ms": AT_MS,
            "next_order_until_ms": AT_MS,
            "unsubscribed_ms": AT_MS,
            "alert": False,
            "reasons": {"days_since_purchase": 0.5},
        },
    )
    assert isinstance(least, Document)
    assert least.columns.keys() == told.columns.keys()
    known = {name: value for name, value in least.columns.items() if value is not None}
    assert known == {"as_of_ms": AT_MS, "document_events": 7, "alert": False}


def test_an_alert_is_an_entry_with_its_sentence() -> None:
    alert = Alert(
        alert_id=alert_id("1", "c-1", AlertKind.WINBACK, "event:1"),
        kind=AlertKind.WINBACK,
        severity=Severity.INFO,
        customer_id="c-1",
        sentence="Looked at the shop again.",
        risk=None,
        threshold=None,
        previous_risk=None,
        cause=Cause.EVENT,
        segment=None,
        value_at_risk=0.0,
        reasons=(),
        logit=None,
        baseline=None,
        rest=None,
        calm=None,
        remedy=None,
        model_version=0,
        occurred_at=AT,
        emitted_at=AT,
    )
    ((entry,), refused) = read("shop.alerts", msgspec.json.encode(alert))
    assert refused == 0
    assert isinstance(entry, TimelineEntry)
    assert (entry.source, entry.at_ms, entry.name) == ("alert", AT_MS, "winback.opportunity")
    assert entry.detail == {"sentence": "Looked at the shop again.", "severity": "info", "cause": "event"}


def test_an_alert_about_a_complaint_keeps_what_it_is_about_for_other_languages() -> None:
    heard = Heard(feedback_id="f-1", said_at=AT, order_id="o-7", channel="email")
    alert = replace(complaint("c-1", heard, AT_MS), emitted_at=AT)
    ((entry,), refused) = read("shop.alerts", msgspec.json.encode(alert))
    assert refused == 0
    assert isinstance(entry, TimelineEntry)
    german = Words(catalogue_of("de"), str)
    assert entry_in_words(entry, german) == "Warnung: Eine Beschwerde wartet auf Antwort"
    assert detail_in_words(entry, german) == "Beschwerde zur Bestellung o-7 per E-Mail."


def test_a_stage_keeps_the_figures_of_its_sentence() -> None:
    change: dict[str, object] = {
        "change_id": "s-1",
        "customer_id": "c-1",
        "from": "due",
        "to": "at_risk",
        "cause": "silence",
        "why": "x",
    }
    change |= {"since": AT, "occurred_at": AT, "emitted_at": AT, "days_since_order": 86.4, "usual_gap_days": 14.2}
    ((entry,), refused) = read("shop.stages", msgspec.json.encode(change))
    assert refused == 0
    assert isinstance(entry, TimelineEntry)
    german = Words(catalogue_of("de"), str)
    assert entry_in_words(entry, german) == "Stand: gefährdet"
    assert detail_in_words(entry, german) == "Seit 86 Tagen keine Bestellung; sonst alle 14 Tage."


def test_an_invalid_document_is_refused() -> None:
    assert read("shop.customers", None, b"{", b"[]", document().replace(b"c-1", b"c-1\xff")) == ([], 4)
    (messages, refused) = read("shop.customers", document(as_of="yesterday"), document(), document(stage_since="2026"))
    assert ([type(one) for one in messages], refused) == ([Document], 2)


def test_an_event_that_is_sent_again_counts_where_it_came_first() -> None:
    value = msgspec.json.encode({"event_id": "e", "customer_id": "c-1", "occurred_at": AT, "name": "page_viewed"})
    again = CameRecord(b"c-1", value, headers=((AGAIN, b"1"), edition_header(3)))
    first = CameRecord(b"c-1", value, headers=((ARRIVED_AS, b"c-1"),))
    found = inputs_of(SETTINGS)[SETTINGS.topic_of(EventType.CLICK)].read(
        [again, first, again, CameRecord(b"c-1", b"[]")]
    )
    assert (len(found.keyed), [*found.positions], found.skipped) == (1, [1], 3)
