"""The adapters of an installation: which there are, and what its settings let them verify."""

from types import MappingProxyType
from typing import Final

from stream.adapters import (
    brevo,
    cloudevents,
    freshdesk,
    googleforms,
    hubspot,
    intercom,
    judgeme,
    klaviyo,
    mailchimp,
    mailgun,
    mandrill,
    postmark,
    resend,
    satismeter,
    segment,
    sendgrid,
    ses,
    shopify,
    stripe,
    surveymonkey,
    trustpilot,
    typeform,
    woocommerce,
    zendesk,
)
from stream.adapters.adapter import Adapter
from stream.adapters.customers import CustomerFinder
from stream.adapters.event_table import EventTable
from stream.settings import Settings

__all__ = ["ADAPTER_NAMES", "TABLES", "adapters_of"]

_MODULES: Final = (
    segment,
    cloudevents,
    shopify,
    woocommerce,
    stripe,
    sendgrid,
    mailgun,
    postmark,
    mailchimp,
    mandrill,
    brevo,
    resend,
    ses,
    klaviyo,
    typeform,
    googleforms,
    surveymonkey,
    zendesk,
    freshdesk,
    intercom,
    hubspot,
    trustpilot,
    judgeme,
    satismeter,
)

ADAPTER_NAMES: Final = tuple(module.PROVIDER.name for module in _MODULES)

#: The table of each provider. CloudEvents has none: their data are events of ours.
TABLES: Final[MappingProxyType[str, EventTable]] = MappingProxyType(
    {module.PROVIDER.name: module.TABLE for module in _MODULES if module is not cloudevents}
)


def adapters_of(settings: Settings) -> dict[str, Adapter]:
    """Every adapter by name. Raises `SettingsError` for a key that is none, or credentials that are incomplete."""
    customers = CustomerFinder(
        settings.ingest_customer_key, settings.ingest_email_customers == "hash", joins=bool(settings.identity_key)
    )
    return {module.PROVIDER.name: module.PROVIDER.adapter(settings, customers) for module in _MODULES}
