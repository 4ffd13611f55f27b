"""Reading what a partition publishes."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson

from stream.catalogue.events import KERNEL_TYPES
from stream.processing.state import Outgoing
from tests.oracle.event import Arrival, Event, arrivals, merged
from tests.oracle.record import type_of
from tests.oracle.timeline import Alarm

__all__ = ["alarms_of", "arrivals_of", "contents", "epoch_ms", "winbacks_of"]


def epoch_ms(instant: str) -> int:
    """RFC 3339 to ms since the epoch."""
    return round(datetime.fromisoformat(instant).timestamp() * 1000)


def contents(outgoing: Iterable[Outgoing], topic: str, customer: str) -> list[dict[str, Any]]:
    """The JSON objects published to ``topic`` for a customer, in order."""
    return [
        orjson.loads(record.value or b"")
        for record in outgoing
        if record.topic == topic and record.key == customer.encode()
    ]


def alarms_of(outgoing: Iterable[Outgoing], customer: str) -> list[Alarm]:
    """A customer's alerts that were raised or cleared, in order."""
    return [
        Alarm(raised=alert["kind"] == "churn_risk.raised", at=epoch_ms(alert["occurred_at"]), cause=alert["cause"])
        for alert in contents(outgoing, "alerts", customer)
        if alert["kind"] != "winback.opportunity"
    ]


def winbacks_of(outgoing: Iterable[Outgoing], customer: str) -> list[int]:
    """Times at which a lost customer looked again."""
    alerts = contents(outgoing, "alerts", customer)
    return [epoch_ms(alert["occurred_at"]) for alert in alerts if alert["kind"] == "winback.opportunity"]


def arrivals_of(log: Sequence[tuple[str, Event]]) -> dict[str, list[Arrival]]:
    """The events of each customer when ``log`` is spread over the three topics."""
    topics = [[entry for entry in log if type_of(entry[1]) is event_type] for event_type in KERNEL_TYPES]
    return arrivals(merged(topics))
