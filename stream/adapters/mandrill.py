"""Mailchimp Transactional (Mandrill): a web form whose only field is a JSON array of events."""

from typing import Any, Final

from stream.adapters.adapter import Call, Proof
from stream.adapters.event_table import (
    EMAIL,
    EventTable,
    customer,
    labelled,
    needed,
    parts,
    rows_of,
    texts,
    time_at,
)
from stream.adapters.forms import fields_of, form
from stream.adapters.json_fields import MalformedError, decoded, required
from stream.adapters.provider import Provider, max_age_s
from stream.adapters.signatures import Signature, by_signature, from_header
from stream.errors import SettingsError
from stream.settings import Settings

__all__ = ["PROVIDER", "TABLE"]


def _events(body: Any) -> list[Any]:
    events = decoded(str(required(body, "mandrill_events")).encode())
    if not isinstance(events, list):
        raise MalformedError(f"expected `mandrill_events` as a JSON array, got {type(events).__name__}")
    return events


#: By ``event``. Left out: soft_bounce, deferral (will be tried again), reject (was never sent), changes of the lists.
TABLE: Final = EventTable(
    provider="mandrill",
    one="an event of Mandrill",
    rows=rows_of(
        EMAIL,
        {
            "send": "sent",
            "delivered": "delivered",
            "open": "opened",
            "click": "clicked",
            "hard_bounce": "bounced",
            "spam": "complained",
            "unsub": "unsubscribed",
        },
    ),
    decode=form,
    events=_events,
    kind=needed("event", "type"),
    identity=parts(needed("event"), needed("_id"), texts("ts"), texts("url")),
    customer=customer("msg.metadata", address=("msg.email",)),
    occurred_at=time_at("ts"),
    fields={"campaign_id": labelled("msg.tags.0"), "message_id": texts("msg._id")},
)


def _signed(call: Call) -> list[bytes]:
    """The address of the webhook, then names and values of all fields, by name."""
    try:
        fields = sorted(fields_of(call.body))
    except MalformedError:
        return []
    return ["".join([call.url, *(name + value for name, value in fields)]).encode("utf-8", "surrogateescape")]


_SIGNATURE: Final = Signature("X-Mandrill-Signature", from_header("x-mandrill-signature"), _signed, digest="sha1")


def _proof(settings: Settings) -> Proof | None:
    if not settings.ingest_mandrill_key:
        return None
    if not settings.ingest_public_url:
        raise SettingsError(
            "ingest_mandrill_key needs ingest_public_url as well: the signature covers the address of the webhook"
        )
    return by_signature(settings.ingest_mandrill_key, _SIGNATURE, max_age_s=max_age_s(settings))


PROVIDER: Final = Provider("mandrill", TABLE.translate, _proof, takes_forms=True, answers_get=True)
