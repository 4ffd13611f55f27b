"""The kinds of invalid records, and the reason for each."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import orjson

from stream.events.kinds import EventType
from stream.events.rejections import Defect

__all__ = ["POISON", "Poison", "good_event"]

#: 2024-01-01T00:00:00Z, when logs begin: the time is valid in every kind but those about times.
_AT_S = 1_704_067_200.0
#: In each topic an event that is accepted.
_GOOD: Mapping[EventType, Mapping[str, object]] = {
    EventType.CLICK: {"name": "page_viewed", "url": "/p"},
    EventType.EMAIL: {"name": "opened", "campaign_id": "weekly"},
    EventType.PURCHASE: {"name": "completed", "order_id": "poison", "amount": 5.0, "currency": "EUR"},
}
#: This many of the oversize ones are really long: ten thousand would make a log of a hundred megabytes.
_LONG_ONES = 200
_TOO_LONG = 70_000

KeyAndValue = tuple[bytes | None, bytes | None]


class Poison(NamedTuple):
    """``make(source, customer, number)`` gives key and value. ``only``: it is poison in this topic; None: in all."""

    reason: Defect
    make: Callable[[EventType, str, int], KeyAndValue]
    only: EventType | None = None


def good_event(source: EventType, customer: str, number: int) -> dict[str, object]:
    """The content of an event with nothing wrong."""
    return {"event_id": f"p{number}", "customer_id": customer, "occurred_at": _AT_S, **_GOOD[source]}


def _with(**changed: object) -> Callable[[EventType, str, int], KeyAndValue]:
    def make(source: EventType, customer: str, number: int) -> KeyAndValue:
        return customer.encode(), orjson.dumps({**good_event(source, customer, number), **changed})

    return make


def _raw(value: bytes | None) -> Callable[[EventType, str, int], KeyAndValue]:
    return lambda _, customer, __: (customer.encode(), value)


def _bad_customer(source: EventType, customer: str, number: int) -> KeyAndValue:
    name = f"<{customer}>"
    return name.encode(), orjson.dumps(good_event(source, name, number))


def _without_key(source: EventType, customer: str, number: int) -> KeyAndValue:
    return None, orjson.dumps(good_event(source, customer, number))


def _without_id(source: EventType, customer: str, number: int) -> KeyAndValue:
    content = good_event(source, customer, number)
    del content["event_id"]
    return customer.encode(), orjson.dumps(content)


def _long(source: EventType, customer: str, number: int) -> KeyAndValue:
    padding = "x" * (_TOO_LONG if number < _LONG_ONES else 2_000)
    # all but the first are short, so their fault is the name
    name = {} if number < _LONG_ONES else {"name": "no_such_name"}
    return customer.encode(), orjson.dumps({**good_event(source, customer, number), **name, "padding": padding})


POISON = (
    Poison(Defect.MALFORMED_JSON, _raw(b"not json")),
    Poison(Defect.NULL_VALUE, _raw(None)),
    Poison(Defect.NULL_KEY, _without_key),
    Poison(Defect.MALFORMED_JSON, _raw(b"")),
    Poison(Defect.TOO_DEEP, _raw(b"[" * 5000)),
    Poison(Defect.BAD_UTF8, _raw(b'{"event_id": "\xff\xfe"}')),
    Poison(Defect.LONE_SURROGATE, _raw(b'{"event_id": "\\ud800"}')),
    Poison(Defect.UNKNOWN_NAME, _with(name="no_such_name")),
    Poison(Defect.KEY_MISMATCH, _with(customer_id="someone-else")),
    Poison(Defect.BAD_CUSTOMER_ID, _bad_customer),
    Poison(Defect.TIMESTAMP_OUT_OF_RANGE, _with(occurred_at=0.0)),  # 1970
    Poison(Defect.TIMESTAMP_OUT_OF_RANGE, _with(occurred_at="2100-01-01T00:00:00Z")),
    Poison(Defect.TIMESTAMP_OUT_OF_RANGE, _with(occurred_at=1e300)),
    Poison(Defect.BAD_TIMESTAMP, _with(occurred_at="yesterday")),
    Poison(Defect.WRONG_LENGTH, _with(event_id="")),
    Poison(Defect.CONTROL_CHARACTER, _with(event_id="a\x00b")),
    Poison(Defect.WRONG_TYPE, _with(event_id=7)),
    Poison(Defect.MISSING_FIELD, _without_id),
    Poison(Defect.BAD_AMOUNT, _with(amount=-1.0), EventType.PURCHASE),
    Poison(Defect.UNKNOWN_CURRENCY, _with(currency="euro"), EventType.PURCHASE),
    Poison(Defect.TOO_LARGE, _long),
)
