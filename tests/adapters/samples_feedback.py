"""Calls of survey, review and support providers, after their documentation."""

from datetime import UTC, datetime
from typing import Any

from tests.adapters.samples import Sample, changed, hmac_of

__all__ = ["FEEDBACK"]

_ADDRESS = "Ann.Sparrow@example.com"
_SECRET = "a-shared-secret"

# https://www.typeform.com/developers/webhooks/example-payload/
_TYPEFORM: dict[str, Any] = {
    "event_id": "LtWXD3crgy",
    "event_type": "form_response",
    "form_response": {
        "form_id": "lT4Z3j",
        "token": "a3a12ec67a1365927098a606107fac15",
        "submitted_at": "2018-01-18T18:17:02Z",
        "landed_at": "2018-01-18T18:07:02Z",
        "hidden": {"order_id": "o-7"},
        "definition": {"id": "lT4Z3j", "title": "Webhooks example", "fields": []},
        "answers": [
            {"type": "text", "text": "Ann", "field": {"id": "DlXFaesGBpoF", "type": "short_text"}},
            {"type": "email", "email": _ADDRESS, "field": {"id": "SMEUb7VJz92Q", "type": "email"}},
            {"type": "number", "number": 9, "field": {"id": "k6TP9oLGgHjl", "type": "opinion_scale", "ref": "nps"}},
            {"type": "text", "text": "Quick and kind.", "field": {"id": "RUqkXSeXBXSd", "type": "long_text"}},
        ],
    },
}
TYPEFORM = Sample(
    "typeform",
    calls={"form_response": _TYPEFORM},
    ignored={"form_response_partial": {**_TYPEFORM, "event_type": "form_response_partial"}},
    promised={"form_response": ("event_type", "form_response.token", "form_response.submitted_at")},
    settings={"ingest_typeform_secret": _SECRET},
    sign=lambda body, _at_s: {"typeform-signature": f"sha256={hmac_of(_SECRET, body)}"},
)

GOOGLEFORMS = Sample(
    "googleforms",
    calls={
        "response": {
            "form_id": "1FAIpQLSe",
            "response_id": "2_ABaOnud",
            "submitted_at": "2024-05-31T12:30:00.000Z",
            "email": _ADDRESS,
            "scale": "csat",
            "value": "4",
            "text": "Quick and kind.",
            "language": "en",
        }
    },
    ignored={},
    promised={"response": ("response_id", "submitted_at")},
    settings={"ingest_googleforms_secret": _SECRET},
    sign=lambda body, _at_s: {"x-signature": hmac_of(_SECRET, body)},
)

# https://api.surveymonkey.com/v3/docs#webhook-callbacks
_SURVEYMONKEY: dict[str, Any] = {
    "name": "My Webhook",
    "filter_type": "survey",
    "filter_id": "123456789",
    "event_type": "response_completed",
    "event_id": "123456789",
    "event_datetime": "2016-01-01T21:56:31.182613+00:00",
    "object_type": "response",
    "object_id": "123456",
    "resources": {
        "respondent_id": "4409044",
        "recipient_id": "5503211",
        "collector_id": "123456789",
        "survey_id": "123456789",
        "user_id": "123456789",
    },
}
SURVEYMONKEY = Sample(
    "surveymonkey",
    calls={"response_completed": _SURVEYMONKEY},
    ignored={
        "response_completed: anonymous": changed(_SURVEYMONKEY, "resources.recipient_id", "0"),
        "survey_updated": {**_SURVEYMONKEY, "event_type": "survey_updated"},
    },
    promised={"response_completed": ("event_type", "event_datetime", "object_id")},
    settings={"ingest_surveymonkey_secret": "client-id&client-secret"},
    sign=lambda body, _at_s: {"sm-signature": hmac_of("client-id&client-secret", body, "sha1")},
)

# https://developer.zendesk.com/api-reference/webhooks/event-types/ticket-events/
_ZENDESK: dict[str, Any] = {
    "account_id": 22129848,
    "id": "2b24ef10-19d5-4740-93cf-8f98ec4776c0",
    "type": "zen:event-type:ticket.created",
    "subject": "zen:ticket:5158",
    "time": "2025-01-08T10:12:07Z",
    "zendesk_event_version": "2022-11-06",
    "event": {},
    "detail": {
        "id": "5158",
        "requester_id": "8447388090494",
        "status": "OPEN",
        "subject": "Where is it?",
        "description": "My order has not come.",
        "type": "QUESTION",
        "via": {"channel": "web_service"},
    },
}
_SOLVED = {
    **_ZENDESK,
    "id": "another",
    "type": "zen:event-type:ticket.status_changed",
    "event": {"current": "SOLVED", "previous": "OPEN"},
}
#: What docs/producers.md tells a trigger to send.
_TRIGGER = {
    "event": "ticket.rated",
    "ticket_id": "5158",
    "requester_email": _ADDRESS,
    "updated_at": "2025-01-09T10:12:07Z",
    "rating": "Good",
    "comment": "Quick and kind.",
}


