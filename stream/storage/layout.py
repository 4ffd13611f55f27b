"""For how many partitions, and in which layout of profiles, the state in Redis is kept.

Which layout workers write is agreed upon in the namespace, not told by the program. So workers of two releases can
share a group: all write the older layout until ``stream upgrade --finish`` says that no older worker is left.
A worker that cannot read the layout agreed upon ends before it claims a partition.
"""

from __future__ import annotations

from stream.errors import StorageError, TopologyError
from stream.features.codec import LAYOUT, LAYOUT_BEFORE
from stream.storage.connection import FAILURES, Client
from stream.storage.damage import failure
from stream.storage.keys import Keys

__all__ = ["agree_on_layout"]


async def agree_on_layout(client: Client, keys: Keys, partitions: int, *, writes_editions: bool = False) -> int:
    """Return the layout in which this worker has to write profiles: LAYOUT, or LAYOUT_BEFORE during an upgrade.

    Notes the number of partitions if nothing is stored yet, else compares it with what is: a customer's partition
    follows from the number, and under another one the state of known customers would not be found. A namespace without
    a layout, or with one that the release before did not write, gets LAYOUT: no worker of that release can be there.
    ``writes_editions``: this worker writes documents with an edition, which the release before cannot read.
    Raises `TopologyError` if the number differs, the layout is newer, or an upgrade must be finished first,
    `StorageError` when Redis fails, `SystematicError` when a key is damaged.
    """
    try:
        stored = await _noted(client, keys.layout(), partitions)
        layout = await _noted(client, keys.profile_layout(), LAYOUT)
    except FAILURES as error:
        what = "the number of partitions and the layout cannot be compared with Redis"
        raise failure(what, error) from error
    if stored != partitions:
        raise TopologyError(
            f"the state in Redis was made for {stored} partitions, the setting partitions is {partitions}: "
            f"set it to {stored}; for another number copy the events to new topics, and process those under another "
            "namespace (docs/reliability.md, Partitions)"
        )
    if layout > LAYOUT:
        raise TopologyError(
            f"the profiles in Redis are of layout {layout}, this program knows layouts up to {LAYOUT}: run the newer "
            "version that wrote them (docs/upgrading.md)"
        )
    if layout < LAYOUT_BEFORE:
        await _note_layout(client, keys)
        return LAYOUT
    if writes_editions and layout != LAYOUT:
        raise TopologyError(
            f"the profiles in Redis are of layout {layout}, so workers of the release before may read them, and those "
            "cannot read what identity_history_days writes: finish the upgrade first (stream upgrade --finish), or set "
            "it to 0"
        )
    return layout


async def _noted(client: Client, key: str, first: int) -> int:
    """The number at ``key``, which is ``first`` if there was none."""
    await client.set(key, first, nx=True)
    found = await client.get(key)
    if found is not None and not found.isdigit():
        raise TopologyError(
            f"the key {key} in Redis holds {found[:40]!r}, not a number: somebody else writes to this namespace; "
            "set it to the number it had (docs/reliability.md, Damaged state)"
        )
    return int(found or first)


async def _note_layout(client: Client, keys: Keys) -> None:
    try:
        await client.set(keys.profile_layout(), LAYOUT)
    except FAILURES as error:
        raise StorageError(f"the layout of profiles cannot be stored in Redis: {error}") from error
