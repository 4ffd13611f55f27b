"""The profiles of a partition's customers that are in memory between steps, bounded by what they take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final

from stream.processing.step_outcome import NO_TIMER

__all__ = ["ENTRY_BYTES", "ProfileCache"]

#: What a customer takes beside the packed profile: the id, the head of a `bytes`, places in two dicts, and a time.
ENTRY_BYTES: Final = 250


class ProfileCache(dict[str, bytes | None]):
    """Packed profiles by customer, None for one who has none; `accept` drops the longest unseen above ``max_bytes``.

    ``due``: the stored timers (ms) of cached customers that this worker has written; `NO_TIMER`: there is none.
    The size is that of as many profiles of the mean size. To look up what each one took before would cost more than
    the rest: with a million customers nothing of that is in the processor's cache.
    """

    def __init__(self, max_bytes: int) -> None:
        super().__init__()
        self.due: dict[str, int] = {}
        self._max_bytes = max_bytes
        self._mean_bytes = 0.0

    @property
    def size_bytes(self) -> float:
        """What profiles and their entries take, about."""
        return len(self) * (ENTRY_BYTES + self._mean_bytes)

    def drop(self, customer: str) -> None:
        """Read it again before its next step."""
        self.pop(customer, None)
        self.due.pop(customer, None)

    def clear(self) -> None:
        """Drop everybody."""
        super().clear()
        self.due.clear()

    def accept(self, packed: Mapping[str, bytes], timers: Mapping[str, int], idle: Iterable[str]) -> None:
        """A step has been stored, with these profiles and timers; ``idle``: customers who have no timer any more."""
        if (len(self) + len(packed)) * (ENTRY_BYTES + self._mean_bytes) > self._max_bytes:
            # near the bound those just seen go to the end, so that the longest unseen are dropped
            for customer in packed:
                self.pop(customer, None)
        self.update(packed)
        self.due.update(timers)
        self.due.update((customer, NO_TIMER) for customer in idle if customer in self)
        if packed:
            mean = sum(map(len, packed.values())) / len(packed)
            self._mean_bytes += (mean - self._mean_bytes) * len(packed) / len(self)
        kept = int(self._max_bytes / (ENTRY_BYTES + self._mean_bytes))
        for customer in [*islice(self, max(len(self) - kept, 0))]:
            self.drop(customer)
