"""Trustpilot's webhooks: reviews, several in a post. They are signed by nobody, so they need the token."""

from typing import Any, Final

from stream.adapters.event_table import EventTable, Row, customer, labelled, needed, parts, texts, time_at
from stream.adapters.json_fields import MalformedError, json_object, required
from stream.adapters.provider import Provider
from stream.adapters.voices import FEEDBACK, language_at, on_scale, said

__all__ = ["PROVIDER", "TABLE"]

_REVIEW: Final = "eventData"


def _events(body: Any) -> list[Any]:
    events = required(json_object(body, "a webhook of Trustpilot"), "events")
    if not isinstance(events, list):
        raise MalformedError(f"expected `events` as a JSON array, got {type(events).__name__}")
    return events


_REVIEWED: Final = Row(
    FEEDBACK,
    "reviewed",
    {
        **on_scale("stars", f"{_REVIEW}.stars"),
        "text": said(f"{_REVIEW}.title", f"{_REVIEW}.text", f"{_REVIEW}.content"),
        "language": language_at(f"{_REVIEW}.language"),
        "order_id": labelled(f"{_REVIEW}.referenceId"),
        "product_id": labelled(f"{_REVIEW}.product.sku", f"{_REVIEW}.product.id"),
    },
)

#: By ``eventName``. A review that is changed is another one. Left out: reviews that are deleted, answers of the shop.
TABLE: Final = EventTable(
    provider="trustpilot",
    one="an event of Trustpilot",
    rows={
        "service-review-created": _REVIEWED,
        "service-review-updated": _REVIEWED,
        "product-review-created": _REVIEWED,
    },
    events=_events,
    kind=needed("eventName"),
    identity=parts(needed(f"{_REVIEW}.id"), texts(f"{_REVIEW}.updatedAt")),
    customer=customer(_REVIEW, address=(f"{_REVIEW}.referralEmail",), own_id=(f"{_REVIEW}.consumer.id",)),
    occurred_at=time_at(f"{_REVIEW}.updatedAt", f"{_REVIEW}.createdAt"),
    fields={"channel": lambda _item: "trustpilot"},
)

PROVIDER: Final = Provider("trustpilot", TABLE.translate)
