"""When a client that publishes is of no use any more."""

from typing import Final

from confluent_kafka import KafkaError

__all__ = ["is_given_up"]

#: Beside librdkafka's own fatal errors: the broker does not know this producer any more. That outlasts any retry.
_GIVEN_UP: Final = frozenset(
    {
        KafkaError._FATAL,  # noqa: SLF001 - librdkafka's name
        KafkaError.PRODUCER_FENCED,
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.UNKNOWN_PRODUCER_ID,
    }
)


def is_given_up(error: KafkaError) -> bool:
    """Whether the client that got ``error`` can publish nothing any more. A new one may."""
    return error.fatal() or error.code() in _GIVEN_UP
