"""Connecting to Redis, alone or as a cluster."""

from __future__ import annotations

from typing import Any

import redis.asyncio
import redis.asyncio.cluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisClusterException, RedisError

__all__ = ["FAILURES", "Client", "connect"]

#: What a command may raise when Redis is away, refuses or does not answer (a cluster has an error of its own).
FAILURES = (RedisError, RedisClusterException, OSError, TimeoutError)

#: redis-py types its two clients apart; what is used here is common to both.
Client = Any

#: A step that gets no answer within this time is not retried blindly: its outcome is unknown and is looked up.
_ANSWER_TIMEOUT_S = 15.0


def connect(url: str, *, cluster: bool) -> Client:
    """Return an asyncio client for ``url`` (redis:// or rediss://) that speaks bytes.

    Commands are not retried by the client: only the caller knows what is safe to send twice.
    """
    if cluster:
        return redis.asyncio.cluster.RedisCluster.from_url(url, socket_timeout=_ANSWER_TIMEOUT_S)
    return redis.asyncio.Redis.from_url(
        url,
        socket_timeout=_ANSWER_TIMEOUT_S,
        socket_connect_timeout=5.0,
        socket_keepalive=True,
        health_check_interval=30,
        retry=Retry(ExponentialBackoff(cap=1.0, base=0.05), 0),
    )
