"""Servers shared by the whole test session, and names that separate the tests on them."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from stream.local.broker import EmbeddedBroker
from stream.local.redis import EmbeddedRedis

#: Files of a minute and more, longest first. One that came last would keep one process busy while the others idle.
LONG_FILES = (
    "faults/test_faults_short.py",
    "cli/test_demo.py",
    "test_wheel.py",
    "imports/test_export_to_list.py",
    "cli/test_up.py",
    "catalogue/test_extension.py",
    "upgrade/test_stored_state.py",
    "kafka/test_real_kafka.py",
    "cli/test_demo_live.py",
    "cli/test_feedback.py",
    "cli/test_replay.py",
    "test_imported_history.py",
)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    """A running broker; each test uses its own ``topic_prefix``."""
    with EmbeddedBroker(tmp_path_factory.mktemp("broker")) as server:
        yield server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """A running Redis; each test uses its own ``namespace``. A test that kills Redis starts one of its own."""
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
    """Keep bytes out of test ids: compressed bytes differ between runs, but parallel processes must agree on ids."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the long files where files are shared out to processes; a single process keeps pytest's order."""
    if not hasattr(config, "workerinput"):
        return
    here = Path(__file__).parent
    if missing := [name for name in LONG_FILES if not (here / name).is_file()]:
        raise pytest.UsageError(f"LONG_FILES of tests/conftest.py names files that are gone: {', '.join(missing)}")
    ranks = {here / name: rank for rank, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))
