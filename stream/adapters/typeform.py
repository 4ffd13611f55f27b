"""Typeform's webhooks: one response a post.

The reference of a question (``ref``) says what it asks: ``nps``, ``csat``, ``ces``, ``stars`` or ``text``. Questions of
the types nps and rating need none, nor does the first long text.
"""

from typing import Any, Final

from stream.adapters.event_table import (
    EventTable,
    ProviderEvent,
    Row,
    customer,
    identified_by,
    labelled,
    needed,
    time_at,
)
from stream.adapters.json_fields import amount, pick
from stream.adapters.provider import Provider, signed
from stream.adapters.signatures import Signature, from_header
from stream.adapters.voices import FEEDBACK, said
from stream.catalogue.events import SCALES

__all__ = ["PROVIDER", "TABLE"]

_SCALE_OF_TYPE: Final = {"nps": "nps", "rating": "stars"}
_TEXT: Final = "text"
_LONG_TEXT: Final = "long_text"
_RESPONSE: Final = "form_response"


def _answers(event: Any) -> list[Any]:
    found = pick(event, f"{_RESPONSE}.answers")
    return found if isinstance(found, list) else []


def _score(answers: list[Any]) -> dict[str, object]:
    """The first answer to a question of a scale."""
    for answer in answers:
        scale: str | None = str(pick(answer, "field.ref"))
        if scale not in SCALES:
            scale = _SCALE_OF_TYPE.get(str(pick(answer, "field.type")))
        if scale is not None and pick(answer, "number") is not None:
            return {"scale": scale, "value": pick(answer, "number")}
    return {}


def _written(answers: list[Any]) -> object:
    """The answer to the question ``text``, else the first long one."""
    for name, wanted in (("field.ref", _TEXT), ("field.type", _LONG_TEXT)):
        for answer in answers:
            if pick(answer, name) == wanted and pick(answer, "text") is not None:
                return pick(answer, "text")
    return None


def _events(body: Any) -> list[Any]:
    """The response, with what its answers say: a score, a text, the address of who has answered."""
    if not isinstance(body, dict):
        return [body]
    answers = _answers(body)
    address = next((pick(answer, "email") for answer in answers if pick(answer, "email") is not None), None)
    return [{**body, "answered": {**_score(answers), "text": _written(answers), "email": address}}]


def _value(item: ProviderEvent) -> object:
    return amount(pick(item.event, "answered.value"))


#: By ``event_type``. Left out: responses that were begun only.
TABLE: Final = EventTable(
    provider="typeform",
    one="a response of Typeform",
    rows={
        _RESPONSE: Row(
            FEEDBACK,
            "answered",
            {
                "survey_id": labelled(f"{_RESPONSE}.form_id"),
                "scale": labelled("answered.scale"),
                "value": _value,
                "text": said("answered.text"),
                "product_id": labelled(f"{_RESPONSE}.hidden.product_id"),
                "order_id": labelled(f"{_RESPONSE}.hidden.order_id"),
            },
        )
    },
    events=_events,
    kind=needed("event_type"),
    # the response's own; event_id is that of one post
    identity=identified_by(f"{_RESPONSE}.token"),
    customer=customer(f"{_RESPONSE}.hidden", address=(f"{_RESPONSE}.hidden.email", "answered.email")),
    occurred_at=time_at(f"{_RESPONSE}.submitted_at"),
)

#: HMAC-SHA256 of the body.
_SIGNATURE: Final = Signature("Typeform-Signature", from_header("typeform-signature", "sha256="))

PROVIDER: Final = Provider("typeform", TABLE.translate, signed("ingest_typeform_secret", _SIGNATURE))
