"""Records of a command, published and confirmed."""

from collections.abc import Iterable, Sequence
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from stream.cli.kafka import client_config, cluster_metadata, silent
from stream.errors import PublishError, TopologyError
from stream.settings import Settings

__all__ = ["publish_all", "publish_one"]

DELIVERY_TIMEOUT_S: Final = 15.0


def publish_one(
    settings: Settings,
    topic: str,
    key: bytes,
    value: bytes,
    what: str,
    headers: Sequence[tuple[str, bytes | None]] = (),
) -> None:
    """Publish ``what`` (a word for messages). Raises `TopologyError` without the topic, `PublishError` if refused."""
    publish_all(settings, topic, [(key, value)], what, headers)


def publish_all(
    settings: Settings,
    topic: str,
    records: Iterable[tuple[bytes, bytes]],
    what: str,
    headers: Sequence[tuple[str, bytes | None]] = (),
) -> None:
    """Publish keys and values, all with ``headers``, as `publish_one`; after an error some may have been published."""
    if topic not in cluster_metadata(settings).topics:
        raise TopologyError(f"no topic {topic} at {settings.kafka_bootstrap}: stream topics create")
    producer = Producer(
        client_config(
            settings,
            enable_idempotence=True,
            partitioner="murmur2_random",
            delivery_timeout_ms=int(DELIVERY_TIMEOUT_S * 1000),
        ),
        logger=silent,
    )
    refused: list[KafkaError] = []

    def delivered(error: KafkaError | None, message: Message) -> None:
        del message
        if error is not None:
            refused.append(error)

    try:
        for key, value in records:
            producer.produce(topic, value, key, on_delivery=delivered, headers=[*headers])
            producer.poll(0)
    except KafkaException as error:
        raise PublishError(f"the {what} was not accepted: {error.args[0].str()}") from error
    if producer.flush(DELIVERY_TIMEOUT_S + 1) or refused:
        raise PublishError(f"the {what} was not accepted: {refused[0].str() if refused else 'no answer in time'}")
