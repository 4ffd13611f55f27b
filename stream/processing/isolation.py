"""Finding the events that make a step fail, so that one bad record costs one dead letter and not a partition.

Only an error that follows from an event is isolated. One of storage, of a model, of memory or of the program itself
would blame good events one by one: it is raised, nothing is stored, and the events are read again when it is mended.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from stream.errors import StreamError, SystematicError
from stream.events.columns import EVENT
from stream.events.rejections import Defect, Rejection, printable
from stream.events.withheld import without_text
from stream.processing.align import Taken

__all__ = ["MADE_UP", "MAX_ISOLATED", "NOT_OF_AN_EVENT", "failing", "isolate", "refuse_bug"]

_LOG = logging.getLogger(__name__)

#: Events of one step that may be isolated: more failures have a common cause outside the events.
MAX_ISOLATED = 8
#: A customer whom nobody can have: ids have no control characters.
MADE_UP: Final = "\x1fmade-up"
#: What no single event causes.
NOT_OF_AN_EVENT = (StreamError, MemoryError)


def refuse_bug(step: Callable[[Taken], object], time_ms: int) -> None:
    """Raise `SystematicError` if ``step`` fails for an event of ``time_ms`` that is made up, of the customer `MADE_UP`.

    Then it fails for every event. In steps of one event, as idle partitions have them, each would be blamed in turn.
    """
    events = np.zeros(1, EVENT)
    events["time"] = time_ms
    try:
        step(Taken(events, [MADE_UP], np.zeros(1, np.int64), [None], [], {}, []))
    except NOT_OF_AN_EVENT:
        raise
    except Exception as error:
        raise SystematicError(
            f"a step fails for a made-up event as well, with {type(error).__name__}: this is an error of the program, "
            "not of the events; nothing of the step is stored"
        ) from error


def failing(count: int, step: Callable[[Sequence[int]], object]) -> dict[int, Exception]:
    """The positions, of ``count``, that make ``step`` fail on their own, with why; ``step`` must have no effect.

    They are found by halving, so one bad event among *n* costs about 2 log2(n) trial steps. An error that no single
    event causes is raised: then it is not the input that is wrong. Raises `SystematicError` when more than
    `MAX_ISOLATED` fail.
    """
    bad: dict[int, Exception] = {}

    def search(positions: Sequence[int]) -> None:
        try:
            step(positions)
        except NOT_OF_AN_EVENT:
            raise
        except Exception as error:
            if not positions:  # it fails without any event
                raise
            if len(positions) == 1:
                bad[positions[0]] = error
                if len(bad) > MAX_ISOLATED:
                    raise SystematicError(
                        f"more than {MAX_ISOLATED} events of a step fail, the last with {type(error).__name__}: "
                        "this is an error of the program, not of the events; nothing of the step is stored"
                    ) from error
                return
            middle = len(positions) // 2
            search(positions[:middle])
            search(positions[middle:])

    search(range(count))
    return bad


def isolate(taken: Taken, step: Callable[[Taken], object]) -> Taken:
    """Return ``taken`` with every event rejected that makes ``step`` fail on its own. Raises as `failing` does."""
    bad = failing(
        len(taken.events),
        lambda positions: step(dataclasses.replace(taken.only(np.array(positions, np.int64)), rejections=[])),
    )
    rejections = list(taken.rejections)
    for position, error in bad.items():
        _LOG.error("an event cannot be processed and is rejected", exc_info=without_text(error))
        detail = printable(f"{type(error).__name__}: {error}")
        rejection = Rejection(0, Defect.PROCESSING_FAILED, detail)
        rejections.append((int(taken.sources[position]), taken.records[position], rejection))
    good = np.array([k for k in range(len(taken.events)) if k not in bad], np.int64)
    return dataclasses.replace(taken.only(good), rejections=rejections)
