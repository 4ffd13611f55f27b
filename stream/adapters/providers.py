"""The adapters of an installation: which there are, and what its settings let them verify."""

from functools import partial
from typing import Final

from stream.adapters import cloudevents, mailgun, postmark, segment, sendgrid, signatures
from stream.adapters.adapter import Adapter
from stream.adapters.customer import MailCustomers
from stream.errors import SettingsError
from stream.settings import Settings

__all__ = ["ADAPTER_NAMES", "adapters_of"]

ADAPTER_NAMES: Final = ("segment", "cloudevents", "sendgrid", "mailgun", "postmark")

#: What tells Mailgun not to send the same again; any other status but 200 makes it repeat for eight hours.
_NOT_ACCEPTABLE: Final = 406


def adapters_of(settings: Settings) -> dict[str, Adapter]:
    """Every adapter by name. Raises `SettingsError` for a key that is none, or credentials that are incomplete."""
    customers = MailCustomers(settings.ingest_customer_key, settings.ingest_email_customers == "hash")
    segment_secret, signing_key = settings.ingest_segment_secret, settings.ingest_mailgun_signing_key
    public_key = settings.ingest_sendgrid_public_key
    username, password = settings.ingest_postmark_username, settings.ingest_postmark_password
    max_age_s = settings.ingest_signature_age_h * 3600
    if bool(username) != bool(password):
        raise SettingsError(
            "ingest_postmark_username and ingest_postmark_password belong together: set both, as they are in the URL of"
            " the webhook, or neither"
        )
    adapters = (
        Adapter("segment", segment.translate, signatures.segment(segment_secret) if segment_secret else None),
        Adapter("cloudevents", cloudevents.translate),
        Adapter(
            "sendgrid",
            partial(sendgrid.translate, customers=customers),
            signatures.sendgrid(public_key, max_age_s=max_age_s) if public_key else None,
        ),
        Adapter(
            "mailgun",
            partial(mailgun.translate, customers=customers),
            signatures.mailgun(signing_key, max_age_s=max_age_s) if signing_key else None,
            refusal_status=_NOT_ACCEPTABLE,
            form_status=_NOT_ACCEPTABLE,
            form_advice="use the JSON webhooks (Sending, Webhooks in Mailgun), not the legacy ones, which post forms",
        ),
        Adapter(
            "postmark",
            partial(postmark.translate, customers=customers),
            signatures.postmark(username, password) if username else None,
        ),
    )
    return {adapter.name: adapter for adapter in adapters}
