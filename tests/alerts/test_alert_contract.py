"""Alerts and segment changes as consumers see them."""

import json
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from stream.alerts.alert_records import (
    Alert,
    AlertKind,
    Cause,
    Reason,
    SegmentChange,
    alert_id,
    cloud_event_headers,
)
from stream.alerts.severity import Severity
from stream.cli.contracts import schema_of

AT = "2024-05-31T12:30:00.250Z"
ALERT = Alert(
    alert_id=alert_id("1", "c-1", AlertKind.RAISED, "event:0000000002a1"),
    kind=AlertKind.RAISED,
    severity=Severity.WARNING,
    customer_id="Zoë",
    risk=0.75,
    threshold=0.7,
    previous_risk=None,
    cause=Cause.SILENCE,
    segment=None,
    value_at_risk=28.0,
    reasons=(Reason(feature="tenure", value=None, contribution=0.5, sentence="New."),),
    logit=1.0986,
    baseline=0.5,
    rest=0.0986,
    calm=None,
    remedy=None,
    model_version=3,
    occurred_at=AT,
    emitted_at=AT,
)
CHANGE = SegmentChange(
    change_id=alert_id("1", "c-1", "segment", "timer:5"),
    customer_id="c-1",
    segment_from=None,
    segment_to="loyal",
    reason="12 orders so far.",
    model_version=3,
    occurred_at=AT,
    emitted_at=AT,
)


def test_an_alert_id_is_the_sha256_of_its_cause() -> None:
    # printf '["1","c-1","churn_risk.raised","event:42"]' | sha256sum
    assert (
        alert_id("1", "c-1", AlertKind.RAISED, "event:42")
        == alert_id("1", "c-1", "churn_risk.raised", "event:42")
        == "2b8547814fead576c04543e68aef0017f53d231ab4a2b2e85ebea8c197d08848"
    )


parts = st.tuples(*[st.text('a",\x1f', max_size=4)] * 4)


@given(parts, parts)
def test_different_causes_have_different_ids(one: tuple[str, str, str, str], other: tuple[str, str, str, str]) -> None:
    assert (alert_id(*one) == alert_id(*other)) == (one == other)


@pytest.mark.parametrize("record", [ALERT, CHANGE])
def test_what_is_published_is_valid_under_its_schema_and_reads_back(record: Alert | SegmentChange) -> None:
    value = msgspec.json.encode(record)
    assert msgspec.json.decode(value, type=type(record)) == record
    Draft202012Validator(schema_of(type(record)), format_checker=Draft202012Validator.FORMAT_CHECKER).validate(
        json.loads(value)
    )


@pytest.mark.parametrize(
    ("record", "identity", "kind", "subject"),
    [
        (ALERT, ALERT.alert_id, "customer-stream.churn_risk.raised", "Zoë"),
        (
            msgspec.structs.replace(ALERT, kind=AlertKind.CLEARED),
            ALERT.alert_id,
            "customer-stream.churn_risk.cleared",
            "Zoë",
        ),
        (CHANGE, CHANGE.change_id, "customer-stream.segment.changed", "c-1"),
    ],
)
def test_headers_are_cloud_events_in_binary_mode(record: Any, identity: str, kind: str, subject: str) -> None:
    assert cloud_event_headers(record, source="/shop/eu") == [
        ("ce_specversion", b"1.0"),
        ("ce_id", identity.encode()),
        ("ce_type", kind.encode()),
        ("ce_source", b"/shop/eu"),
        ("ce_subject", subject.encode()),
        ("ce_time", AT.encode()),
        ("content-type", b"application/json"),
    ]
    assert datetime.fromisoformat(AT).tzinfo is not None
