"""Compiling the kernel before the first partition is owned: a first call would block the event loop for seconds."""

from __future__ import annotations

import sys
import time

import numpy as np

from stream.agents.kernel_parts import compile_elsewhere
from stream.catalogue.events import KERNEL_TYPES
from stream.events.columns import EVENT
from stream.events.decode import Decoded
from stream.features.registry import DAY_MS
from stream.kernel_cache import install
from stream.processing.align import Aligner
from stream.processing.kernel import Kernel
from stream.processing.misplaced import PartitionPlacement
from stream.processing.outgoing import Topics
from stream.processing.partition import Partition
from stream.processing.rules import Rules
from stream.processing.scorer import WARMING
from stream.recommending.follower_rows import FollowerRows
from stream.texts.text_warmup import warm_up_texts

__all__ = ["warm_up"]


def warm_up() -> float:
    """See to it that all is compiled, and run every compiled function once: two steps, the second over the stored
    profile, and a sweep.

    Returns the seconds it took: about 50 on two cores where nothing was ever compiled, 1 from then on.
    """
    began = time.perf_counter()
    compile_elsewhere()
    rules = Rules()
    topics = [event_type.value for event_type in KERNEL_TYPES]
    partition = Partition(0, rules, Kernel(rules), Topics(), topics, 1, PartitionPlacement(0, 1))
    aligner = Aligner(len(KERNEL_TYPES))
    at_end = [True] * len(KERNEL_TYPES)
    for step in range(2):
        events = np.zeros(1, EVENT)
        events["time"] = (400 + step) * DAY_MS
        events["event_id"] = step
        aligner.push(0, None, np.array([step]), [None], Decoded(["warm-up"], events, [], []))
        taken = aligner.take(at_end, 1)
        if taken is not None:
            taken = partition.sort_out(taken)
            missing = partition.missing(taken.row_of)
            partition.remember(missing, [None] * len(missing))
            partition.accept(partition.step(taken, WARMING, 0))
    partition.at_time(500 * DAY_MS, live=False)
    partition.sweep(["warm-up"], WARMING, 0)
    FollowerRows(1, {}).follow(["warm-up"], ["too"], 0, lambda _: True)
    return time.perf_counter() - began


if __name__ == "__main__":
    warm_up()
    warm_up_texts()
    if "--install" in sys.argv[1:]:
        install()
