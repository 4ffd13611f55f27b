"""How commands reach Kafka: clients with the settings' addresses and credentials, and errors that help."""

import logging

from confluent_kafka import KafkaException
from confluent_kafka.admin._metadata import ClusterMetadata

from stream.agents.kafka_access import FrankAdminClient
from stream.errors import TopologyError
from stream.settings import Settings

__all__ = ["TIMEOUT_S", "admin_client", "client_config", "cluster_metadata", "silent"]

#: How long the first answer of a broker is waited for: a busy one gives it in time, one that is frozen never does.
TIMEOUT_S = 5.0

# What goes wrong is reported once, by the command; librdkafka would repeat it for every retry.
silent = logging.getLogger("stream.cli.kafka.librdkafka")
silent.propagate = False
silent.addHandler(logging.NullHandler())


def client_config(settings: Settings, **options: str | float | bool) -> dict[str, str | float | bool]:
    """Configuration of a librdkafka client; ``options`` use ``_`` for ``.`` (``enable_idempotence=True``)."""
    return {
        **settings.librdkafka(),
        "client.id": "stream-cli",
        **{name.replace("_", "."): value for name, value in options.items()},
    }


def admin_client(settings: Settings) -> FrankAdminClient:
    """A client for topics and metadata; connects on first use."""
    return FrankAdminClient(client_config(settings), logger=silent)


def cluster_metadata(
    settings: Settings, admin: FrankAdminClient | None = None, timeout_s: float = TIMEOUT_S
) -> ClusterMetadata:
    """Brokers and topics. Raises `TopologyError` when no broker answers in ``timeout_s``."""
    client = admin or admin_client(settings)
    try:
        return client.metadata(timeout_s)
    except KafkaException as error:
        raise TopologyError(
            f"no Kafka broker answers at {settings.kafka_bootstrap} ({client.refusal() or error.args[0].str()}): "
            "run `stream up`, or set STREAM_KAFKA_BOOTSTRAP; check kafka_security_protocol and the credentials"
        ) from error
