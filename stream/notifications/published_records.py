"""The records that the notifier publishes."""

from typing import Final, NamedTuple

import msgspec

from stream.alerts.alert_records import Alert
from stream.events.dead_letters import HEADER_PREFIX, MAX_RECORD_BYTES
from stream.events.rejections import printable
from stream.events.times import rfc3339
from stream.notifications.notification_records import Arm, DeliveryOutcome, Notification

__all__ = ["PublishedRecord", "notification", "undelivered"]

_encoder: Final = msgspec.json.Encoder()


class PublishedRecord(NamedTuple):
    """A record for a topic."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, str | bytes | None]]


def notification(
    topic: str,
    alert: Alert,
    outcome: DeliveryOutcome,
    *,
    at_ms: int,
    channel: str | None,
    rule: str | None,
    reason: str | None = None,
    arm: Arm | None = None,
    attempts: int = 0,
    digest: bool = False,
) -> PublishedRecord:
    """What became of `alert` on `channel`, for the ``notifications`` topic."""
    told = Notification(
        alert_id=alert.alert_id,
        customer_id=alert.customer_id,
        channel=channel,
        rule=rule,
        outcome=outcome,
        reason=reason,
        arm=arm,
        kind=alert.kind,
        cause=alert.cause,
        segment=alert.segment,
        risk=alert.risk,
        value_at_risk=alert.value_at_risk,
        attempts=attempts,
        digest=digest,
        occurred_at=alert.occurred_at,
        at=rfc3339(at_ms),
    )
    return PublishedRecord(topic, alert.customer_id.encode(), _encoder.encode(told), [])


def undelivered(
    topic: str,
    alert: Alert,
    value: bytes,
    source: tuple[str, int, int],
    *,
    at_ms: int,
    channel: str,
    reason: str,
    detail: str,
    attempts: int,
) -> PublishedRecord:
    """The original alert that could not be delivered, with the reason in headers; ``source``: where it was read."""
    headers = {
        "topic": source[0],
        "partition": str(source[1]),
        "offset": str(source[2]),
        "reason": reason,
        "detail": printable(detail),
        "channel": channel,
        "attempts": str(attempts),
        "at": rfc3339(at_ms),
    }
    if len(value) > MAX_RECORD_BYTES:
        headers["truncated_from"] = str(len(value))
        value = value[:MAX_RECORD_BYTES]
    return PublishedRecord(
        topic,
        alert.customer_id.encode(),
        value,
        [(HEADER_PREFIX + name, text.encode()) for name, text in headers.items()],
    )
