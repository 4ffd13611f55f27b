"""Google Forms, by the script of docs/producers.md: one response a post. Google itself sends none."""

from typing import Final

from stream.adapters.event_table import EventTable, Row, customer, identified_by, labelled, time_at
from stream.adapters.json_fields import label, pick
from stream.adapters.provider import Provider, signed
from stream.adapters.signatures import Signature, from_header
from stream.adapters.voices import FEEDBACK, language_at, said, value_at

__all__ = ["PROVIDER", "TABLE"]

TABLE: Final = EventTable(
    provider="googleforms",
    one="a response of Google Forms",
    rows={
        "response": Row(
            FEEDBACK,
            "answered",
            {
                "survey_id": labelled("form_id"),
                # the script names the scale also where nobody has answered the question
                "scale": lambda item: None if pick(item.event, "value") is None else label(pick(item.event, "scale")),
                "value": value_at("value"),
                "text": said("text"),
                "language": language_at("language"),
                "product_id": labelled("product_id"),
                "order_id": labelled("order_id"),
            },
        )
    },
    kind=lambda _item: "response",
    identity=identified_by("response_id"),
    customer=customer("", address=("email",)),
    occurred_at=time_at("submitted_at"),
)

#: HMAC-SHA256 of the body, made by the script.
_SIGNATURE: Final = Signature("X-Signature", from_header("x-signature"))

PROVIDER: Final = Provider("googleforms", TABLE.translate, signed("ingest_googleforms_secret", _SIGNATURE))
