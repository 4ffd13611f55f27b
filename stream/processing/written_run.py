"""A run of the kernel with the texts that are made of it: as much of a step as may be done in another thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stream.processing.json_text import Fragments
from stream.processing.kernel import Run

__all__ = ["WrittenRun"]


@dataclass(frozen=True, slots=True)
class WrittenRun:
    """``run``: without strangers. By its rows ``customers``, their ``ids`` `quoted`, and ``documents`` or nothing.

    ``stored``: int64[N], the timers that the store is known to have; see `stream.processing.profile_cache`.
    """

    run: Run
    customers: Sequence[str]
    stored: npt.NDArray[np.int64]
    ids: Fragments
    documents: Sequence[bytes]
