"""When another Redis becomes the primary, clients follow: by its name, or by asking sentinels."""

import asyncio
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from stream.errors import SettingsError
from stream.local.redis import EmbeddedRedis, _program
from stream.local.server_process import HOST
from stream.settings import Settings
from stream.storage.connection import FAILURES, connect, connect_blocking
from stream.urls import masked

WRITE = b"return redis.call('SET', KEYS[1], ARGV[1])"


class Name:
    """A name that leads to one server, and later to another. Open connections stay with theirs."""

    def __init__(self, target: int) -> None:
        self.target = target
        self._server = socket.create_server((HOST, 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            there = socket.create_connection((HOST, self.target))
            for source, sink in ((client, there), (there, client)):
                threading.Thread(target=_copy, args=(source, sink), daemon=True).start()

    def close(self) -> None:
        self._server.close()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while raw := source.recv(65_536):
            sink.sendall(raw)
    except OSError:
        pass
    for end in (source, sink):
        end.close()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[EmbeddedRedis, EmbeddedRedis]]:
    """A primary and its replica, in step."""
    first, second = (EmbeddedRedis(tmp_path / name, appendonly=False) for name in ("first", "second"))
    for directory in ("first", "second"):
        (tmp_path / directory).mkdir()
    first.start()
    try:
        second.start()
        try:
            direct(second).replicaof(HOST, first.port)
            until(lambda: direct(second).info("replication")["master_link_status"] == "up")
            yield first, second
        finally:
            second.stop()
    finally:
        first.stop()


def direct(server: EmbeddedRedis) -> Any:
    return redis.Redis(host=HOST, port=server.port)


def until(holds: Callable[[], bool], wait_s: float = 60.0) -> None:
    deadline = time.monotonic() + wait_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def swap(old: EmbeddedRedis, new: EmbeddedRedis) -> None:
    direct(new).replicaof("NO", "ONE")
    direct(old).replicaof(HOST, new.port)
    until(lambda: direct(old).info("replication")["role"] == "slave")


@pytest.mark.parametrize("script", [False, True])
def test_a_client_leaves_a_primary_that_has_become_a_replica(
    pair: tuple[EmbeddedRedis, EmbeddedRedis], script: bool
) -> None:
    first, second = pair
    name = Name(first.port)
    settings = Settings(redis_url=f"redis://{HOST}:{name.port}/0")

    async def scenario() -> None:
        client = connect(settings)

        async def write(value: bytes) -> None:
            await (client.eval(WRITE, 1, "k", value) if script else client.set("k", value))

        try:
            await write(b"before")
            name.target = second.port
            swap(first, second)
            with pytest.raises(redis.ConnectionError, match="replica now"):
                await write(b"lost")
            await write(b"after")
        finally:
            await client.aclose()
        assert direct(second).get("k") == b"after"

    try:
        with connect_blocking(settings, retries=0) as blocking:
            blocking.set("k", b"x")
            asyncio.run(scenario())
            with pytest.raises(redis.ConnectionError, match="replica now"):
                blocking.set("k", b"y")
            blocking.set("k", b"z")
        assert direct(second).get("k") == b"z"
    finally:
        name.close()


@contextmanager
def sentinel(primary: EmbeddedRedis, directory: Path) -> Iterator[int]:
    """A sentinel that watches ``primary`` under the name ``shop``; its port."""
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    file = directory / "sentinel.conf"
    file.write_text(
        f"port {port}\nbind {HOST}\nrequirepass of-the-sentinel\nsentinel monitor shop {HOST} {primary.port} 1\n"
        "sentinel down-after-milliseconds shop 1000\nsentinel failover-timeout shop 5000\n"
    )
    with (directory / "sentinel.log").open("wb") as log:
        process = subprocess.Popen([_program(), str(file), "--sentinel"], stdout=log, stderr=log)
    try:
        asked = redis.Redis(host=HOST, port=port, password="of-the-sentinel")

        def knows_the_replica() -> bool:
            try:
                return len(asked.sentinel_slaves("shop")) == 1
            except redis.ConnectionError:
                return False

        until(knows_the_replica)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def test_sentinels_are_asked_for_the_primary(pair: tuple[EmbeddedRedis, EmbeddedRedis], tmp_path: Path) -> None:
    first, second = pair
    with sentinel(first, tmp_path) as port:
        settings = Settings(
            # the first of them is away
            redis_url=f"redis+sentinel://{HOST}:1,{HOST}:{port}/shop/0",
            redis_sentinel_password="of-the-sentinel",
        )

        async def write_until_taken(client: Any, value: bytes) -> None:
            async with asyncio.timeout(60):
                while True:
                    try:
                        await client.set("k", value)
                    except FAILURES:
                        await asyncio.sleep(0.1)
                    else:
                        return

        async def scenario() -> None:
            client = connect(settings)
            try:
                await client.set("k", b"before")
                assert direct(first).get("k") == b"before"
                until(lambda: direct(second).get("k") == b"before")
                first.kill()
                await write_until_taken(client, b"after")
            finally:
                await client.aclose()

        asyncio.run(scenario())
        assert direct(second).get("k") == b"after"
        with connect_blocking(settings) as blocking:
            assert blocking.get("k") == b"after"


@pytest.mark.parametrize(
    ("url", "more", "said"),
    [
        ("redis+sentinel://h:1", {}, "expected redis"),
        ("redis+sentinel://h:1/", {}, "expected redis"),
        ("redis+sentinel://:p#ss@h:1/shop", {}, "percent-encode"),
        ("redis+sentinel://:p/ss@h:1/shop", {}, "percent-encode"),
        ("redis+sentinel://h:1/shop", {"redis_cluster": True}, "a Redis Cluster has no sentinels"),
        ("redis://h:1/0", {"redis_sentinel_password": "x"}, "has no effect without Sentinel"),
        ("redis+sentinel://h:1/shop", {"redis_ca_file": __file__}, "has no effect without TLS"),
    ],
)
def test_an_invalid_address_of_sentinels_is_refused(url: str, more: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        Settings(redis_url=url, **more)
    assert "ss@" not in str(refused.value)


def test_an_address_of_sentinels_shows_no_password() -> None:
    assert masked("redis+sentinel://ann:s3cret@a:1,b:2/shop/0") == "redis+sentinel://ann:***@a:1,b:2/shop/0"
    assert Settings(redis_url="rediss+sentinel://a:1,b/shop", redis_ca_file=__file__).redis_tls()
