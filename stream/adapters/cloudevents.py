"""CloudEvents 1.0 over HTTP: binary mode, structured mode, and batches.

The data is a native event. What it leaves unsaid is taken from the attributes: ``event_id`` from source and id,
``customer_id`` from the subject, ``occurred_at`` from the time, type and name from the end of the type
(``com.example.click.product_viewed``).
"""

from types import MappingProxyType
from typing import Any, Final
from urllib.parse import unquote

from stream.adapters.adapter import Call, Ignored, Native, Translation
from stream.adapters.customers import CustomerFinder
from stream.adapters.json_fields import (
    MalformedError,
    amount,
    currency,
    customer_id,
    decoded,
    each,
    event_id,
    instant,
    json_object,
    pick,
    required,
)
from stream.adapters.provider import Provider
from stream.events.kinds import KIND_OF

__all__ = ["PROVIDER"]

#: The last two parts of ``type``.
_TABLE: Final = MappingProxyType({f"{event_type}.{name}": (event_type, name) for event_type, name in KIND_OF})

_STRUCTURED, _BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
_PREFIX = "ce-"
_SPEC_VERSION = "1.0"


def _translate(call: Call, customers: CustomerFinder) -> list[Translation]:
    """One event, or with the media type of a batch a list of them."""
    # the data is a native event, which names its customer
    del customers
    media_type = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == _BATCH:
        events = decoded(call.body)
        if not isinstance(events, list):
            raise MalformedError(f"expected a JSON array of events as {_BATCH}, got {type(events).__name__}")
        return each(events, "a CloudEvent", _one)
    if media_type == _STRUCTURED:
        return each([decoded(call.body)], "a CloudEvent", _one)
    if f"{_PREFIX}id" not in call.headers:
        raise MalformedError(
            f"expected ce- headers (binary mode), or {_STRUCTURED} or {_BATCH} as content-type; got {media_type!r}"
        )
    given = {name: value for name, value in call.headers.items() if name.startswith(_PREFIX)}
    if not all(map(str.isascii, given.values())):
        raise MalformedError("expected ce- headers in ASCII, with other characters percent-encoded")
    # HTTP protocol binding, 3.1.3.2
    attributes = {name.removeprefix(_PREFIX): unquote(value) for name, value in given.items()}
    return each([{**attributes, "data": decoded(call.body)}], "a CloudEvent", _one)


def _one(event: dict[str, Any]) -> Translation:
    for attribute in ("specversion", "id", "source", "type"):
        if not isinstance(required(event, attribute), str):
            raise MalformedError(f"expected the attribute `{attribute}` as a text")
    if event["specversion"] != _SPEC_VERSION:
        raise MalformedError(f"expected specversion {_SPEC_VERSION}, got {event['specversion']!r}")
    found = _TABLE.get(".".join(event["type"].split(".")[-2:]))
    if found is None:
        return Ignored(event["type"])
    if "data_base64" in event:
        raise MalformedError("expected `data` as a JSON object, got `data_base64`")
    event_type, name = found
    data = json_object(event.get("data"), "`data`")
    unsaid = {
        "event_id": event_id("ce", event["source"], event["id"]),
        "customer_id": pick(event, "subject"),
        "occurred_at": pick(event, "time"),
        "name": name,
    }
    said = {field: value for field, value in data.items() if value is not None}
    return Native(event_type, _regular({**unsaid, **said}))


def _regular(event: dict[str, Any]) -> dict[str, object]:
    """The event in one spelling of each value; the decoder refuses what is no value of its kind."""
    regular = dict(event)
    regular["customer_id"] = customer_id(event["customer_id"]) or event["customer_id"]
    if isinstance(event["occurred_at"], int | float | str) and not isinstance(event["occurred_at"], bool):
        regular["occurred_at"] = instant(event["occurred_at"], "occurred_at")
    if "currency" in event:
        regular["currency"] = currency(event["currency"])
    if "amount" in event:
        # only what a completed order costs has a sign that means something: it must not be negative
        regular["amount"] = amount(event["amount"], unsigned=event["name"] != "completed")
    return regular


PROVIDER: Final = Provider("cloudevents", _translate)
