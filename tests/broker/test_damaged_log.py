"""A log of the broker that cannot be used is told in one line."""

import sqlite3
from pathlib import Path

import pytest

from stream.broker.journal import Journal
from stream.errors import LocalServerError
from stream.local.durable_broker import DurableBroker


def damaged(path: Path) -> None:
    path.write_bytes(b"garbage!" * 1000)


def of_a_later_version(path: Path) -> None:
    Journal(path).close()
    connection = sqlite3.connect(path)
    connection.execute("update facts set value = 99 where name = 'format'")
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("make", "told"),
    [(damaged, "cannot be used: file is not a database"), (of_a_later_version, "run the version that wrote it")],
)
def test_a_log_that_cannot_be_used_is_told_in_one_line(tmp_path: Path, make: object, told: str) -> None:
    path = tmp_path / "log.sqlite"
    assert callable(make)
    make(path)
    broker = DurableBroker(tmp_path)
    with pytest.raises(LocalServerError, match="broker ended with status 1 while starting") as failed:
        broker.start()
    # it is tried on several ports
    lines = [line for line in str(failed.value).splitlines() if "CRITICAL" in line]
    assert lines
    assert all(str(path) in line and told in line for line in lines)
    assert "Traceback" not in str(failed.value)
