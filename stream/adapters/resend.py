"""Resend's webhooks: one event a post."""

from typing import Final

from stream.adapters.event_table import EMAIL, EventTable, ProviderEvent, Row, customer, labelled, parts, texts, time_at
from stream.adapters.json_fields import pick, required
from stream.adapters.provider import Provider
from stream.adapters.svix import signed_by_svix

__all__ = ["PROVIDER", "TABLE"]


def _kind(item: ProviderEvent) -> str:
    name = str(required(item.event, "type"))
    if name == "email.bounced" and pick(item.event, "data.bounce.type") == "Transient":
        return "email.bounced: Transient"
    if name == "contact.updated" and pick(item.event, "data.unsubscribed") is not True:
        return "contact.updated: subscribed"
    return name


#: Left out: delivery_delayed, failed, scheduled (were never sent), domains, other changes of contacts.
TABLE: Final = EventTable(
    provider="resend",
    one="an event of Resend",
    rows={
        "email.sent": Row(EMAIL, "sent"),
        "email.delivered": Row(EMAIL, "delivered"),
        "email.opened": Row(EMAIL, "opened"),
        "email.clicked": Row(EMAIL, "clicked"),
        "email.bounced": Row(EMAIL, "bounced"),
        "email.complained": Row(EMAIL, "complained"),
        "contact.updated": Row(EMAIL, "unsubscribed"),
    },
    kind=_kind,
    # the header svix-id is the same when a call is repeated, but it is there with a signature only
    identity=parts(
        _kind,
        texts("data.email_id", "data.id"),
        texts("created_at"),
        texts("data.click.timestamp"),
        texts("data.click.link"),
    ),
    customer=customer("data.tags", address=("data.to.0", "data.email"), own_id=("data.id",)),
    occurred_at=time_at("data.click.timestamp", "created_at"),
    fields={"campaign_id": labelled("data.broadcast_id"), "message_id": texts("data.email_id")},
)

PROVIDER: Final = Provider("resend", TABLE.translate, signed_by_svix("ingest_resend_secret"))
