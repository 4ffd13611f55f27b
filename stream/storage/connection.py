"""Connecting to Redis, alone or as a cluster, in clear or over TLS."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import Any

import redis
import redis.asyncio
import redis.asyncio.cluster
import redis.cluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisClusterException, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry as BlockingRetry

from stream.errors import StorageError
from stream.settings import Settings

__all__ = ["FAILURES", "Client", "check_access", "connect", "connect_blocking", "connect_or_explain", "explained"]

#: What a command may raise when Redis is away, refuses or does not answer (a cluster has an error of its own).
FAILURES = (RedisError, RedisClusterException, OSError, TimeoutError)

#: redis-py types its clients apart; what is used here is common to all.
Client = Any

#: A step that gets no answer within this time is not retried blindly: its outcome is unknown and is looked up.
_ANSWER_TIMEOUT_S = 15.0
_CONNECT_TIMEOUT_S = 5.0
#: A command of so many arguments is packed here; its name must be one word.
_MANY_ARGUMENTS = 64
_BACKOFF = ExponentialBackoff(cap=1.0, base=0.05)

#: What no waiting changes.
_FOR_GOOD = (ssl.SSLError, AuthenticationError, NoPermissionError)


def connect(settings: Settings) -> Client:
    """Return an asyncio client for the Redis of ``settings`` that speaks bytes.

    Commands are not retried by the client: only the caller knows what is safe to send twice.
    """
    options: dict[str, Any] = {"socket_timeout": _ANSWER_TIMEOUT_S, **_tls(settings)}
    if settings.redis_cluster:
        return _Cluster.from_url(settings.redis_url, **options)
    client = redis.asyncio.Redis.from_url(
        settings.redis_url,
        socket_connect_timeout=_CONNECT_TIMEOUT_S,
        socket_keepalive=True,
        health_check_interval=30,
        retry=Retry(_BACKOFF, 0),
        **options,
    )
    pool = client.connection_pool
    # the scheme of the URL decides on the class, over any that is asked for
    pool.connection_class = _PACKING[pool.connection_class]
    return client


@lru_cache(maxsize=65_536)
def _length(octets: int) -> bytes:
    """What stands between an argument of so many octets and the one before it."""
    return b"\r\n$%d\r\n" % octets


class _Packing:
    """Packs commands of very many arguments, as a step's script has them, three times as fast as redis-py."""

    def pack_command(self, *args: Any) -> list[bytes]:
        if len(args) < _MANY_ARGUMENTS:
            return super().pack_command(*args)  # type: ignore[misc, no-any-return]  # of the connection that this is mixed into
        octets = [arg if isinstance(arg, bytes) else str(arg).encode() for arg in args]
        lengths = map(_length, map(len, octets))
        # one join: a step's command has megabytes, and adding to them would copy them
        arguments = chain.from_iterable(zip(lengths, octets, strict=True))
        return [b"".join(chain((b"*%d" % len(args),), arguments, (b"\r\n",)))]


class _Connection(_Packing, redis.asyncio.Connection):
    pass


class _TlsConnection(_Packing, redis.asyncio.SSLConnection):
    pass


_PACKING: dict[Any, Any] = {
    redis.asyncio.Connection: _Connection,
    redis.asyncio.SSLConnection: _TlsConnection,
}


class _Cluster(redis.asyncio.cluster.RedisCluster):
    """redis-py's client of a cluster, whose tasks close each other's connections when a node has died.

    A command that was about to be sent on such a connection fails with an AttributeError of its missing writer.
    """

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().execute_command(*args, **options)
        except AttributeError as error:
            if error.obj is not None:
                raise
            raise RedisConnectionError("another task closed the connection, because its node is away") from error


def connect_blocking(
    settings: Settings,
    *,
    timeout_s: float = _ANSWER_TIMEOUT_S,
    connect_timeout_s: float = _CONNECT_TIMEOUT_S,
    retries: int = 1,
) -> Client:
    """Return a blocking client for the Redis of ``settings`` that speaks bytes.

    ``retries``: how often a command is sent again after its connection broke; 0 where twice is not the same as once
    (a cluster has its own rules). For a cluster it connects at once, and raises what `FAILURES` lists.
    """
    options: dict[str, Any] = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": connect_timeout_s,
        **_tls(settings),
    }
    if settings.redis_cluster:
        return redis.cluster.RedisCluster.from_url(settings.redis_url, **options)
    return redis.Redis.from_url(settings.redis_url, retry=BlockingRetry(_BACKOFF, retries), **options)


def connect_or_explain(settings: Settings, *, timeout_s: float = _ANSWER_TIMEOUT_S, retries: int = 1) -> Client:
    """`connect_blocking` for commands of people: raises `StorageError` with what to check."""
    try:
        return connect_blocking(settings, timeout_s=timeout_s, retries=retries)
    except FAILURES as error:
        raise StorageError(f"Redis cannot be reached: {explained(error)}: check redis_url and redis_cluster") from error


def check_access(settings: Settings) -> None:
    """Raise `StorageError` when the Redis of ``settings`` answers and no waiting will help.

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


def explained(error: BaseException) -> str:
    """One line that says what went wrong with a connection and, where that is known, what to set."""
    causes = [*_causes(error)]
    line = " ".join(f"{type(error).__name__}: {error}".split())
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            what = cause.verify_message
            return f"the server's certificate is refused ({what}): check redis_ca_file and the host name"
        if isinstance(cause, ssl.SSLError):
            return f"no TLS connection ({cause.reason or cause}): check redis_url, redis_cert_file and redis_key_file"
        if isinstance(cause, AuthenticationError):
            return f"{line}: check user and password in redis_url"
    return line


def _tls(settings: Settings) -> dict[str, Any]:
    if not settings.redis_url.startswith("rediss://"):
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
