"""Distinguish a Redis that is away or refuses for a while from stored state that is unusable."""

from __future__ import annotations

from stream.errors import StorageError, SystematicError

__all__ = ["OR_REPLAY", "failure"]

#: What can be done without a backup.
OR_REPLAY = "or replay the log into a fresh namespace (docs/reliability.md, Damaged state)"

#: What Redis says of a key that holds another type, and of a count that is none: no waiting changes that.
_OF_DAMAGE = ("WRONGTYPE", "not an integer")


def failure(what: str, error: Exception) -> StorageError | SystematicError:
    """The error to raise for a failed command: a `SystematicError`, which ends the process, for damaged state."""
    if any(sign in str(error) for sign in _OF_DAMAGE):
        return SystematicError(
            f"{what}: {error}; a key of the namespace was overwritten: restore it from a backup, {OR_REPLAY}"
        )
    return StorageError(f"{what}: {error}")
