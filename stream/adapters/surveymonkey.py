"""SurveyMonkey's webhooks: that somebody has answered. What was answered is not told, and is not asked for."""

from typing import Final

from stream.adapters.event_table import EventTable, ProviderEvent, Row, customer, labelled, needed, parts, time_at
from stream.adapters.json_fields import pick
from stream.adapters.provider import Provider, signed
from stream.adapters.signatures import Signature, from_header
from stream.adapters.voices import FEEDBACK

__all__ = ["PROVIDER", "TABLE"]

_COMPLETED: Final = "response_completed"


def _kind(item: ProviderEvent) -> str:
    """An answer by a link that was not sent to a contact has no recipient."""
    name = needed("event_type")(item)
    recipient = pick(item.event, "resources.recipient_id")
    return f"{name}: anonymous" if name == _COMPLETED and str(recipient) in {"0", "None"} else name


#: By ``event_type``. Left out: everything else about surveys, collectors and responses.
TABLE: Final = EventTable(
    provider="surveymonkey",
    one="a webhook of SurveyMonkey",
    rows={_COMPLETED: Row(FEEDBACK, "answered", {"survey_id": labelled("resources.survey_id", "filter_id")})},
    kind=_kind,
    # an answer that is completed twice is one
    identity=parts(needed("object_id"), needed("event_type")),
    customer=customer(own_id=("resources.recipient_id",)),
    occurred_at=time_at("event_datetime"),
)

#: HMAC-SHA1 of the body; the key is client id & client secret of the app.
_SIGNATURE: Final = Signature("Sm-Signature", from_header("sm-signature"), digest="sha1")

PROVIDER: Final = Provider(
    "surveymonkey", TABLE.translate, signed("ingest_surveymonkey_secret", _SIGNATURE), answers_get=True
)
