"""A directory in each supported database."""

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from stream.directory.store import DirectoryStore
from tests.directory.postgres import Postgres, required_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with Postgres(required_postgres()) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/directory.sqlite"
    server: Postgres = request.getfixturevalue("postgres")
    return server.database()


@pytest.fixture
def store(url: str) -> Iterator[DirectoryStore]:
    with DirectoryStore(url, ZoneInfo("Europe/London")) as opened:
        yield opened
