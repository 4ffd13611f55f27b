"""A PostgreSQL that is frozen is told soon; one that is busy for a moment is waited for."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from stream.directory import answering_in_time
from stream.directory.database import connect, reading
from stream.errors import StorageError
from tests.directory.postgres import Postgres, required_postgres


@pytest.fixture
def server() -> Iterator[Postgres]:
    """One of its own, as it is frozen."""
    with Postgres(required_postgres()) as server:
        yield server


def ask(engine: Engine) -> int:
    with reading(engine) as connection:
        return int(connection.execute(text("SELECT 1")).scalar_one())


def open_descriptors() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


def process_of(engine: Engine) -> int:
    """Of the one connection that the pool has open: a process of the server."""
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


@contextmanager
def stopped(*pids: int) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_a_frozen_database_is_an_error_and_answers_again_later(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering_in_time, "_PING_S", 0.3)
    engine = connect(f"{server.database()}?connect_timeout=2")
    assert ask(engine) == 1
    with stopped(process_of(engine), server.pid), pytest.raises(StorageError, match="does not answer"):
        ask(engine)
    assert ask(engine) == 1
    engine.dispose()


def test_a_connection_alone_that_hangs_is_replaced(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering_in_time, "_PING_S", 0.3)
    engine = connect(server.database())
    hanging = process_of(engine)
    with stopped(hanging):
        assert ask(engine) == 1
        assert process_of(engine) != hanging
    engine.dispose()


def test_a_database_that_is_busy_for_a_moment_keeps_its_connection(server: Postgres) -> None:
    engine = connect(server.database())
    busy = process_of(engine)
    os.kill(busy, signal.SIGSTOP)
    free = threading.Timer(0.5, os.kill, (busy, signal.SIGCONT))
    free.start()
    assert process_of(engine) == busy
    free.join()
    engine.dispose()


def test_no_thread_and_no_descriptor_is_left(server: Postgres) -> None:
    engine = connect(server.database())
    assert ask(engine) == 1
    threads, descriptors = threading.active_count(), open_descriptors()
    for _ in range(30):
        assert ask(engine) == 1
    assert (threading.active_count(), open_descriptors()) == (threads, descriptors)
    engine.dispose()
