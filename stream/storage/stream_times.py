"""How far the time of each partition of the shop has come, as Redis has it: also of those that nobody owns now."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from stream.errors import StorageError
from stream.storage.connection import FAILURES, Client
from stream.storage.damage import failure, state_in
from stream.storage.keys import Keys
from stream.storage.round_trips import measured

__all__ = ["read_stream_times"]

_LOG = logging.getLogger(__name__)


@measured("newest")
async def read_stream_times(client: Client, keys: Keys, partitions: int) -> Sequence[int]:
    """The stored stream times of all partitions, ms since the epoch, without those of partitions without an event.

    Damaged state tells nothing, and is reported: it ends the worker that owns it, not those of other partitions.
    One round trip, on a cluster one to each node. Raises `StorageError` when Redis, or a node of it, fails.
    """
    try:
        async with client.pipeline(transaction=False) as asked:
            for partition in range(partitions):
                asked.hget(keys.meta(partition), "state")
            found = await asked.execute(raise_on_error=False)
    except FAILURES as error:
        raise StorageError(f"the times of all partitions cannot be read: {error}") from error
    times = (_time_in(stored, partition) for partition, stored in enumerate(found))
    return [at_ms for at_ms in times if at_ms is not None]


def _time_in(stored: bytes | Exception | None, partition: int) -> int | None:
    if isinstance(stored, Exception):
        error = failure(f"the state of partition {partition} cannot be read", stored)
        if isinstance(error, StorageError):
            raise error
        _LOG.warning("%s", error)
        return None
    try:
        state = state_in(stored, partition)
    except StorageError as error:
        _LOG.warning("%s", error)
        return None
    return None if state is None else state.stream_time_ms
