"""How topics are configured."""

from collections.abc import Iterable

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType

__all__ = ["values_of"]

_TIMEOUT_S = 5.0


def values_of(admin: AdminClient, topics: Iterable[str], key: str) -> dict[str, str]:
    """The value of a key for each of ``topics`` of which a broker tells it.

    It may not be told to everybody (the right DescribeConfigs).
    """
    resources = [ConfigResource(ResourceType.TOPIC, topic) for topic in topics]
    values: dict[str, str] = {}
    for resource, described in (admin.describe_configs(resources) if resources else {}).items():
        try:
            config = described.result(_TIMEOUT_S)
        except (KafkaException, TimeoutError):
            continue
        if key in config:
            values[resource.name] = str(config[key].value)
    return values
