"""Records of the topics ``actions`` and ``alerts``: decoded as strictly as events."""

import re
from datetime import datetime
from typing import Final

import msgspec

from stream.alerts.action_records import Action
from stream.alerts.alert_records import Alert
from stream.events.contract_rules import CONTROL_IN_ID
from stream.events.diagnosis import diagnose
from stream.events.model import EARLIEST_MS
from stream.events.record import Record
from stream.events.rejections import Defect, Rejection
from stream.events.screen import BadRecordError, screen
from stream.events.times import epoch_ms, rfc3339

__all__ = ["CONTROL_IN_NOTE", "decode_action", "decode_alert", "encode_action", "occurred_ms"]

_MAX_BYTES: Final = 65_536
#: A note may have line breaks and tabs.
CONTROL_IN_NOTE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_actions: Final = msgspec.json.Decoder(Action)
_alerts: Final = msgspec.json.Decoder(Alert)
_encoder: Final = msgspec.json.Encoder()


def decode_action(record: Record, skew_ms: int) -> Action | Rejection:
    """The action in `record`, or why there is none. It may lie at most `skew_ms` after the record. Never raises.

    The reader's own clock is not used, so a record that is read again gets the same verdict.
    """
    try:
        action = _actions.decode(_screened(record))
        _check(action, record.key, record.timestamp + skew_ms)
    except Exception as error:  # noqa: BLE001 - one bad record must not stop the notifier
        return Rejection(0, *diagnose(error, record.value))
    return action


def decode_alert(record: Record) -> Alert | Rejection:
    """The alert in `record`, or why there is none. Never raises."""
    try:
        alert = _alerts.decode(_screened(record))
        _check_key(record.key, alert.customer_id)
        _check_time(alert)
    except Exception as error:  # noqa: BLE001 - as above
        return Rejection(0, *diagnose(error, record.value))
    return alert


def _screened(record: Record) -> bytes:
    """The value, if it is fit for the parser. Raises `BadRecordError` or `UnicodeDecodeError`."""
    if record.key is None:
        raise BadRecordError(Defect.NULL_KEY, "expected the customer_id as the record key; there is none")
    if record.value is None:
        raise BadRecordError(Defect.NULL_VALUE, "expected a JSON object; the record has no value")
    screen(record.value, _MAX_BYTES)
    return record.value


def encode_action(action: Action) -> bytes:
    """JSON, as the topic has it."""
    return _encoder.encode(action)


def occurred_ms(alert: Alert) -> int:
    """When the alert occurred, stream time. Raises ValueError for a text that is no time with an offset."""
    at = datetime.fromisoformat(alert.occurred_at)
    if at.tzinfo is None:
        raise ValueError("a time without an offset")
    return epoch_ms(at)


def _check(action: Action, key: bytes | None, latest_ms: int) -> None:
    """What the types cannot say. Raises `BadRecordError`."""
    at_ms = epoch_ms(action.occurred_at)
    if not EARLIEST_MS <= at_ms <= latest_ms:
        span = f"{rfc3339(EARLIEST_MS)} and {rfc3339(latest_ms)}"
        raise BadRecordError(Defect.TIMESTAMP_OUT_OF_RANGE, f"expected occurred_at between {span}")
    _check_key(key, action.customer_id)
    if not action.is_response and (action.event_id is None or action.category is None):
        raise BadRecordError(Defect.MISSING_FIELD, "expected event_id and category of what is labelled")
    ids = f"{action.action_id}{action.customer_id}{action.actor or ''}{action.event_id or ''}{action.category or ''}"
    found = CONTROL_IN_ID.search(ids) or CONTROL_IN_NOTE.search(action.note or "")
    if found:
        raise BadRecordError(Defect.CONTROL_CHARACTER, f"a text contains U+{ord(found.group()):04X}")


def _check_time(alert: Alert) -> None:
    try:
        occurred_ms(alert)
    except (ValueError, OverflowError):
        raise BadRecordError(Defect.BAD_TIMESTAMP, "expected occurred_at in RFC 3339, with offset") from None


def _check_key(key: bytes | None, customer_id: str) -> None:
    if customer_id.encode() != key:
        raise BadRecordError(Defect.KEY_MISMATCH, "the record key is not customer_id")
