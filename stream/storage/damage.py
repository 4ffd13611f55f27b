"""Distinguish a Redis that is away or refuses for a while from stored state that is unusable."""

from __future__ import annotations

import msgspec

from stream.errors import StorageError, SystematicError
from stream.processing.state import PartitionState

__all__ = ["OR_REPLAY", "failure", "generation_in", "state_in"]

#: What can be done without a backup.
OR_REPLAY = "or replay the log into a fresh namespace (docs/reliability.md, Damaged state)"

#: What Redis says of a key that holds another type, and of a count that is none: no waiting changes that.
_OF_DAMAGE = ("WRONGTYPE", "not an integer")

_decoder = msgspec.json.Decoder(PartitionState)


def failure(what: str, error: Exception) -> StorageError | SystematicError:
    """The error to raise for a failed command: a `SystematicError`, which ends the process, for damaged state."""
    if any(sign in str(error) for sign in _OF_DAMAGE):
        return SystematicError(
            f"{what}: {error}; a key of the namespace was overwritten: restore it from a backup, {OR_REPLAY}"
        )
    return StorageError(f"{what}: {error}")


def state_in(stored: bytes | None, partition: int) -> PartitionState | None:
    """The state of a partition as its meta key has it, None before its first step.

    Raises `StorageError` if it cannot be read.
    """
    try:
        return _decoder.decode(stored) if stored else None
    except msgspec.MsgspecError as error:
        raise StorageError(
            f"the state of partition {partition} cannot be read: {error}; restore its meta key from a backup, "
            f"{OR_REPLAY}"
        ) from error


def generation_in(stored: bytes | None, projection: str) -> int:
    """The generation of a projection as its key has it, 0 before the first. Raises `SystematicError` for damage.

    >>> generation_in(None, "leads"), generation_in(b"3", "leads")
    (0, 3)
    """
    if stored is not None and not stored.isdigit():
        raise SystematicError(
            f"the generation of projection {projection} in Redis is {stored[:40]!r}, not a number: restore the key "
            f"from a backup, {OR_REPLAY}"
        )
    return int(stored or 0)
