"""Records of events for tests of the decoder."""

import json
from typing import Any, NamedTuple

from stream.events.decode import Decoded, Decoder
from stream.events.kinds import EventType
from stream.events.rejections import Defect

NOW_MS = 1_717_200_000_000


AT = "2024-05-31T12:30:00.250Z"


class RecordOfProducer(NamedTuple):
    key: bytes | None
    value: bytes | None
    timestamp: int = NOW_MS
    offset: int = 0
    headers: tuple[tuple[str, bytes | None], ...] = ()


COMMON = {"event_id": "e-1", "customer_id": "c-1", "occurred_at": AT}


VALID: dict[EventType, dict[str, Any]] = {
    EventType.CLICK: COMMON | {"name": "product_viewed", "url": "https://shop.example/1"},
    EventType.EMAIL: COMMON | {"name": "opened", "campaign_id": "spring"},
    EventType.PURCHASE: COMMON | {"name": "completed", "order_id": "o-1", "amount": 12.5, "currency": "EUR"},
    EventType.FEEDBACK: COMMON | {"name": "rated", "scale": "stars", "value": 4, "text": "Fits well."},
    EventType.INTERACTION: COMMON | {"name": "referred", "channel": "store", "referred_id": "c-2"},
    EventType.CONSENT: COMMON
    | {"name": "granted", "purpose": "marketing", "contact_channel": "email", "source": "checkout"},
}


CLICK, PURCHASE = VALID[EventType.CLICK], VALID[EventType.PURCHASE]


def record(event: dict[str, Any]) -> RecordOfProducer:
    return RecordOfProducer(str(event.get("customer_id", "c-1")).encode(), json.dumps(event).encode())


def decode_one(value: bytes | None, event_type: EventType = EventType.CLICK, key: bytes | None = b"c-1") -> Decoded:
    return Decoder().decode(event_type, [RecordOfProducer(key, value)])


def reason_of(
    value: bytes | None, event_type: EventType = EventType.CLICK, key: bytes | None = b"c-1"
) -> Defect | None:
    decoded = decode_one(value, event_type, key)
    assert len(decoded.events) + len(decoded.rejections) == 1
    return decoded.rejections[0].reason if decoded.rejections else None


def changed(event_type: EventType = EventType.CLICK, **fields: Any) -> bytes:
    return json.dumps(VALID[event_type] | fields).encode()


def spliced(text: bytes, event_type: EventType = EventType.CLICK) -> bytes:
    """A valid event with raw JSON text added at its end."""
    return json.dumps(VALID[event_type]).encode()[:-1] + b"," + text + b"}"
