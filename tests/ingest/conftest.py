"""One running endpoint for the tests that do not change it."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from stream.local.broker import EmbeddedBroker
from stream.settings import Settings
from tests.adapters.samples_feedback import FEEDBACK
from tests.adapters.samples_mail import MAIL
from tests.adapters.samples_shops import SHOPS
from tests.agents.topics import create
from tests.ingest.running import TOKEN, Reader, Running

#: The keys that verify these providers' samples.
VERIFIED = (
    *("shopify", "woocommerce", "stripe", "mandrill", "resend"),
    *("typeform", "zendesk", "intercom", "hubspot"),
)
SIGNED: dict[str, Any] = {
    name: value
    for sample in (*SHOPS, *MAIL, *FEEDBACK)
    if sample.name in VERIFIED
    for name, value in sample.settings.items()
}


@pytest.fixture(scope="session")
def ingest_settings(broker: EmbeddedBroker) -> Settings:
    settings = Settings(
        kafka_bootstrap=broker.bootstrap,
        topic_prefix=f"i{uuid.uuid4().hex[:8]}.",
        partitions=3,
        ingest_token=f"{TOKEN},the-token-before-this-one",
        ingest_max_bytes=200_000,
        ingest_max_events=1000,
        ingest_read_timeout_s=1.5,
        ingest_postmark_username="postmark",
        ingest_postmark_password="a-password",
        ingest_mailgun_signing_key="key",
        **SIGNED,
    )
    create(broker.bootstrap, settings.topics.items())
    return settings


@pytest.fixture(scope="session")
def ingest(ingest_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(ingest_settings, tmp_path_factory.mktemp("ingest")) as running:
        yield running


@pytest.fixture(scope="session")
def clicks(ingest_settings: Settings) -> Iterator[Reader]:
    reader = Reader(ingest_settings, ingest_settings.events_click)
    yield reader
    reader.close()


@pytest.fixture(scope="session")
def emails(ingest_settings: Settings) -> Iterator[Reader]:
    reader = Reader(ingest_settings, ingest_settings.events_email)
    yield reader
    reader.close()


@pytest.fixture(scope="session")
def purchases(ingest_settings: Settings) -> Iterator[Reader]:
    reader = Reader(ingest_settings, ingest_settings.events_purchase)
    yield reader
    reader.close()
