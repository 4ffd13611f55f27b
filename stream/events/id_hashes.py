"""Ids of events and orders as the numbers that `EVENT` columns and profiles keep."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xxhash

from stream.catalogue.events import EVENT_TYPES
from stream.events.columns import HASH_BITS
from stream.events.kinds import EventType

__all__ = ["hash_event_ids", "hash_ids"]

_MASK = np.uint64(2**HASH_BITS - 1)
#: Distinguishes the ids of one type from those of another.
_TYPE_SALT = {
    event_type: 0 if declared.ids_are_plain else xxhash.xxh3_64_intdigest(event_type.encode()) % 2**HASH_BITS
    for event_type, declared in EVENT_TYPES.items()
}


def hash_ids(ids: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return the low 48 bits of the XXH3-64 of each id. 0 becomes 1, so that 0 can mean "none".

    >>> hash_ids(["order-1"]) == xxhash.xxh3_64_intdigest(b"order-1") % 2**48
    array([ True])
    """
    digests = np.frombuffer(b"".join(map(xxhash.xxh3_64_digest, map(str.encode, ids))), dtype=">u8")
    hashes: npt.NDArray[np.int64] = np.maximum(digests & _MASK, 1).astype(np.int64)
    return hashes


def hash_event_ids(event_type: EventType, ids: Sequence[str]) -> npt.NDArray[np.int64]:
    """As `hash_ids` for the ids of events: they count per type, so the same id in two types gives two hashes.

    >>> [hash_event_ids(event_type, ["17"]).item() for event_type in EventType].count(hash_ids(["17"]).item())
    1
    """
    hashes: npt.NDArray[np.int64] = np.maximum(hash_ids(ids) ^ _TYPE_SALT[event_type], 1)
    return hashes
