"""Who waits for workers waits for a server that is being started again, too, and not for ever."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from stream.cli import settle
from stream.cli.settle import wait_until_settled
from stream.cli.topics import create_topics
from stream.errors import StorageError, StreamError, TopologyError
from stream.local.durable_broker import DurableBroker
from stream.local.redis import EmbeddedRedis
from stream.local.server_process import LocalServer
from stream.settings import Settings

Servers = tuple[Settings, dict[str, LocalServer]]


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    with DurableBroker(tmp_path / "broker") as broker, EmbeddedRedis(tmp_path / "redis") as redis:
        settings = Settings(kafka_bootstrap=broker.bootstrap, redis_url=redis.url, partitions=2)
        create_topics(settings)
        yield settings, {"broker": broker, "redis": redis}


@pytest.mark.parametrize("name", ["broker", "redis"])
def test_a_server_that_is_started_again_is_waited_for(
    servers: Servers, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, running = servers
    running[name].kill()
    tried = threading.Event()
    settle_once = settle._settle

    def settled(*given: Any) -> None:
        try:
            settle_once(*given)
        finally:
            tried.set()

    monkeypatch.setattr(settle, "_settle", settled)
    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(wait_until_settled, settings)
        assert tried.wait(60)
        assert not waiting.done()
        # a server ends with the thread that started it
        running[name].start()
        waiting.result(120)


@pytest.mark.parametrize(("name", "error"), [("broker", TopologyError), ("redis", StorageError)])
def test_a_server_that_stays_away_is_told(
    servers: Servers, name: str, error: type[StreamError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle, "_AWAY_S", 0.5)
    settings, running = servers
    running[name].kill()
    with pytest.raises(error):
        wait_until_settled(settings)
