"""Credentials for Faust from the settings."""

from __future__ import annotations

import ssl
from typing import Any

import faust

from stream.errors import SettingsError
from stream.settings import Settings

__all__ = ["broker_credentials"]


def broker_credentials(settings: Settings) -> Any:
    """What ``faust.App(broker_credentials=...)`` takes; None for PLAINTEXT.

    The TLS context is always passed with SASL over TLS: without one Faust falls back to SASL in clear text. Raises
    `SettingsError` for files that are no certificates or do not belong together.
    """
    protocol = settings.kafka_security_protocol
    if protocol == "PLAINTEXT":
        return None
    context = None
    if protocol in ("SSL", "SASL_SSL"):
        try:
            context = ssl.create_default_context(cafile=settings.kafka_ssl_ca_file or None)
            if settings.kafka_ssl_cert_file:
                context.load_cert_chain(settings.kafka_ssl_cert_file, settings.kafka_ssl_key_file)
        except OSError as error:  # an SSLError is one
            raise SettingsError(
                f"the files of kafka_ssl_ca_file, kafka_ssl_cert_file and kafka_ssl_key_file cannot be used: {error}"
            ) from error
    if protocol == "SSL":
        return faust.SSLCredentials(context=context)
    return faust.SASLCredentials(
        username=settings.kafka_sasl_username,
        password=settings.kafka_sasl_password,
        mechanism=settings.kafka_sasl_mechanism,
        ssl_context=context,
    )