def _zendesk(body: bytes, at_s: float) -> dict[str, str]:
    made_at = f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {
        "x-zendesk-webhook-signature": hmac_of(_SECRET, made_at.encode() + body),
        "x-zendesk-webhook-signature-timestamp": made_at,
    }


ZENDESK = Sample(
    "zendesk",
    calls={
        "ticket.created": _ZENDESK,
        "ticket.created: incident": changed({**_ZENDESK, "id": "a third"}, "detail.type", "INCIDENT"),
        "ticket.status_changed: solved": _SOLVED,
        "ticket.solved": {**_TRIGGER, "event": "ticket.solved"},
        "ticket.rated": _TRIGGER,
    },
    ignored={
        "ticket.status_changed: closed": changed(_SOLVED, "event.current", "CLOSED"),
        "ticket.priority_changed": {**_ZENDESK, "type": "zen:event-type:ticket.priority_changed"},
    },
    promised={"ticket.created": ("time", "type"), "ticket.rated": ("rating",)},
    settings={"ingest_zendesk_secret": _SECRET},
    sign=_zendesk,
    tells_time=True,
)

# https://support.freshdesk.com/support/solutions/articles/132589
_FRESHDESK: dict[str, Any] = {
    "freshdesk_webhook": {
        "ticket_id": 14,
        "ticket_subject": "Where is it?",
        "ticket_description": "<div>My order &amp; its bill have not come.</div>",
        "ticket_status": "Open",
        "ticket_requester_name": "Ann Sparrow",
        "ticket_requester_email": _ADDRESS,
        "ticket_requester_phone": "+493012345",
        "ticket_source": "Portal",
        "ticket_type": "Question",
        "ticket_updated_at": "2025-01-08T10:12:07Z",
        "triggered_event": "{ticket_action:created}",
    }
}
_TICKET = "freshdesk_webhook"


def _freshdesk(**changes: str) -> dict[str, Any]:
    return {_TICKET: {**_FRESHDESK[_TICKET], **changes}}


FRESHDESK = Sample(
    "freshdesk",
    calls={
        "created": _FRESHDESK,
        "created: incident": _freshdesk(ticket_type="Problem"),
        "status: resolved": _freshdesk(triggered_event="{status:{from:Open,to:Resolved}}"),
    },
    ignored={
        "status: closed": _freshdesk(triggered_event="{status:{from:Resolved,to:Closed}}"),
        "another change": _freshdesk(triggered_event="{priority:{from:1,to:4}}"),
    },
    promised={"created": ("freshdesk_webhook.ticket_id", "freshdesk_webhook.triggered_event")},
)

# https://developers.intercom.com/docs/references/webhooks/webhook-models
_INTERCOM: dict[str, Any] = {
    "type": "notification_event",
    "app_id": "a86dr8yl",
    "id": "notif_ccd8a4d0-f965-11e3-a367-c779cae3e1b3",
    "topic": "conversation.user.created",
    "created_at": 1392731331,
    "data": {
        "type": "notification_event_data",
        "item": {
            "type": "conversation",
            "id": "147",
            "source": {
                "type": "email",
                "body": "<p>My order has not come.</p>",
                "author": {"type": "user", "id": "5310d8e8", "email": _ADDRESS, "name": "Ann Sparrow"},
            },
            "contacts": {"type": "contact.list", "contacts": [{"id": "5310d8e8", "external_id": "25"}]},
            "conversation_rating": {"rating": 4, "remark": "Quick and kind.", "created_at": 1671028894},
        },
    },
}


def _intercom(topic: str) -> dict[str, Any]:
    return {**_INTERCOM, "topic": topic, "id": f"notif_{topic}"}


INTERCOM = Sample(
    "intercom",
    calls={
        name: _intercom(name)
        for name in ("conversation.user.created", "conversation.admin.closed", "conversation.rating.added")
    },
    ignored={
        "ping": {**_INTERCOM, "topic": "ping"},
        "conversation.user.replied": _intercom("conversation.user.replied"),
    },
    promised={"conversation.user.created": ("id", "topic", "created_at")},
    settings={"ingest_intercom_secret": _SECRET},
    sign=lambda body, _at_s: {"x-hub-signature": f"sha1={hmac_of(_SECRET, body, 'sha1', 'hex')}"},
)

# https://knowledge.hubspot.com/properties/hubspots-default-feedback-submission-properties
_HUBSPOT: dict[str, Any] = {
    "hs_object_id": "101",
    "hs_survey_type": "NPS",
    "hs_value": "9",
    "hs_content": "Quick and kind.",
    "hs_survey_id": "7",
    "hs_survey_channel": "EMAIL",
    "hs_submission_timestamp": "1717158600000",
    "hs_contact_email_rollup": _ADDRESS,
}


