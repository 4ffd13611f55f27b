"""Fixtures of the tests of secured servers."""

from collections.abc import Iterator

import pytest

from tests.programs import required_program
from tests.security.authority import Authority
from tests.security.redis_tls import SecureRedis
from tests.security.redis_users import users


@pytest.fixture(scope="module")
def redis_with_tls() -> None:
    """The packaged Redis of the demo is built without TLS."""
    required_program("redis-server", "redis-server")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[SecureRedis]:
    with SecureRedis(tmp_path_factory.mktemp("redis"), authority, users("stream")) as server:
        yield server
