"""The process of the broker: how it ends."""

import asyncio
from pathlib import Path

import pytest

from stream.broker.cleaning import Cleaner
from stream.broker.server import Broker
from stream.local.server_process import free_port


async def run(path: Path, *, is_stopped: bool) -> None:
    stop = asyncio.Event()
    if is_stopped:
        stop.set()
    async with asyncio.timeout(60.0):
        await Broker(path / "log", "127.0.0.1", free_port()).run(stop)


def test_a_stop_ends_what_happens_now_and_then(tmp_path: Path) -> None:
    asyncio.run(run(tmp_path, is_stopped=True))


def test_an_error_that_nobody_expects_ends_the_broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: Cleaner) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Cleaner, "tend", fail)
    with pytest.raises(ExceptionGroup) as ended:
        asyncio.run(run(tmp_path, is_stopped=False))
    assert ended.group_contains(ZeroDivisionError)
