"""Brevo's webhooks of transactional and marketing e-mails. They are signed by nobody, so they need the token."""

from typing import Any, Final

from stream.adapters.event_table import (
    EMAIL,
    EventTable,
    ProviderEvent,
    labelled,
    needed,
    rows_of,
    texts,
    time_at,
)
from stream.adapters.json_fields import MalformedError, decoded, pick
from stream.adapters.provider import Provider

__all__ = ["PROVIDER", "TABLE"]

_TIMES: Final = ("ts_epoch", "ts_event", "ts_sent", "ts")
_MACHINE_OPENS: Final = frozenset({"proxy_open", "unique_proxy_open"})


def _events(body: Any) -> list[Any]:
    """One, or with batched webhooks a list of them."""
    return body if isinstance(body, list) else [body]


def _identity(item: ProviderEvent) -> tuple[object, ...]:
    """An open is told as ``opened`` and, the first time, as ``unique_opened``: both are one."""
    event = item.event
    row = TABLE.rows[str(event["event"])]
    message = pick(event, "message-id", "id", "camp_id")
    return row.name, message, needed("email")(item), pick(event, *_TIMES), pick(event, "link", "URL")


def _metadata(item: ProviderEvent) -> dict[str, object]:
    """``X-Mailin-custom``: what the shop has given to the message, as JSON or as ``name:value|name:value``."""
    given = pick(item.event, "X-Mailin-custom")
    if not isinstance(given, str):
        return {}
    try:
        found = decoded(given.encode("utf-8", "replace"))
    except MalformedError:
        found = dict(part.partition(":")[::2] for part in given.split("|"))
    return found if isinstance(found, dict) else {}


#: By ``event``. Left out: soft_bounce, deferred, blocked, error, invalid_email (was never sent).
TABLE: Final = EventTable(
    provider="brevo",
    one="an event of Brevo",
    rows=rows_of(
        EMAIL,
        {
            "request": "sent",
            "delivered": "delivered",
            "opened": "opened",
            "unique_opened": "opened",
            "proxy_open": "opened",
            "unique_proxy_open": "opened",
            "click": "clicked",
            "hard_bounce": "bounced",
            "spam": "complained",
            "unsubscribe": "unsubscribed",
            "unsubscribed": "unsubscribed",
        },
    ),
    events=_events,
    kind=needed("event"),
    identity=_identity,
    customer=lambda item: item.customers.find(_metadata(item), address=pick(item.event, "email")),
    identifiers={"email": texts("email")},
    occurred_at=time_at(*_TIMES),
    fields={
        "campaign_id": labelled("camp_id", "tags.0", "tag"),
        "message_id": texts("message-id"),
        "machine_open": lambda item: True if item.event["event"] in _MACHINE_OPENS else None,
    },
)

PROVIDER: Final = Provider("brevo", TABLE.translate)
