"""Finding the events that make a step fail, so that one bad record costs one dead letter and not a partition."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from stream.events.rejections import Reason, Rejection, printable
from stream.events.withheld import without_text
from stream.processing.align import Taken

__all__ = ["isolate"]

_LOG = logging.getLogger(__name__)


def isolate(taken: Taken, step: Callable[[Taken], object]) -> Taken:
    """Return ``taken`` with every event rejected that makes ``step`` fail on its own; ``step`` must have no effect.

    The events are found by halving, so one bad event among *n* costs about 2 log2(n) trial steps. An error that no
    single event causes is raised: then it is not the input that is wrong.
    """
    bad: dict[int, Exception] = {}

    def search(positions: npt.NDArray[np.int64]) -> None:
        try:
            step(_subset(taken, positions))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is reported with the dead letter
            if len(positions) == 1:
                bad[int(positions[0])] = error
                return
            middle = len(positions) // 2
            search(positions[:middle])
            search(positions[middle:])

    search(np.arange(len(taken.events)))
    rejections = list(taken.rejections)
    for position, error in bad.items():
        _LOG.error("an event cannot be processed and is rejected", exc_info=without_text(error))
        detail = printable(f"{type(error).__name__}: {error}")
        rejection = Rejection(0, Reason.PROCESSING_FAILED, detail)
        rejections.append((int(taken.sources[position]), taken.records[position], rejection))
    good = np.array([k for k in range(len(taken.events)) if k not in bad], np.int64)
    return dataclasses.replace(_subset(taken, good), rejections=rejections)


def _subset(taken: Taken, positions: npt.NDArray[np.int64]) -> Taken:
    return dataclasses.replace(
        taken,
        events=taken.events[positions],
        customer_ids=[taken.customer_ids[k] for k in positions],
        sources=taken.sources[positions],
        records=[taken.records[k] for k in positions],
        rejections=[],
    )
