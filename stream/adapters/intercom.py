"""Intercom's webhooks: one notification a post."""

from typing import Final

from stream.adapters.event_table import EventTable, Row, customer, identified_by, labelled, needed, time_at
from stream.adapters.provider import Provider, signed
from stream.adapters.signatures import Signature, from_header
from stream.adapters.voices import FEEDBACK, on_scale, said

__all__ = ["PROVIDER", "TABLE"]

_ITEM: Final = "data.item"

#: By ``topic``. Left out: replies, notes, assignments, everything about contacts and companies.
TABLE: Final = EventTable(
    provider="intercom",
    one="a notification of Intercom",
    rows={
        "conversation.user.created": Row(FEEDBACK, "asked", {"text": said(f"{_ITEM}.source.body")}),
        "conversation.admin.closed": Row(FEEDBACK, "resolved"),
        "conversation.rating.added": Row(
            FEEDBACK,
            "rated",
            {
                **on_scale("csat", f"{_ITEM}.conversation_rating.rating"),
                "text": said(f"{_ITEM}.conversation_rating.remark"),
            },
        ),
    },
    kind=needed("topic"),
    identity=identified_by("id"),
    customer=customer(
        f"{_ITEM}.custom_attributes",
        address=(f"{_ITEM}.source.author.email", f"{_ITEM}.user.email"),
        own_id=(f"{_ITEM}.contacts.contacts.0.external_id", f"{_ITEM}.contacts.contacts.0.id"),
    ),
    occurred_at=time_at("created_at"),
    fields={"ticket_id": labelled(f"{_ITEM}.id"), "channel": labelled(f"{_ITEM}.source.type")},
)

#: HMAC-SHA1 of the body under the client secret of the app, in hex.
_SIGNATURE: Final = Signature("X-Hub-Signature", from_header("x-hub-signature", "sha1="), digest="sha1", encoding="hex")

PROVIDER: Final = Provider("intercom", TABLE.translate, signed("ingest_intercom_secret", _SIGNATURE), answers_get=True)
