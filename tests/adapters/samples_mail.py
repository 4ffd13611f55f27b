"""Calls of mail providers, after their documentation."""

import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.adapters.samples import Sample, changed, hmac_of

__all__ = ["BOUNCE", "CHANGE", "MAIL", "MAILGUN", "POSTMARK", "SENDGRID"]

_ADDRESS = "Ann.Sparrow@example.com"

SENDGRID: dict[str, Any] = {
    "email": f"{_ADDRESS} ",
    "timestamp": 1513299569,
    "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
    "event": "open",
    "sg_machine_open": False,
    "category": ["cat facts", "spring"],
    "sg_event_id": "FOTFFO0ecsBE-zxFXfs6WA==",
    "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
    "useragent": "Mozilla/4.0 (compatible; MSIE 6.1; Windows XP; .NET CLR 1.1.4322; .NET CLR 2.0.50727)",
    "ip": "255.255.255.255",
}
MAILGUN: dict[str, Any] = {
    "signature": {
        "timestamp": "1529006854",
        "token": "a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0",
        "signature": "d2271d12299f6592d9d44cd9d250f0704e4674c30d79d07c47a66f95ce71cf55",
    },
    "event-data": {
        "event": "opened",
        "timestamp": 1529006854.329574,
        "id": "DACSsAdVSeGpLid7TN03WA",
        "recipient": _ADDRESS,
        "client-info": {"client-os": "Linux", "device-type": "desktop", "client-name": "Chrome"},
        "message": {"headers": {"message-id": "20130503182626.18666.16540@sample.mailgun.com"}},
        "tags": ["my_tag_1", "my_tag_2"],
        "user-variables": {"customer_id": "c-1", "my-var": "Mailgun Variable #1"},
    },
}
POSTMARK: dict[str, Any] = {
    "RecordType": "Open",
    "FirstOpen": True,
    "Recipient": _ADDRESS,
    "MessageID": "00000000-0000-0000-0000-000000000000",
    "MessageStream": "outbound",
    "ReceivedAt": "2023-09-26T07:31:41Z",
    "Tag": "welcome-email",
    "UserAgent": "Mozilla/5.0",
    "Metadata": {"customer_id": "c-1"},
}
BOUNCE = {
    "RecordType": "Bounce",
    "ID": 42,
    "Type": "HardBounce",
    "TypeCode": 1,
    "Tag": "Test",
    "MessageID": "00000000-0000-0000-0000-000000000000",
    "Metadata": {"customer_id": "c-1"},
    "Email": _ADDRESS,
    "BouncedAt": "2019-11-05T16:33:54.9070259Z",
}
CHANGE = {
    "RecordType": "SubscriptionChange",
    "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
    "MessageStream": "outbound",
    "ChangedAt": "2020-02-01T10:53:34.416071Z",
    "Recipient": _ADDRESS,
    "Origin": "Recipient",
    "SuppressSending": True,
    "SuppressionReason": "ManualSuppression",
    "Tag": "my-tag",
    "Metadata": {"customer_id": "c-1"},
}


def _sendgrid(event: str, **changes: object) -> list[dict[str, Any]]:
    return [{**SENDGRID, "event": event, "sg_event_id": f"id-of-{event}", **changes}]


def _mailgun(event: str, **changes: object) -> dict[str, Any]:
    data = {**MAILGUN["event-data"], "event": event, "id": f"id-of-{event}", **changes}
    return {**MAILGUN, "event-data": data}


def _postmark(row: str) -> dict[str, Any]:
    record_type, _, detail = row.partition(": ")
    delivery = {**POSTMARK, "DeliveredAt": "2023-09-26T07:31:40Z"}
    record = {"Bounce": BOUNCE, "SubscriptionChange": CHANGE, "Delivery": delivery}
    return {
        **record.get(record_type, POSTMARK),
        "RecordType": record_type,
        "Type": detail,
        "SuppressionReason": detail,
    }


