"""For how many partitions the state in Redis was made."""

from __future__ import annotations

from stream.errors import StorageError, TopologyError
from stream.storage.connection import FAILURES, Client
from stream.storage.keys import Keys

__all__ = ["check_layout"]


async def check_layout(client: Client, keys: Keys, partitions: int) -> None:
    """Note the number of partitions if nothing is stored yet, else compare it with what is.

    A customer's partition follows from the number: under another one the state of known customers would not be found.
    Raises `TopologyError` if they differ, `StorageError` when Redis fails.
    """
    key = keys.layout()
    try:
        await client.set(key, partitions, nx=True)
        stored = int(await client.get(key) or partitions)
    except FAILURES as error:
        raise StorageError(f"the number of partitions cannot be compared with Redis: {error}") from error
    if stored != partitions:
        raise TopologyError(
            f"the state in Redis was made for {stored} partitions, the setting partitions is {partitions}: "
            f"set it to {stored}; for another number copy the events to new topics, and process those under another "
            "namespace (docs/reliability.md, Partitions)"
        )
