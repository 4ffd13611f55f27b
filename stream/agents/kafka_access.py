"""Why a broker refuses a client: librdkafka tells it in passing, and its calls then only time out."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._metadata import ClusterMetadata

from stream.errors import SettingsError, TopologyError
from stream.settings import Settings

__all__ = ["FrankAdminClient", "check_brokers", "wait_for_brokers"]

_LOG = logging.getLogger(__name__)

#: What no waiting changes: a certificate or a password.
_FOR_GOOD = frozenset(
    {
        KafkaError._SSL,  # noqa: SLF001 - librdkafka's own codes are named so
        KafkaError._AUTHENTICATION,  # noqa: SLF001
        KafkaError.SASL_AUTHENTICATION_FAILED,
    }
)
_ANSWER_TIMEOUT_S = 3.0
#: How often it is looked whether a broker has refused in the meantime.
_SLICE_S = 0.5

# the one line that matters is raised; librdkafka would repeat it for every attempt
_silent = logging.getLogger("stream.agents.kafka_access.librdkafka")
_silent.propagate = False
_silent.addHandler(logging.NullHandler())


class FrankAdminClient(AdminClient):
    """An `AdminClient` that remembers why it was refused. Raises `SettingsError` for files that it cannot read."""

    def __init__(self, config: Mapping[str, Any], logger: logging.Logger = _silent) -> None:
        self._refusals: list[KafkaError] = []
        options: dict[str, Any] = {**config, "error_cb": self._note}
        try:
            super().__init__(options, logger=logger)
        except KafkaException as error:  # files are read here
            reason = " ".join(error.args[0].str().split())
            raise SettingsError(f"the settings kafka_... make no Kafka client: {reason}") from error

    def _note(self, error: KafkaError) -> None:
        if error.code() in _FOR_GOOD:
            self._refusals.append(error)

    def metadata(self, timeout_s: float) -> ClusterMetadata:
        """Brokers and topics. Raises ``KafkaException`` when none answers in ``timeout_s``, or when one refuses."""
        deadline = time.monotonic() + timeout_s
        while True:
            left_s = deadline - time.monotonic()
            try:
                return self.list_topics(timeout=max(min(left_s, _SLICE_S), 0.01))
            except KafkaException:
                if left_s <= _SLICE_S or self.refusal():
                    raise

    def refusal(self) -> str:
        """The last reason for which a broker, or this side, closed a connection; empty when there was none."""
        self.poll(0.1)  # errors wait here until they are asked for
        return " ".join(self._refusals[-1].str().split()) if self._refusals else ""


def wait_for_brokers(settings: Settings) -> None:
    """Return when a broker of ``settings`` answers; say once that it is waited for. Raises as `check_brokers` does."""
    client = FrankAdminClient(settings.librdkafka())
    began = time.monotonic()
    if _answers(settings, client):
        return
    _LOG.warning("no broker answers at %s; waiting for one (setting kafka_bootstrap)", settings.kafka_bootstrap)
    while not _answers(settings, client):
        pass
    _LOG.info("a broker at %s answers after %.0f s", settings.kafka_bootstrap, time.monotonic() - began)


def check_brokers(settings: Settings) -> None:
    """Raise `TopologyError` when the brokers of ``settings`` answer, and refuse; brokers that are away may come."""
    _answers(settings, FrankAdminClient(settings.librdkafka()))


def _answers(settings: Settings, client: FrankAdminClient) -> bool:
    try:
        client.metadata(_ANSWER_TIMEOUT_S)
    except KafkaException as error:
        if refusal := client.refusal():
            raise TopologyError(
                f"Kafka at {settings.kafka_bootstrap} cannot be used: {refusal}: check kafka_security_protocol, "
                "the credentials and kafka_ssl_ca_file"
            ) from error
        return False
    return True
