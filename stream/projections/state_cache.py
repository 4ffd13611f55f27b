"""The states of a partition that are in memory, as they are stored, bounded by what they take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from stream.errors import CodecError
from stream.projections.protocol import Projection, Reaching

__all__ = ["ENTRY_BYTES", "StateCache"]

#: What a state takes beside its bytes: the key, the head of a `bytes`, a place in the dict.
ENTRY_BYTES: Final = 200


class StateCache:
    """Stored states by key, None for a key that has none; `accept` drops the longest unseen above ``max_bytes``.

    States are decoded anew each time, so what a fold does to them is lost with a step that is not stored.
    """

    def __init__(self, projection: Projection[Any], max_bytes: int) -> None:
        self._name = projection.name
        self._reaching = projection if isinstance(projection, Reaching) else None
        self._decode = msgspec.json.Decoder(projection.state).decode
        self._stored: dict[str, bytes | None] = {}
        self._max_bytes = max_bytes
        self._size_bytes = 0

    def __len__(self) -> int:
        return len(self._stored)

    def clear(self) -> None:
        self._stored.clear()
        self._size_bytes = 0

    def get(self, key: str) -> bytes | None:
        """The state of a key as it is stored; None: it has none, or it is not cached."""
        return self._stored.get(key)

    def lacks(self, key: str) -> bool:
        """Whether it is known that a key has no state."""
        return key in self._stored and self._stored[key] is None

    def missing(self, keys: Iterable[str]) -> list[str]:
        """Keys, each once, that are not cached."""
        stored = self._stored
        return [*dict.fromkeys([key for key in keys if key not in stored])]

    def remember(self, keys: Sequence[str], found: Sequence[bytes | None]) -> None:
        """Cache states just read; None is a key that has none."""
        for key, state in zip(keys, found, strict=True):
            self._put(key, state or None)

    def states(self, keys: Iterable[str]) -> dict[str, Any]:
        """The states of keys that have one, to be changed. Raises `CodecError` for one that cannot be read."""
        found = ((key, self._stored.get(key)) for key in keys)
        return {key: self._decoded(stored) for key, stored in found if stored is not None}

    def needed(
        self, messages: Sequence[tuple[str, object]], asked: Iterable[str], known: Mapping[str, Any]
    ) -> tuple[Iterable[str], dict[str, Any]]:
        """The keys that a fold of ``messages`` needs, as far as the cache tells, and the states of them.

        ``asked``: keys of which it is known already. ``known``: states that were found before, and have not been
        changed.
        """

        def found(wanted: Iterable[str]) -> dict[str, Any]:
            return {key: known[key] for key in wanted if key in known} | self.states(
                key for key in wanted if key not in known
            )

        keys = dict.fromkeys([*(key for key, _ in messages), *asked])
        states = found(keys)
        while self._reaching is not None:
            further = [key for key in dict.fromkeys(self._reaching.reach(states, messages)) if key not in keys]
            if not further:
                break
            keys.update(dict.fromkeys(further))
            more = found(further)
            if not more:
                # it would say the same of the same states
                break
            states |= more
        return keys, states

    def accept(self, written: Mapping[str, bytes], forgotten: Iterable[str]) -> None:
        """A step has been stored."""
        for key, state in written.items():
            self._put(key, state)
        for key in forgotten:
            self._put(key, None)
        while self._size_bytes > self._max_bytes:
            self._drop(next(iter(self._stored)))

    def _put(self, key: str, state: bytes | None) -> None:
        # those just seen go to the end, so that the longest unseen are dropped
        if key in self._stored:
            self._drop(key)
        self._stored[key] = state
        self._size_bytes += _size(state)

    def _drop(self, key: str) -> None:
        self._size_bytes -= _size(self._stored.pop(key))

    def _decoded(self, stored: bytes) -> Any:
        try:
            return self._decode(stored)
        except msgspec.MsgspecError as error:
            raise CodecError(
                f"a stored state of projection {self._name} cannot be read: {error}; restore it from a backup, or call "
                f"`stream projections rebuild {self._name}`"
            ) from error


def _size(state: bytes | None) -> int:
    return ENTRY_BYTES + (0 if state is None else len(state))
