"""Tells an unreachable server, which is the fault, from an error of the harness."""

import redis
from confluent_kafka import KafkaException
from redis.exceptions import RedisClusterException

from tests.kafka.transient import is_transient

__all__ = ["is_away"]


def is_away(error: Exception) -> bool:
    """Whether a server did not answer, or asks for patience."""
    if isinstance(error, KafkaException):
        return is_transient(error)
    # a cluster's client raises no RedisError when slots are not served
    return isinstance(error, redis.RedisError | RedisClusterException)
