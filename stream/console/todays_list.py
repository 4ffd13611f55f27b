"""Today's list, for the page and for programs: made once for both, and without people who are erased."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from msgspec.structs import replace

from stream.console.erased_people import ErasedPeople
from stream.console.recent import Recent
from stream.reporting.entries import Today
from stream.reporting.writing import Writing

__all__ = ["Day", "TodaysList"]

#: So long somebody may wait for a list that has what happened a moment ago.
_PATIENCE_S: Final = 0.5


class Day(NamedTuple):
    """Today's list, how its figures are written, and what time it was when it was made (ms)."""

    found: Today
    writing: Writing
    wall_ms: int


class TodaysList:
    """``make`` goes through all customers, in a thread; that takes a small shop a moment, so it is not made anew for
    everybody who asks.
    """

    def __init__(self, make: Callable[[], Day], erased: ErasedPeople, monotonic: Callable[[], float]) -> None:
        self._day = Recent(make, monotonic, _PATIENCE_S)
        self._erased = erased

    async def get(self) -> Day:
        """The last one, or a new one. Raises `NoEventsError` before the first event."""
        if self._erased.have_changed():
            self._day.forget()
        day = await self._day.get()
        # figures are of nobody alone
        without = self._erased.without
        found = replace(
            day.found,
            entries=without(day.found.entries),
            complaints=without(day.found.complaints),
            leads=without(day.found.leads),
        )
        return day._replace(found=found)

    async def close(self) -> None:
        """Wait for what is being made."""
        await self._day.close()
