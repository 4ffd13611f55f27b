"""A Redis that hangs is told from one that is busy, soon, and by everybody who asks at once."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.errors import StorageError
from stream.settings import Settings
from stream.storage import redis_connections
from stream.storage.connection import FAILURES, connect_blocking
from stream.storage.overview import Overview
from tests.faults.limited_redis import LimitedRedis
from tests.faults.redis_cluster import RedisCluster


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LimitedRedis]:
    monkeypatch.setattr(redis_connections._FirstAnswer, "_silent_since", {})
    with LimitedRedis(tmp_path / "redis") as server:
        yield server


def test_who_asks_a_frozen_redis_is_told_and_the_next_one_does_not_wait(
    server: LimitedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(redis_url=server.url)
    monkeypatch.setattr(redis_connections, "_SILENT_S", 3600.0)
    server.freeze()
    with Overview(settings) as overview:
        with pytest.raises(StorageError, match="no answer for 5 s: Redis hangs, or has too much to do"):
            overview.totals()
        for _ in range(20):
            with pytest.raises(StorageError, match="no answer a moment ago"):
                overview.totals()
        server.thaw()
        monkeypatch.setattr(redis_connections, "_SILENT_S", 0.0)
        assert overview.totals().claimed == 0


def test_a_redis_that_is_busy_for_a_while_is_waited_for(server: LimitedRedis) -> None:
    server.freeze()
    free = threading.Timer(1.0, server.thaw)
    free.start()
    with Overview(Settings(redis_url=server.url)) as overview:
        assert overview.totals().claimed == 0
    free.join()


def test_a_command_that_gets_no_answer_is_not_sent_again(server: LimitedRedis) -> None:
    """A second wait would be as long, and Redis carries out both when it can."""
    with connect_blocking(Settings(redis_url=server.url), timeout_s=0.5, retries=1) as client:
        assert client.incr("count") == 1
        server.freeze()
        with pytest.raises(FAILURES):
            client.incr("count")
        server.thaw()
        assert client.get("count") == b"2"


def test_a_redis_that_is_away_is_tried_again_at_once(server: LimitedRedis) -> None:
    server.kill()
    with Overview(Settings(redis_url=server.url)) as overview:
        with pytest.raises(StorageError, match="refused"):
            overview.totals()
        server.start()
        assert overview.totals().claimed == 0


def test_a_frozen_node_of_a_cluster_is_told(tmp_path: Path) -> None:
    """With redis-py's ten retries, each of which looks for all nodes, nobody has seen the end of the wait."""
    cluster = RedisCluster(tmp_path)
    cluster.start()
    try:
        os.kill(cluster.nodes[1].pid, signal.SIGSTOP)
        settings = Settings(redis_url=cluster.url, redis_cluster=True, partitions=8)
        with pytest.raises(StorageError, match="Timeout"), Overview(settings) as overview:
            overview.totals()
    finally:
        cluster.kill()
