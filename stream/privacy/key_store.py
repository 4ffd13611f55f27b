"""Where the keys of persons are kept: apart from all that they encrypt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

__all__ = ["KeyGeneration", "KeyRow", "KeyStore"]


class KeyRow(NamedTuple):
    """A person's row. ``body``: their random pseudonym. ``lookup``: a keyed hash of their id.

    ``sealed``: their data key and their id, wrapped with a master key.
    """

    body: str
    lookup: bytes
    sealed: bytes


class KeyGeneration(NamedTuple):
    """``erasures``: grows with every call of `KeyStore.erase`. ``connections``: how often there was a new connection.

    A database that comes back may have lost its last writes.
    """

    erasures: int
    connections: int


class KeyStore(Protocol):
    """A small database. Every method raises `StorageError` while it is away."""

    def by_lookup(self, lookups: Sequence[bytes]) -> Mapping[bytes, KeyRow]:
        """The rows of those of ``lookups`` that are known."""
        ...

    def by_body(self, bodies: Sequence[str]) -> Mapping[str, KeyRow]:
        """The rows of those of ``bodies`` that are known."""
        ...

    def add(self, rows: Sequence[KeyRow]) -> None:
        """Add rows, but those whose lookup has a row, or is refused."""
        ...

    def erase(self, bodies: Sequence[str], *, refused: Sequence[bytes] = ()) -> int:
        """Delete rows; returns how many there were. ``refused``: lookups that are not to come back."""
        ...

    def generation(self) -> KeyGeneration:
        """What changes when what was read before may not hold any more."""
        ...

    def secret(self, name: str, made: bytes) -> bytes:
        """What is kept under a name; ``made`` if nothing was."""
        ...

    def replace_secret(self, name: str, old: bytes, new: bytes) -> None:
        """Keep ``new`` under a name, if that has ``old``."""
        ...

    def all(self) -> Iterator[KeyRow]:
        """Every row that is there from beginning to end."""
        ...

    def rewrap(self, rows: Sequence[tuple[KeyRow, bytes]]) -> int:
        """Give rows another ``sealed`` if they have theirs still; returns how many had."""
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...
