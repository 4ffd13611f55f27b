"""What an operator must know about a Redis before trusting it with state."""

from dataclasses import dataclass
from typing import Any

import redis
from redis.exceptions import RedisClusterException, RedisError

from stream.errors import StorageError
from stream.settings import Settings
from stream.storage.connection import connect_blocking, explained

__all__ = ["RedisFacts", "diagnose"]


@dataclass(frozen=True, slots=True)
class RedisFacts:
    """One node as it describes itself. Memory in bytes; ``max_memory`` 0 is no limit."""

    version: str
    role: str
    cluster: bool
    append_only: bool
    #: ``always``, ``everysec`` or ``no``; empty when the server does not tell (managed services hide CONFIG).
    append_fsync: str
    #: Whether Redis loads an append-only file that ends within a transaction; empty as above.
    load_truncated: str
    eviction_policy: str
    used_memory: int
    max_memory: int
    #: The server's clock when asked, ms since the epoch.
    clock_ms: int


def diagnose(settings: Settings, *, timeout_s: float) -> list[RedisFacts]:
    """Ask the Redis of ``settings``; of a cluster, each primary.

    Raises `StorageError` when it cannot be reached, refuses the credentials or does not answer in time.
    """
    try:
        with connect_blocking(settings, timeout_s=timeout_s, connect_timeout_s=timeout_s) as client:
            if not settings.redis_cluster:
                return [_facts(client)]
            return [_facts(client.get_redis_connection(node)) for node in client.get_primaries()]
    except (RedisError, RedisClusterException) as error:  # the second is not derived from the first
        raise StorageError(explained(error)) from error


def _facts(client: Any) -> RedisFacts:
    info: dict[str, Any] = client.info()
    seconds, microseconds = client.time()
    return RedisFacts(
        version=str(info["redis_version"]),
        role=str(info["role"]),
        cluster=bool(info.get("cluster_enabled", 0)),
        append_only=bool(info.get("aof_enabled", 0)),
        append_fsync=_configured(client, "appendfsync"),
        load_truncated=_configured(client, "aof-load-truncated"),
        eviction_policy=str(info.get("maxmemory_policy", "")),
        used_memory=int(info["used_memory"]),
        max_memory=int(info.get("maxmemory", 0)),
        clock_ms=seconds * 1000 + microseconds // 1000,
    )


def _configured(client: Any, name: str) -> str:
    try:
        answer = client.config_get(name)
    except redis.ResponseError:  # CONFIG is disabled: unknown is an answer
        return ""
    value = answer.get(name) or answer.get(name.encode()) or ""
    return value.decode() if isinstance(value, bytes) else str(value)
