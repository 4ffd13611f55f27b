"""Carrying out requests of the topic `privacy-requests` in one partition of the core or of a projection.

A request is carried out in two steps. The first deletes what is stored and publishes tombstones. From then on nothing
of the person is added to the outbox, so when all records that are in it by then have been published and trimmed, a
second step notes in the state of the partition that the request is done. A crash in between repeats the first; a backup
that is restored has an earlier note, so what came since is carried out again, before any event is processed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from stream.privacy.erasures import Erasures

__all__ = ["Erasing"]

#: Keys that a partition has from a position on, and the next position, 0 at the end.
ListKeys = Callable[[int, int], Awaitable[tuple[int, list[str]]]]
_KEYS_AT_ONCE = 1000


class Erasing:
    """What one partition has still to erase. ``candidates``: the ids that a stored key may be of."""

    def __init__(self, erasures: Erasures, list_keys: ListKeys, candidates: Callable[[str], Iterable[str]]) -> None:
        self._erasures = erasures
        self._list_keys = list_keys
        self._candidates = candidates
        self._deleted_up_to: int | None = None
        self._unpublished = 0

    def reset(self) -> None:
        """The partition goes back to what is stored."""
        self._deleted_up_to = None

    def is_due(self, done_up_to: int) -> bool:
        """Whether there are requests that nobody began to carry out here. Raises `SystematicError`."""
        return self._erasures.position > max(done_up_to, self._deleted_up_to or 0)

    async def ids(self, done_up_to: int) -> tuple[int, list[str]]:
        """The offset up to which requests are known, and who is to be erased by them, of whichever partition.

        Where only hashes are left of a request, the keys of the partition are compared with them.
        """
        up_to = self._erasures.position
        wanted = self._erasures.wanted(done_up_to)
        found = dict.fromkeys(sorted(wanted.ids))
        position, is_first = 0, True
        while wanted.pseudonyms and (position or is_first):
            position, keys = await self._list_keys(position, _KEYS_AT_ONCE)
            is_first = False
            candidates = (one for key in keys for one in self._candidates(key))
            found |= dict.fromkeys(self._erasures.among(candidates, wanted.pseudonyms))
        return up_to, [*found]

    def deleted(self, up_to: int, unpublished: int) -> None:
        """The first step is stored; ``unpublished``: entries of the outbox in Redis by then."""
        self._deleted_up_to, self._unpublished = up_to, unpublished

    def to_note(self) -> int | None:
        """What the next step notes: the offset up to which all is done; None: nothing new."""
        return self._deleted_up_to if self._unpublished == 0 else None

    def stored(self, noted: int | None, trimmed: int) -> None:
        """A step is stored that ``noted`` what `to_note` said before it, and removed so many published entries."""
        if noted is not None:
            self._deleted_up_to = None
        self._unpublished = max(self._unpublished - trimmed, 0)