def _hubspot(body: bytes, at_s: float) -> dict[str, str]:
    made_at = f"{at_s * 1000:.0f}"
    signed = b"POST" + b"https://events.example.com/v1/adapters/hubspot" + body + made_at.encode()
    return {"x-hubspot-signature-v3": hmac_of(_SECRET, signed), "x-hubspot-request-timestamp": made_at}


HUBSPOT = Sample(
    "hubspot",
    calls={
        "survey: NPS": _HUBSPOT,
        "survey: CSAT": {**_HUBSPOT, "hs_survey_type": "CSAT", "hs_value": "5"},
        "survey: CES": {
            "objectId": 102,
            "properties": {
                name: {"value": value}
                for name, value in {**_HUBSPOT, "hs_survey_type": "CES", "hs_value": "7"}.items()
                if name != "hs_object_id"
            },
        },
    },
    ignored={
        "ticket.propertyChange": {"eventId": 1, "subscriptionType": "ticket.propertyChange", "objectId": 3},
        "survey: KNOWLEDGE": {**_HUBSPOT, "hs_survey_type": "KNOWLEDGE"},
    },
    promised={"survey: NPS": ("hs_object_id", "hs_survey_type", "hs_submission_timestamp")},
    settings={"ingest_hubspot_secret": _SECRET, "ingest_public_url": "https://events.example.com"},
    sign=_hubspot,
    tells_time=True,
)

# https://support.trustpilot.com/hc/en-us/articles/360001108568
_TRUSTPILOT: dict[str, Any] = {
    "events": [
        {
            "eventName": "service-review-created",
            "version": "1.0",
            "eventData": {
                "id": "507f191e810c19729de860ea",
                "language": "en",
                "link": "https://www.trustpilot.com/reviews/507f191e810c19729de860ea",
                "stars": 4,
                "title": "Good",
                "text": "Quick and kind.",
                "referenceId": "o-7",
                "createdAt": "2024-05-31T12:30:00Z",
                "isVerified": True,
                "consumer": {"id": "507f191e810c19729de860eb", "name": "Ann Sparrow"},
            },
        }
    ]
}
TRUSTPILOT = Sample(
    "trustpilot",
    calls={
        "service-review-created": _TRUSTPILOT,
        "service-review-updated": changed(
            changed(_TRUSTPILOT, "events.0.eventName", "service-review-updated"),
            "events.0.eventData.updatedAt",
            "2024-06-01T12:30:00Z",
        ),
        "product-review-created": changed(
            changed(_TRUSTPILOT, "events.0.eventName", "product-review-created"), "events.0.eventData.id", "another"
        ),
    },
    ignored={
        "service-review-deleted": changed(_TRUSTPILOT, "events.0.eventName", "service-review-deleted"),
    },
    promised={
        "service-review-created": (
            "events",
            "events.0.eventName",
            "events.0.eventData.id",
            "events.0.eventData.createdAt",
        ),
    },
)

# https://judge.me/api/docs#tag/Reviews
_JUDGEME: dict[str, Any] = {
    "review": {
        "id": 54,
        "title": "Good",
        "body": "Quick and kind.",
        "rating": 4,
        "product_external_id": 632910392,
        "reviewer": {"id": 7, "external_id": 115310627314723954, "email": _ADDRESS, "name": "Ann Sparrow"},
        "source": "email",
        "verified": "verified-purchase",
        "created_at": "2024-05-31T12:30:00+00:00",
    }
}
JUDGEME = Sample(
    "judgeme",
    calls={"review": _JUDGEME},
    ignored={"no review": {"question": {"id": 1}}},
    promised={"review": ("review.id", "review.created_at")},
    settings={"ingest_judgeme_secret": _SECRET},
    sign=lambda body, _at_s: {"judgeme-hmac-sha256": hmac_of(_SECRET, body, encoding="hex")},
)

# https://help.satismeter.com/en/articles/87961-webhooks
_SATISMETER: dict[str, Any] = {
    "id": "5617e1f3f37b4b1100f9c2ae",
    "rating": 9,
    "category": "promoter",
    "feedback": "Quick and kind.",
    "created": "2024-05-31T12:30:00.000Z",
    "method": "In-app",
    "user": {"userId": "007", "email": _ADDRESS, "name": "Ann Sparrow"},
}
SATISMETER = Sample(
    "satismeter",
    calls={
        "response": _SATISMETER,
        "response: words only": {**_SATISMETER, "id": "another", "rating": None},
    },
    ignored={"dismissed": {**_SATISMETER, "rating": None, "feedback": ""}},
    promised={"response": ("id", "created")},
)

FEEDBACK = (
    TYPEFORM,
    GOOGLEFORMS,
    SURVEYMONKEY,
    ZENDESK,
    FRESHDESK,
    INTERCOM,
    HUBSPOT,
    TRUSTPILOT,
    JUDGEME,
    SATISMETER,
)
