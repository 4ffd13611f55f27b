"""Files of Redis that are written anew while Redis goes away."""

import time
from pathlib import Path

import pytest
import redis

from stream.errors import PublishError
from stream.local.redis import EmbeddedRedis
from stream.settings import Settings
from stream.storage.privacy_desk import PrivacyDesk

#: How long Redis takes for a key of a file, so that it is at work when it is asked (microseconds).
KEY_US = 500_000


def test_files_that_redis_writes_anew_are_waited_for(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server, PrivacyDesk(Settings(redis_url=server.url)) as desk:
        assert desk.rewrite_files(20.0)


def test_a_redis_that_goes_away_while_it_writes_has_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with EmbeddedRedis(tmp_path) as server, PrivacyDesk(Settings(redis_url=server.url)) as desk:
        with redis.Redis.from_url(server.url) as client:
            client.mset({f"k{number}": "v" for number in range(20)})
            client.config_set("rdb-key-save-delay", KEY_US)
        asked = []

        def go_away(seconds: float) -> None:
            monkeypatch.undo()
            asked.append(seconds)
            server.kill()

        monkeypatch.setattr(time, "sleep", go_away)
        assert not desk.rewrite_files(20.0)
        assert len(asked) == 1


def test_whoever_fails_to_write_a_receipt_lets_the_next_one_try_at_once(tmp_path: Path) -> None:
    def fail() -> None:
        raise PublishError("no broker")

    with EmbeddedRedis(tmp_path) as server, PrivacyDesk(Settings(redis_url=server.url)) as desk:
        with pytest.raises(PublishError), desk.lock(0.0):
            fail()
        with desk.lock(0.0):
            pass
