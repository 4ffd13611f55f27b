"""Servers shared by the whole test session, and names that keep the tests apart on them."""

import uuid
from collections.abc import Iterator

import pytest
from hypothesis import settings as hypothesis_settings

from stream.local.broker import EmbeddedBroker
from stream.local.redis import EmbeddedRedis


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    """A running broker; tests keep apart by ``topic_prefix``."""
    with EmbeddedBroker(tmp_path_factory.mktemp("broker")) as server:
        yield server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """A running Redis; tests keep apart by ``namespace``. A test that kills it starts one of its own."""
    with EmbeddedRedis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def topic_prefix() -> str:
    """A prefix for topic and group names that no other test uses."""
    return f"t{uuid.uuid4().hex[:12]}."


@pytest.fixture
def namespace() -> str:
    """A prefix for Redis keys that no other test uses."""
    return f"n{uuid.uuid4().hex[:12]}"


# The first example of a test may compile a kernel, which takes seconds.
hypothesis_settings.register_profile("compiled", deadline=None)
hypothesis_settings.load_profile("compiled")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes have no place in the name of a test: compressed ones differ from run to run, and processes must agree."""
    return argname if isinstance(val, bytes) else None
