"""Judge.me's webhooks: one review a post."""

from typing import Any, Final

from stream.adapters.adapter import Call
from stream.adapters.event_table import (
    EventTable,
    ProviderEvent,
    Row,
    customer,
    labelled,
    needed,
    parts,
    texts,
    time_at,
)
from stream.adapters.json_fields import json_object, pick
from stream.adapters.provider import Provider, signed
from stream.adapters.signatures import Signature
from stream.adapters.voices import FEEDBACK, on_scale, said

__all__ = ["PROVIDER", "TABLE"]

#: Servers may rename the header, as Judge.me says.
_HEADERS: Final = ("judgeme-hmac-sha256", "x-judgeme-hmac-sha256")


def _events(body: Any) -> list[Any]:
    found = json_object(body, "a webhook of Judge.me")
    return [found.get("review", found)]


def _kind(item: ProviderEvent) -> str:
    # what a reviewer wrote counts without stars as well
    is_written = pick(item.event, "reviewer") is not None and pick(item.event, "body") is not None
    return "review" if is_written or pick(item.event, "rating") is not None else "no review"


#: What is created or changed: a review that is changed is another one. Left out: questions, emails.
TABLE: Final = EventTable(
    provider="judgeme",
    one="a review of Judge.me",
    rows={
        "review": Row(
            FEEDBACK,
            "reviewed",
            {
                **on_scale("stars", "rating"),
                "text": said("title", "body"),
                # the shop system's own number of the product
                "product_id": labelled("product_external_id"),
            },
        )
    },
    events=_events,
    kind=_kind,
    identity=parts(needed("id"), texts("updated_at")),
    customer=customer("reviewer", address=("reviewer.email",), own_id=("reviewer.external_id", "reviewer.id")),
    occurred_at=time_at("updated_at", "created_at"),
)


def _given(call: Call) -> list[str]:
    return [value for name in _HEADERS if (value := call.headers.get(name))]


#: HMAC-SHA256 of the body, in hex, under the secret of the app or the private token of the shop.
_SIGNATURE: Final = Signature("JUDGEME-HMAC-SHA256", _given, encoding="hex")

PROVIDER: Final = Provider("judgeme", TABLE.translate, signed("ingest_judgeme_secret", _SIGNATURE))
