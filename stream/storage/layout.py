"""For how many partitions, and in which layout of profiles, the state in Redis was made."""

from __future__ import annotations

from stream.errors import StorageError, TopologyError
from stream.features.codec import LAYOUT
from stream.storage.connection import FAILURES, Client
from stream.storage.keys import Keys

__all__ = ["check_layout"]


async def check_layout(client: Client, keys: Keys, partitions: int) -> None:
    """Note the number of partitions if nothing is stored yet, else compare it with what is.

    A customer's partition follows from the number: under another one the state of known customers would not be found.
    Likewise for the layout of profiles; an older one that this program reads is replaced, for from now on it writes
    its own. Raises `TopologyError` if they differ, `StorageError` when Redis fails.
    """
    key = keys.layout()
    try:
        await client.set(key, partitions, nx=True)
        stored = int(await client.get(key) or partitions)
        await client.set(keys.profile_layout(), LAYOUT, nx=True)
        layout = int(await client.get(keys.profile_layout()) or LAYOUT)
    except FAILURES as error:
        raise StorageError(f"the number of partitions and the layout cannot be compared with Redis: {error}") from error
    if stored != partitions:
        raise TopologyError(
            f"the state in Redis was made for {stored} partitions, the setting partitions is {partitions}: "
            f"set it to {stored}; for another number copy the events to new topics, and process those under another "
            "namespace (docs/reliability.md, Partitions)"
        )
    if layout > LAYOUT:
        raise TopologyError(
            f"the profiles in Redis are of layout {layout}, this program knows layouts up to {LAYOUT}: run the newer "
            "version that wrote them"
        )
    if layout < LAYOUT:
        await _note_layout(client, keys)


async def _note_layout(client: Client, keys: Keys) -> None:
    try:
        await client.set(keys.profile_layout(), LAYOUT)
    except FAILURES as error:
        raise StorageError(f"the layout of profiles cannot be noted in Redis: {error}") from error
