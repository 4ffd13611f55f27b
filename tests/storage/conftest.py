"""The two ways in which a step is written, and settings of a namespace."""

import sys

import pytest

from stream.local.redis import EmbeddedRedis
from stream.settings import Settings
from stream.storage import step_writes


@pytest.fixture(params=["script", "transaction"])
def written_by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Steps of any size are written in this way."""
    way: str = request.param
    monkeypatch.setattr(step_writes, "TRANSACTION_FROM", 0 if way == "transaction" else sys.maxsize)
    return way


@pytest.fixture
def settings(redis_server: EmbeddedRedis, namespace: str) -> Settings:
    return Settings(redis_url=redis_server.url, namespace=namespace)
