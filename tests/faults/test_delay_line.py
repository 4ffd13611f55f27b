"""A command through a delay line takes as much longer as it says."""

import time

import pytest
import redis

from stream.local.redis import EmbeddedRedis
from tests.faults.delay_line import DelayLine


def test_every_command_takes_longer_and_is_answered_all_the_same(redis_server: EmbeddedRedis) -> None:
    with DelayLine(redis_server.port) as line, redis.Redis.from_url(line.url) as client:
        client.ping()
        line.delay_s = 0.2
        for number in range(3):
            began = time.monotonic()
            assert client.echo(f"{number}") == f"{number}".encode()
            assert time.monotonic() - began >= line.delay_s


def test_it_hangs_up_when_the_server_does() -> None:
    with (
        DelayLine(1) as line,
        redis.Redis.from_url(line.url, retry=None) as client,
        pytest.raises(redis.ConnectionError),
    ):
        client.ping()
