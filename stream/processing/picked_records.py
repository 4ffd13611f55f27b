"""Some of the records of several batches, in another order; each is looked up when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from stream.events.packed_records import Headers, MadeRecords

__all__ = ["PickedRecords", "headers_of"]


class PickedRecords(MadeRecords):
    """``picked``: int64[N], positions in all ``batches`` end to end."""

    def __init__(self, batches: Sequence[Sequence[Any]], picked: npt.NDArray[np.int64]) -> None:
        self._batches = batches
        self._starts = np.cumsum([0, *map(len, batches)])
        self._picked = picked

    @property
    def headers(self) -> list[Headers]:
        of_all = [headers for batch in self._batches for headers in headers_of(batch)]
        return [of_all[at] for at in self._picked.tolist()]

    def __len__(self) -> int:
        return len(self._picked)

    def _made(self, at: int) -> Any:
        picked = int(self._picked[at])
        batch = int(np.searchsorted(self._starts, picked, side="right")) - 1
        return self._batches[batch][picked - int(self._starts[batch])]


def headers_of(records: Sequence[Any]) -> list[Headers]:
    """The headers of each record; packed ones are not made anew for them."""
    return records.headers if isinstance(records, MadeRecords) else [one.headers for one in records]
