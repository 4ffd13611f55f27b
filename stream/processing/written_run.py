"""A run of the kernel with the texts that are made of it: as much of a step as may be done in another thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stream.processing.json_text import Fragments
from stream.processing.kernel import Run
from stream.processing.profile_cache import Cached

__all__ = ["WrittenRun"]


@dataclass(frozen=True, slots=True)
class WrittenRun:
    """``run``: without strangers. By its rows ``customers``, their ``ids`` `quoted`, and ``documents`` or nothing.

    ``cached``: where they are in the cache, and the timers that the store is known to have.
    """

    run: Run
    customers: Sequence[str]
    cached: Cached
    ids: Fragments
    documents: Sequence[bytes]
