"""Alerts about what a customer said: a complaint that waits for an answer, and satisfaction that has dropped."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from stream.alerts.alert_records import Alert, AlertKind, Cause, Heard, alert_id
from stream.alerts.intervals import Interval
from stream.alerts.severity import Severity
from stream.catalogue.windows import HOUR_MS
from stream.catalogue.wording import number_of
from stream.events.model import FeedbackEvent
from stream.events.times import rfc3339

__all__ = ["FEEDBACK_RULES", "complaint", "dropped", "heard_of"]

#: Part of the ids of these alerts: bump it when the rules change, so that a rebuild gives new alerts on purpose.
FEEDBACK_RULES: Final = "feedback-1"


def heard_of(event: FeedbackEvent, at_ms: int) -> Heard:
    """What an alert tells of a feedback: all but the words."""
    return Heard(
        feedback_id=event.event_id,
        said_at=rfc3339(at_ms),
        ticket_id=event.ticket_id,
        order_id=event.order_id,
        product_id=event.product_id,
        channel=event.channel,
    )


def complaint(customer_id: str, heard: Heard, at_ms: int, waited_ms: int = 0) -> Alert:
    """A complaint has come (at ``at_ms``), or nobody has acted on it for ``waited_ms``; the latter is critical.

    >>> heard = Heard(feedback_id="f-1", said_at="2026-01-02T03:04:05.000Z", order_id="o-7", channel="email")
    >>> complaint("c-1", heard, 0).sentence
    'Complained about order o-7 by email.'
    >>> complaint("c-1", heard, 0, 86_400_000).sentence
    'Complained about order o-7 by email 24 hours ago; nobody has acted.'
    """
    hours = waited_ms / HOUR_MS
    since = f" {number_of(hours, 'hour', 'hours')} ago; nobody has acted" if waited_ms else ""
    return _alert(
        AlertKind.COMPLAINT,
        customer_id,
        replace(heard, open_hours=hours),
        f"{heard.feedback_id}:{waited_ms}",
        f"Complained{_about(heard)}{since}.",
        Severity.CRITICAL if waited_ms else Severity.WARNING,
        Cause.SILENCE if waited_ms else Cause.EVENT,
        at_ms + waited_ms,
    )


def dropped(customer_id: str, heard: Heard, at_ms: int, satisfaction: Interval, answers: int) -> Alert:
    """A customer who was satisfied is not any more, by the mean of their answers with its interval."""
    mean, low, high = satisfaction
    if mean is None or low is None or high is None:
        raise AssertionError("satisfaction that drops is known")
    told = f"{mean:.0%} (95 %: {low:.0%} to {high:.0%}) after {number_of(answers, 'answer', 'answers')}"
    return _alert(
        AlertKind.DROPPED,
        customer_id,
        replace(heard, satisfaction=mean, low=low, high=high),
        heard.feedback_id,
        f"Satisfaction has dropped to {told}.",
        Severity.WARNING,
        Cause.EVENT,
        at_ms,
    )


def _about(heard: Heard) -> str:
    by = f" by {heard.channel}" if heard.channel else ""
    if heard.order_id:
        return f" about order {heard.order_id}{by}"
    return f" about product {heard.product_id}{by}" if heard.product_id else by


def _alert(
    kind: AlertKind,
    customer_id: str,
    heard: Heard,
    trigger: str,
    sentence: str,
    severity: Severity,
    cause: Cause,
    at_ms: int,
) -> Alert:
    return Alert(
        alert_id=alert_id(FEEDBACK_RULES, customer_id, kind, trigger),
        kind=kind,
        severity=severity,
        customer_id=customer_id,
        sentence=sentence,
        risk=None,
        threshold=None,
        previous_risk=None,
        cause=cause,
        segment=None,
        value_at_risk=0.0,
        reasons=(),
        logit=None,
        baseline=None,
        rest=None,
        calm=None,
        remedy=None,
        model_version=0,
        heard=heard,
        occurred_at=rfc3339(at_ms),
        emitted_at="",
    )
