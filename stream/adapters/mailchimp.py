"""Mailchimp's webhooks of an audience: a web form a post. They are signed by nobody, so they need the token."""

from typing import Final

from stream.adapters.event_table import (
    EMAIL,
    EventTable,
    LinkRow,
    ProviderEvent,
    consent,
    customer,
    labelled,
    needed,
    parts,
    rows_of,
    texts,
    time_utc,
)
from stream.adapters.forms import form
from stream.adapters.json_fields import pick, required
from stream.adapters.provider import Provider

__all__ = ["PROVIDER", "TABLE"]


def _kind(item: ProviderEvent) -> str:
    """``type``, with the reason where one is given."""
    name, reason = str(required(item.event, "type")), pick(item.event, "data[reason]")
    return f"{name}: {reason}" if reason else name


#: Left out: profile, campaign.
TABLE: Final = EventTable(
    provider="mailchimp",
    one="a webhook of Mailchimp",
    rows={
        **rows_of(
            EMAIL,
            {
                "unsubscribe": "unsubscribed",
                "unsubscribe: manual": "unsubscribed",
                "unsubscribe: abuse": "complained",
                "cleaned: hard": "bounced",
                "cleaned: abuse": "complained",
            },
        ),
        "subscribe": consent("granted", "email", "mailchimp"),
    },
    decode=form,
    kind=_kind,
    identity=parts(_kind, needed("fired_at"), texts("data[list_id]"), needed("data[email]")),
    links={
        "upemail": LinkRow(
            "alias",
            (("email", texts("data[new_email]")), ("email", texts("data[old_email]"))),
            parts(
                _kind, needed("fired_at"), texts("data[list_id]"), needed("data[new_email]"), needed("data[old_email]")
            ),
            time_utc("fired_at"),
        )
    },
    customer=customer(address=("data[email]",), own_id=("data[web_id]", "data[id]")),
    occurred_at=time_utc("fired_at"),
    fields={"campaign_id": labelled("data[campaign_id]")},
)

PROVIDER: Final = Provider("mailchimp", TABLE.translate, takes_forms=True, answers_get=True)
