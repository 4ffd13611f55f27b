"""Pages that come from the directory say so while it has not read all there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from stream.console.operations import Operations
from stream.console.recent import Recent
from stream.console.rendering import PagesIn
from stream.directory.store import DirectoryStore
from stream.errors import StreamError

__all__ = ["StillReading"]

#: So long a page may wait to learn how far the directory is.
_PATIENCE_S: Final = 1.0
#: Fewer records, and a smaller share of all, are what a shop that is open always has under way.
_MANY: Final = 1000
_SHARE: Final = 0.01


class StillReading:
    """``operations`` says how far topics are ahead of ``store``; that takes a while, so it is asked now and then."""

    def __init__(self, store: DirectoryStore, operations: Operations, monotonic: Callable[[], float]) -> None:
        self._store = store
        self._operations = operations
        self._unread = Recent(self._measured, monotonic, _PATIENCE_S)

    async def line(self, edition: PagesIn) -> str:
        """A sentence for a page, empty where all is read. Ask before the page's figures: these are then no older."""
        words = edition.words
        try:
            unread = await self._unread.last(_PATIENCE_S)
        except StreamError:
            return words.gettext("Whether everything that happened is on this page cannot be said now.")
        if not unread:
            return ""
        # 100% would say that nothing is missing
        read = edition.writing.percent(min(1.0 - unread, 0.99))
        return words.gettext(
            "Still reading: %(share)s of all records so far. What this page shows is not complete yet.", share=read
        )

    async def close(self) -> None:
        """Wait for what is being asked."""
        await self._unread.close()

    def _measured(self) -> float:
        """The share of records that are not read, 0 to 1; 0 for those that are always under way."""
        offsets = self._store.read_until()
        unread = sum(lag.directory or 0 for lag in self._operations.lags(offsets))
        share = unread / max(unread + sum(offsets.values()), 1)
        return share if unread >= _MANY or share >= _SHARE else 0.0
