"""Freshdesk's automation rules that trigger a webhook: one ticket a post. They are signed by nobody: use the token."""

import re
from typing import Any, Final

from stream.adapters.event_table import EventTable, ProviderEvent, Row, customer, labelled, needed, parts
from stream.adapters.json_fields import instant, json_object, pick
from stream.adapters.provider import Provider
from stream.adapters.voices import FEEDBACK, said

__all__ = ["PROVIDER", "TABLE"]

_CREATED: Final = "ticket_action:created"
#: How Freshdesk tells a change: ``{status:{from:Open,to:Resolved}}``.
_STATUS: Final = re.compile(r"status:\{from:[^,{}]*,to:(?P<now>[^,{}]*)\}")
_COMPLAINTS: Final = frozenset({"incident", "problem"})


def _kind(item: ProviderEvent) -> str:
    told = needed("triggered_event")(item)
    if _CREATED in told:
        bad = str(pick(item.event, "ticket_type")).casefold() in _COMPLAINTS
        return "created: incident" if bad else "created"
    changed = _STATUS.search(told)
    return f"status: {changed['now'].strip().casefold()}" if changed else "another change"


def _events(body: Any) -> list[Any]:
    found = json_object(body, "a webhook of Freshdesk")
    return [found.get("freshdesk_webhook", found)]


def _at(item: ProviderEvent) -> object:
    """The rule may send a time; else it is when it came."""
    told = pick(item.event, "ticket_updated_at")
    return item.call.received_ms / 1000 if told is None else instant(told, "ticket_updated_at")


#: By ``triggered_event``.
TABLE: Final = EventTable(
    provider="freshdesk",
    one="a webhook of Freshdesk",
    rows={
        "created": Row(FEEDBACK, "asked", {"text": said("ticket_subject", "ticket_description")}),
        "created: incident": Row(FEEDBACK, "complained", {"text": said("ticket_subject", "ticket_description")}),
        "status: resolved": Row(FEEDBACK, "resolved"),
    },
    events=_events,
    kind=_kind,
    identity=parts(_kind, needed("ticket_id"), lambda item: pick(item.event, "ticket_updated_at")),
    customer=customer("", address=("ticket_requester_email",), own_id=("ticket_requester_unique_external_id",)),
    occurred_at=_at,
    fields={"ticket_id": labelled("ticket_id"), "channel": labelled("ticket_source")},
)

PROVIDER: Final = Provider("freshdesk", TABLE.translate)
