"""A server that is away, which is the fault, told from a harness that is wrong."""

import redis
from confluent_kafka import KafkaException
from redis.exceptions import RedisClusterException

from tests.kafka.transient import is_transient

__all__ = ["is_away"]


def is_away(error: Exception) -> bool:
    """Whether a server did not answer, or asks for patience."""
    if isinstance(error, KafkaException):
        return is_transient(error)
    # what a cluster's client raises when slots are not served is no RedisError
    return isinstance(error, redis.RedisError | RedisClusterException)
