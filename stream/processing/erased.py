"""Events of people who were erased: they become dead letters without key, value and headers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np

from stream.events.rejections import Defect, Rejection
from stream.processing.align import Taken

__all__ = ["Refuses", "refuse_erased"]

#: Whether what was appended to the log at a time (ms) about an id must leave no trace.
Refuses = Callable[[str, int], bool]

#: Of a person who is erased, everything up to some time is refused, so whatever was appended first.
_FIRST_MS: Final = 0


class _Emptied(NamedTuple):
    """What is left of a record: its place."""

    offset: int
    timestamp: int
    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()


def refuse_erased(taken: Taken, refuses: Refuses) -> Taken:
    """``taken`` with the events of erased people among the rejections, without their content."""
    erased = {customer for customer in taken.row_of if refuses(customer, _FIRST_MS)}
    if not erased:
        return taken
    kept, rejections = [], list(taken.rejections)
    for position, customer in enumerate(taken.customer_ids):
        record = taken.records[position]
        if customer in erased and refuses(customer, record.timestamp):
            rejection = Rejection(0, Defect.ERASED, "of a person who was erased")
            rejections.append((int(taken.sources[position]), _Emptied(record.offset, record.timestamp), rejection))
        else:
            kept.append(position)
    return dataclasses.replace(taken.only(np.array(kept, np.int64)), rejections=rejections)
