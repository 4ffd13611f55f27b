"""SatisMeter's webhooks: one response a post. They are signed by nobody, so they need the token."""

from typing import Any, Final

from stream.adapters.event_table import EventTable, ProviderEvent, Row, customer, labelled, needed, parts, time_at
from stream.adapters.json_fields import json_object, pick
from stream.adapters.provider import Provider
from stream.adapters.voices import FEEDBACK, language_at, on_scale, said

__all__ = ["PROVIDER", "TABLE"]


def _events(body: Any) -> list[Any]:
    found = json_object(body, "a webhook of SatisMeter")
    return [found.get("response", found)]


def _kind(item: ProviderEvent) -> str:
    """A response that was dismissed has no rating; one with words only is an answer without a score."""
    if pick(item.event, "rating") is not None:
        return "response"
    return "response: words only" if pick(item.event, "feedback") is not None else "dismissed"


_ANSWER: Final = {
    "text": said("feedback"),
    "survey_id": labelled("campaign", "survey.id"),
    "channel": labelled("method"),
    "language": language_at("language"),
}


TABLE: Final = EventTable(
    provider="satismeter",
    one="a response of SatisMeter",
    rows={
        "response": Row(FEEDBACK, "rated", {**on_scale("nps", "rating"), **_ANSWER}),
        "response: words only": Row(FEEDBACK, "answered", _ANSWER),
    },
    events=_events,
    kind=_kind,
    identity=parts(needed("id")),
    customer=customer("user.traits", "user", address=("user.email",), own_id=("user.userId", "user.id")),
    occurred_at=time_at("created"),
)

PROVIDER: Final = Provider("satismeter", TABLE.translate)
