"""Running a coroutine with a client of the embedded Redis."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from stream.settings import Settings
from stream.storage.connection import Client, connect

__all__ = ["with_redis"]

_T = TypeVar("_T")


def with_redis(url: str, use: Callable[[Client], Awaitable[_T]]) -> _T:
    """The result of ``use``, on an event loop of its own."""

    async def run() -> _T:
        client = connect(Settings(redis_url=url))
        try:
            return await use(client)
        finally:
            await client.aclose()

    return asyncio.run(run())
