"""HubSpot: a workflow of feedback submissions that sends a webhook (docs/producers.md)."""

from typing import Any, Final

from stream.adapters.adapter import Call, Proof
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
from stream.adapters.json_fields import pick
from stream.adapters.provider import Provider, max_age_s
from stream.adapters.signatures import Signature, by_signature, from_header
from stream.adapters.voices import FEEDBACK, language_at, on_scale, said
from stream.errors import SettingsError
from stream.settings import Settings

__all__ = ["PROVIDER", "TABLE"]

_TIMESTAMP: Final = "x-hubspot-request-timestamp"


def _events(body: Any) -> list[Any]:
    """Properties are flat, or each an object with its value. An app's own webhooks are a list, of changes only."""
    return [_flat(one) for one in (body if isinstance(body, list) else [body])]


def _flat(event: Any) -> Any:
    properties = pick(event, "properties")
    if not isinstance(properties, dict):
        return event
    values = {name: pick(told, "value") if isinstance(told, dict) else told for name, told in properties.items()}
    return {**event, **values}


def _kind(item: ProviderEvent) -> str:
    survey = pick(item.event, "hs_survey_type")
    return f"survey: {survey}" if survey is not None else needed("subscriptionType", "hs_survey_type")(item)


_TEXT: Final = {"text": said("hs_content"), "language": language_at("hs_language")}

#: By ``hs_survey_type``. Left out: what an app is told of changes, which tells no answer.
TABLE: Final = EventTable(
    provider="hubspot",
    one="a webhook of HubSpot",
    rows={
        "survey: NPS": Row(FEEDBACK, "rated", {**on_scale("nps", "hs_value"), **_TEXT}),
        "survey: CSAT": Row(FEEDBACK, "rated", {**on_scale("csat", "hs_value"), **_TEXT}),
        "survey: CES": Row(FEEDBACK, "rated", {**on_scale("ces", "hs_value"), **_TEXT}),
    },
    events=_events,
    kind=_kind,
    identity=parts(_kind, needed("hs_object_id", "objectId"), texts("hs_submission_timestamp")),
    customer=customer("", address=("hs_contact_email_rollup", "email"), own_id=("hs_contact_id",)),
    occurred_at=time_at("hs_submission_timestamp"),
    fields={"survey_id": labelled("hs_survey_id"), "channel": labelled("hs_survey_channel")},
)


def _signed(call: Call) -> list[bytes]:
    """Method, address, body and time."""
    head = f"POST{call.url}".encode("utf-8", "surrogateescape")
    return [head + call.body + call.headers.get(_TIMESTAMP, "").encode("utf-8", "surrogateescape")]


#: HMAC-SHA256 under the client secret of the app; the time is in ms.
_SIGNATURE: Final = Signature(
    "X-HubSpot-Signature-v3",
    from_header("x-hubspot-signature-v3"),
    _signed,
    made_at=lambda call: call.headers.get(_TIMESTAMP),
    made_at_unit=1000,
)


def _proof(settings: Settings) -> Proof | None:
    if not settings.ingest_hubspot_secret:
        return None
    if not settings.ingest_public_url:
        raise SettingsError(
            "ingest_hubspot_secret needs ingest_public_url as well: the signature covers the address of the webhook"
        )
    return by_signature(settings.ingest_hubspot_secret, _SIGNATURE, max_age_s=max_age_s(settings))


PROVIDER: Final = Provider("hubspot", TABLE.translate, _proof)
