"""Connecting to Redis, alone or as a cluster, in clear or over TLS."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
import redis.asyncio
import redis.asyncio.cluster
import redis.asyncio.sentinel
import redis.cluster
import redis.sentinel
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
    RedisClusterException,
    RedisError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry as BlockingRetry

from stream.errors import StorageError
from stream.settings import Settings
from stream.storage import redis_connections
from stream.urls import SentinelAddress, is_sentinel, sentinel_address

__all__ = [
    "FAILURES",
    "Client",
    "check_access",
    "connect",
    "connect_blocking",
    "connect_or_explain",
    "explained",
    "is_cluster",
]

#: What a command may raise when Redis is away, refuses or does not answer (a cluster has an error of its own).
FAILURES = (RedisError, RedisClusterException, OSError, TimeoutError)

#: redis-py types its clients apart; what is used here is common to all.
Client = Any

#: A step that gets no answer within this time is not retried blindly: its outcome is unknown and is looked up.
_ANSWER_TIMEOUT_S = 15.0
_CONNECT_TIMEOUT_S = 5.0
_BACKOFF = ExponentialBackoff(cap=1.0, base=0.05)

#: What says that no server answers.
_AWAY = (RedisConnectionError, RedisTimeoutError, OSError, TimeoutError)

#: What no waiting changes.
_FOR_GOOD = (ssl.SSLError, AuthenticationError, NoPermissionError)


def connect(settings: Settings) -> Client:
    """Return an asyncio client for the Redis of ``settings`` that speaks bytes.

    Commands are not retried by the client: only the caller knows what is safe to send twice.
    """
    options: dict[str, Any] = {"socket_timeout": _ANSWER_TIMEOUT_S, **_tls(settings)}
    if settings.redis_cluster:
        return _Cluster.from_url(settings.redis_url, **options)
    options |= {
        "socket_connect_timeout": _CONNECT_TIMEOUT_S,
        "socket_keepalive": True,
        "health_check_interval": 30,
        "retry": Retry(_BACKOFF, 0),
    }
    if is_sentinel(settings.redis_url):
        address = sentinel_address(settings.redis_url)
        known = redis.asyncio.sentinel.Sentinel(  # type: ignore[no-untyped-call]
            [*address.sentinels], sentinel_kwargs=_of_sentinels(settings, options)
        )
        kind = redis_connections.SENTINEL_TLS if address.tls else redis_connections.SENTINEL
        pool_class = redis_connections.SentinelPool
        return known.master_for(
            address.service,
            connection_pool_class=pool_class,
            connection_class=kind,
            **_of_primary(address, options),
        )
    client = redis.asyncio.Redis.from_url(settings.redis_url, **options)
    pool = client.connection_pool
    # the scheme of the URL decides on the class, over any that is asked for
    pool.connection_class = redis_connections.OURS[pool.connection_class]
    return client


class _ClusterPipeline(redis.asyncio.cluster.ClusterPipeline):
    """Fails as a command of `_Cluster` does."""

    async def execute(self, *args: Any, **options: Any) -> Any:
        with _closed_by_another_task():
            return await super().execute(*args, **options)


class _Cluster(redis.asyncio.cluster.RedisCluster):
    """redis-py's client of a cluster, whose tasks close each other's connections when a node has died.

    What was about to be sent on such a connection fails with an AttributeError of its missing writer.
    """

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        with _closed_by_another_task():
            return await super().execute_command(*args, **options)

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> _ClusterPipeline:
        if shard_hint:
            raise RedisClusterException("a cluster takes no hint of a shard")
        return _ClusterPipeline(self, transaction)  # type: ignore[abstract]  # a declaration of redis-py without a value


@contextmanager
def _closed_by_another_task() -> Iterator[None]:
    try:
        yield
    except AttributeError as error:
        if error.obj is not None:
            raise
        raise RedisConnectionError("another task closed the connection, because its node is away") from error


def is_cluster(client: Client) -> bool:
    """Whether ``client`` talks to a Redis Cluster, where what asks for no key must say which node it means."""
    return isinstance(client, (redis.asyncio.cluster.RedisCluster, redis.cluster.RedisCluster))


def connect_blocking(
    settings: Settings,
    *,
    timeout_s: float = _ANSWER_TIMEOUT_S,
    connect_timeout_s: float = _CONNECT_TIMEOUT_S,
    retries: int = 1,
) -> Client:
    """Return a blocking client for the Redis of ``settings`` that speaks bytes.

    ``retries``: how often a command is sent again after its connection broke; 0 where twice is not the same as once
    (a cluster has its own rules). A command without an answer for ``timeout_s`` is not sent again, as the next one
    would wait as long. The first answer of a server is waited for as long as the connection. For a cluster it connects
    at once, and raises what `FAILURES` lists.
    """
    options: dict[str, Any] = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": connect_timeout_s,
        **_tls(settings),
    }
    if settings.redis_cluster:
        # redis-py asks again, and looks for the nodes anew each time: with its ten times nobody would wait for the end
        options |= {"socket_timeout": min(timeout_s, connect_timeout_s), "retry": BlockingRetry(_BACKOFF, 1)}
        return redis.cluster.RedisCluster.from_url(settings.redis_url, **options)
    options["retry"] = BlockingRetry(_BACKOFF, retries, supported_errors=(RedisConnectionError,))
    if is_sentinel(settings.redis_url):
        address = sentinel_address(settings.redis_url)
        known = redis.sentinel.Sentinel(  # type: ignore[no-untyped-call]
            [*address.sentinels], sentinel_kwargs=_of_sentinels(settings, options)
        )
        kind = redis_connections.BLOCKING_SENTINEL_TLS if address.tls else redis_connections.BLOCKING_SENTINEL
        pool_class = redis_connections.BlockingSentinelPool
        return known.master_for(  # type: ignore[no-untyped-call]
            address.service,
            connection_pool_class=pool_class,
            connection_class=kind,
            **_of_primary(address, options),
        )
    client = redis.Redis.from_url(settings.redis_url, **options)
    pool = client.connection_pool
    pool.connection_class = redis_connections.OURS[pool.connection_class]
    return client


def connect_or_explain(settings: Settings, *, timeout_s: float = _ANSWER_TIMEOUT_S, retries: int = 1) -> Client:
    """`connect_blocking` for commands of people: raises `StorageError` with what to check."""
    try:
        return connect_blocking(settings, timeout_s=timeout_s, retries=retries)
    except FAILURES as error:
        raise StorageError(f"Redis cannot be reached: {explained(error)}") from error


def check_access(settings: Settings) -> bool:
    """Whether the Redis of ``settings`` answers. Raises `StorageError` when it does, and no waiting will help.

    That is a certificate that is not to be trusted, or a user who is refused. A Redis that is away is no error: it may
    come.
    """
    try:
        with connect_blocking(settings, timeout_s=_CONNECT_TIMEOUT_S) as client:
            client.ping()
    except FAILURES as error:
        if any(isinstance(cause, _FOR_GOOD) for cause in _causes(error)):
            address = settings.masked()["redis_url"]
            raise StorageError(f"Redis at {address} cannot be used: {explained(error)}") from error
        return False
    return True


def explained(error: BaseException) -> str:
    """One line that says what went wrong with a connection and, where that is known, what to set."""
    causes = [*_causes(error)]
    line = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".")
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            what = cause.verify_message
            return f"the server's certificate is refused ({what}): check redis_ca_file and the host name"
        if isinstance(cause, ssl.SSLError):
            return f"no TLS connection ({cause.reason or cause}): check redis_url, redis_cert_file and redis_key_file"
        if isinstance(cause, AuthenticationError):
            return f"{line}: check user and password in redis_url"
    if isinstance(error, RedisClusterException):
        return f"{line}: check redis_url and redis_cluster"
    if isinstance(error, _AWAY) and not isinstance(error, BusyLoadingError):
        return f"{line}: check redis_url and that the server runs"
    return line


def _of_primary(address: SentinelAddress, options: dict[str, Any]) -> dict[str, Any]:
    """Options of connections to the primary that sentinels name."""
    return {
        **options,
        "db": address.database,
        "username": address.username or None,
        "password": address.password or None,
    }


def _of_sentinels(settings: Settings, options: dict[str, Any]) -> dict[str, Any]:
    """Options of connections to the sentinels themselves, which have a password of their own or none."""
    return {
        **options,
        "password": settings.redis_sentinel_password or None,
        # one that is away must not hold up the others
        "socket_timeout": _CONNECT_TIMEOUT_S,
        **({"ssl": True} if "ssl_cert_reqs" in options else {}),
    }


def _tls(settings: Settings) -> dict[str, Any]:
    if not settings.redis_url.startswith(("rediss://", "rediss+")):
        return {}
    return {
        **settings.redis_tls(),
        "ssl_cert_reqs": "required",
        # the default only of later releases
        "ssl_check_hostname": True,
        "ssl_min_version": ssl.TLSVersion.TLSv1_2,
    }


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