_KEY = ec.derive_private_key(0x5EED, ec.SECP256R1())
_PUBLIC = base64.b64encode(
    _KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()


def _sendgrids(body: bytes, at_s: float) -> dict[str, str]:
    made_at = f"{at_s:.0f}"
    signature = _KEY.sign(made_at.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {
        "x-twilio-email-event-webhook-signature": base64.b64encode(signature).decode(),
        "x-twilio-email-event-webhook-timestamp": made_at,
    }


_SENDGRID = Sample(
    "sendgrid",
    calls={
        name: _sendgrid(name)
        for name in (
            "processed",
            "delivered",
            "open",
            "click",
            "bounce",
            "spamreport",
            "unsubscribe",
            "group_unsubscribe",
        )
    },
    ignored={
        **{name: _sendgrid(name) for name in ("deferred", "dropped", "group_resubscribe")},
        "blocked": _sendgrid("bounce", type="blocked"),
    },
    promised={"open": ("0.timestamp", "0.event")},
    settings={"ingest_sendgrid_public_key": _PUBLIC},
    sign=_sendgrids,
    tells_time=True,
)
_MAILGUN = Sample(
    "mailgun",
    calls={
        name: _mailgun(name, severity="permanent")
        for name in ("accepted", "delivered", "opened", "clicked", "failed", "complained", "unsubscribed")
    },
    ignored={"stored": _mailgun("stored"), "failed: temporary": _mailgun("failed", severity="temporary")},
    promised={"opened": ("event-data.timestamp", "event-data.event"), "failed": ("event-data.severity",)},
)
_POSTMARK = Sample(
    "postmark",
    calls={
        row: _postmark(row)
        for row in (
            "Delivery",
            "Open",
            "Click",
            "Bounce: HardBounce",
            "Bounce: BadEmailAddress",
            "Bounce: Unsubscribe",
            "SpamComplaint",
            "SubscriptionChange: ManualSuppression",
        )
    },
    ignored={
        "Bounce: SoftBounce": {**BOUNCE, "Type": "SoftBounce"},
        "SubscriptionChange: HardBounce": {**CHANGE, "SuppressionReason": "HardBounce"},
        "SubscriptionChange: reactivated": {**CHANGE, "SuppressSending": False, "SuppressionReason": None},
    },
    promised={"Open": ("RecordType", "ReceivedAt"), "Bounce: HardBounce": ("Type",)},
    settings={"ingest_postmark_username": "postmark", "ingest_postmark_password": "a-password"},
    sign=lambda _body, _at_s: {"authorization": f"Basic {base64.b64encode(b'postmark:a-password').decode()}"},
)

# https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/
_MAILCHIMP_UNSUB = {
    "type": "unsubscribe",
    "fired_at": "2009-03-26 21:40:57",
    "data[action]": "unsub",
    "data[reason]": "manual",
    "data[id]": "8a25ff1d98",
    "data[list_id]": "a6b5da1054",
    "data[email]": _ADDRESS,
    "data[email_type]": "html",
    "data[merges][FNAME]": "Ann",
    "data[merges][LNAME]": "Sparrow",
    "data[ip_opt]": "10.20.10.30",
    "data[campaign_id]": "cb398d21d2",
}
_MAILCHIMP_CLEANED = {
    "type": "cleaned",
    "fired_at": "2009-03-26 22:01:00",
    "data[list_id]": "a6b5da1054",
    "data[campaign_id]": "4fjk2ma9xd",
    "data[reason]": "hard",
    "data[email]": _ADDRESS,
}
MAILCHIMP = Sample(
    "mailchimp",
    calls={
        "unsubscribe": {name: value for name, value in _MAILCHIMP_UNSUB.items() if name != "data[reason]"},
        "unsubscribe: manual": _MAILCHIMP_UNSUB,
        "unsubscribe: abuse": {**_MAILCHIMP_UNSUB, "data[reason]": "abuse"},
        "cleaned: hard": _MAILCHIMP_CLEANED,
        "cleaned: abuse": {**_MAILCHIMP_CLEANED, "data[reason]": "abuse"},
        "subscribe": {"type": "subscribe", "fired_at": "2009-03-26 21:35:57", "data[email]": _ADDRESS},
    },
    ignored={
        "profile": {"type": "profile", "fired_at": "2009-03-26 21:31:21", "data[email]": _ADDRESS},
    },
    links={
        "upemail": {
            "type": "upemail",
            "fired_at": "2009-03-26 22:15:09",
            "data[list_id]": "a6b5da1054",
            "data[new_id]": "51da8c3259",
            "data[new_email]": _ADDRESS,
            "data[old_email]": "ann@sparrow.example",
        }
    },
    promised={"unsubscribe: manual": ("type", "fired_at", "data[email]")},
    form=True,
)

# https://mailchimp.com/developer/transactional/docs/webhooks/
_MANDRILL_EVENT: dict[str, Any] = {
    "event": "open",
    "_id": "exampleaaaaaaaaaaaaaaaaaaaaaaaaa",
    "ts": 1365109999,
    "ip": "127.0.0.1",
    "user_agent": "Mozilla/5.0",
    "msg": {
        "_id": "exampleaaaaaaaaaaaaaaaaaaaaaaaaa",
        "ts": 1365109999,
        "subject": "For Ann Sparrow",
        "email": _ADDRESS,
        "tags": ["webhook-example"],
        "metadata": {"user_id": 111},
        "state": "sent",
    },
}


def _mandrill(**changes: Any) -> dict[str, str]:
    return {"mandrill_events": json.dumps([{**_MANDRILL_EVENT, **changes}])}


def _mandrills(body: bytes, _at_s: float) -> dict[str, str]:
    """The address, then the name and the value of each field."""
    fields = sorted(parse_qsl(body.decode("utf-8", "replace")))
    signed = "https://events.example.com/v1/adapters/mandrill" + "".join(name + value for name, value in fields)
    return {"x-mandrill-signature": hmac_of("the-key-of-mandrill", signed.encode(), "sha1")}


MANDRILL = Sample(
    "mandrill",
    calls={
        name: _mandrill(event=name) for name in ("send", "delivered", "open", "click", "hard_bounce", "spam", "unsub")
    },
    ignored={
        **{name: _mandrill(event=name) for name in ("soft_bounce", "deferral", "reject")},
        "blacklist": _mandrill(event=None, type="blacklist"),
    },
    promised={"open": ("mandrill_events",)},
    settings={"ingest_mandrill_key": "the-key-of-mandrill", "ingest_public_url": "https://events.example.com/"},
    sign=_mandrills,
    form=True,
)

# https://developers.brevo.com/docs/transactional-webhooks
_BREVO: dict[str, Any] = {
    "event": "delivered",
    "email": _ADDRESS,
    "id": 26224,
    "date": "2020-10-09 00:00:00",
    "ts": 1604933619,
    "ts_event": 1604933654,
    "ts_epoch": 1604933654000,
    "message-id": "<202010091256.12345@relay.example.com>",
    "subject": "For Ann Sparrow",
    "template_id": 22,
    "tags": ["transac_messages"],
    "sending_ip": "185.41.28.109",
    "X-Mailin-custom": "some_custom_header",
}


def _brevo(event: str, **changes: Any) -> dict[str, Any]:
    return {**_BREVO, "event": event, **changes}


BREVO = Sample(
    "brevo",
    calls={
        name: _brevo(name)
        for name in (
            "request",
            "delivered",
            "opened",
            "unique_opened",
            "proxy_open",
            "unique_proxy_open",
            "click",
            "hard_bounce",
            "spam",
            "unsubscribe",
            "unsubscribed",
        )
    },
    ignored={name: _brevo(name) for name in ("soft_bounce", "deferred", "blocked", "error", "invalid_email")},
    promised={"delivered": ("event", "email")},
    # opened and unique_opened are one
    shares_ids=True,
)

# https://resend.com/docs/dashboard/webhooks/event-types
_RESEND: dict[str, Any] = {
    "type": "email.opened",
    "created_at": "2024-02-22T23:41:12.126Z",
    "data": {
        "broadcast_id": "8b146471-e88e-4322-86af-016cd36fd216",
        "created_at": "2024-02-22T23:41:11.894719+00:00",
        "email_id": "56761188-7520-42d8-8898-ff6fc54ce618",
        "from": "Acme <onboarding@resend.dev>",
        "to": [_ADDRESS],
        "subject": "For Ann Sparrow",
        "tags": [{"name": "category", "value": "confirm_email"}],
    },
}
_CONTACT = {
    "type": "contact.updated",
    "created_at": "2024-10-11T23:47:56.678Z",
    "data": {
        "id": "e169aa45-1ecf-4183-9955-b1499d5701d3",
        "audience_id": "78261eea-8f8b-4381-83c6-79fa7120f1cf",
        "updated_at": "2024-10-11T23:47:56.678Z",
        "email": _ADDRESS,
        "first_name": "Ann",
        "last_name": "Sparrow",
        "unsubscribed": True,
    },
}
_SVIX_KEY = b"a key of twenty-four bytes"


def _resend(event_type: str, **data: Any) -> dict[str, Any]:
    return {**_RESEND, "type": event_type, "data": {**_RESEND["data"], **data}}


def _svix(body: bytes, at_s: float) -> dict[str, str]:
    head = {"svix-id": f"msg_{hashlib.sha256(body).hexdigest()[:8]}", "svix-timestamp": f"{at_s:.0f}"}
    signature = hmac_of(_SVIX_KEY, f"{head['svix-id']}.{head['svix-timestamp']}.".encode() + body)
    return {**head, "svix-signature": f"v1,{hmac_of(b'older', body)} v1,{signature} v1a,{signature}"}


RESEND = Sample(
    "resend",
    calls={
        **{name: _resend(name) for name in ("email.sent", "email.delivered", "email.opened", "email.complained")},
        "email.clicked": _resend(
            "email.clicked",
            click={"ipAddress": "122.115.53.11", "link": "https://resend.com", "timestamp": "2024-11-24T05:00:57.163Z"},
        ),
        "email.bounced": _resend("email.bounced", bounce={"type": "Permanent", "subType": "Suppressed"}),
        "contact.updated": _CONTACT,
    },
    ignored={
        "email.delivery_delayed": _resend("email.delivery_delayed"),
        "email.bounced: Transient": _resend("email.bounced", bounce={"type": "Transient", "subType": "General"}),
        "contact.updated: subscribed": changed(_CONTACT, "data.unsubscribed", value=False),
    },
    promised={"email.opened": ("type", "created_at")},
    settings={"ingest_resend_secret": f"whsec_{base64.b64encode(_SVIX_KEY).decode()}"},
    sign=_svix,
    tells_time=True,
)

# https://developers.klaviyo.com/en/docs/working_with_system_webhooks
_KLAVIYO: dict[str, Any] = {
    "meta": {
        "timestamp": "2030-03-17T17:46:40.101159+00:00",
        "klaviyo_webhook_id": "01KP4928STE8FKCWB6WDHZ4ZB7",
        "klaviyo_account_id": "WBhXHN",
        "version": "2024-06-28",
    },
    "data": [
        {
            "topic": "event:klaviyo.opened_email",
            "external_id": "73WCCK7JKtE",
            "payload": {
                "data": {
                    "id": "73WCCK7JKtE",
                    "type": "event",
                    "attributes": {
                        "datetime": "2026-04-13T22:16:46+00:00",
                        "timestamp": 1776118606,
                        "event_properties": {
                            "email_address": _ADDRESS,
                            "Subject": "For Ann Sparrow",
                            "$message": "01GDDKASAP8TKDDA2GRZDSVP4H",
                        },
                    },
                    "relationships": {"profile": {"data": {"id": "01KP4EGHH8QJ3N3AY2Z6V7RMDK", "type": "profile"}}},
                }
            },
        }
    ],
}


def _klaviyo(topic: str, **properties: Any) -> dict[str, Any]:
    found = changed(_KLAVIYO, "data.0.topic", f"event:klaviyo.{topic}")
    found = changed(found, "data.0.external_id", f"id-of-{topic}")
    path = "data.0.payload.data.attributes.event_properties"
    for name, value in properties.items():
        found = changed(found, f"{path}.{name}", value)
    return dict(found)


def _klaviyos(body: bytes, at_s: float) -> dict[str, str]:
    """The header's time is in another zone, as real calls have it."""
    del at_s
    made_at = "Tue, 14 Apr 2026 03:50:12 GMT"
    return {
        "klaviyo-webhook-id": "01KP4928STE8FKCWB6WDHZ4ZB7",
        "klaviyo-timestamp": made_at,
        "klaviyo-signature": hmac_of("a-secret-of-klaviyo", body + made_at.encode(), encoding="hex"),
    }


KLAVIYO = Sample(
    "klaviyo",
    calls={
        name: _klaviyo(name)
        for name in (
            "received_email",
            "opened_email",
            "clicked_email",
            "bounced_email",
            "marked_email_as_spam",
            "unsubscribed_from_email_marketing",
            "subscribed_to_email_marketing",
            "subscribed_to_sms_marketing",
            "unsubscribed_from_sms_marketing",
        )
    },
    ignored={
        "sent_sms": _klaviyo("sent_sms"),
        "bounced_email: Soft": _klaviyo("bounced_email", **{"Bounce Type": "Soft"}),
    },
    promised={"opened_email": ("data", "data.0.topic", "data.0.external_id")},
    settings={"ingest_klaviyo_secret": "a-secret-of-klaviyo"},
    sign=_klaviyos,
)

MAIL = (_SENDGRID, _MAILGUN, _POSTMARK, MAILCHIMP, MANDRILL, BREVO, RESEND, KLAVIYO)
