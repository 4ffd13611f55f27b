"""Questions to the directory, beside the event loop."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from stream.directory.database import Connection, reading
from stream.directory.store import DirectoryStore

__all__ = ["asked"]

_T = TypeVar("_T")


async def asked(store: DirectoryStore, ask: Callable[[Connection], _T]) -> _T:
    """What ``ask`` returns, in a thread of its own and one transaction. Raises `StorageError`."""

    def answer() -> _T:
        with reading(store.engine) as connection:
            return ask(connection)

    return await asyncio.to_thread(answer)
