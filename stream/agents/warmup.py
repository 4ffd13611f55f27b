"""Compiling the kernel before the first partition is owned: a first call would block the event loop for seconds."""

from __future__ import annotations

import time

import numpy as np

from stream.events.columns import EVENT
from stream.features.registry import DAY_MS
from stream.processing.kernel import Kernel
from stream.processing.rules import NO_MODEL, Rules

__all__ = ["warm_up"]


def warm_up() -> float:
    """Run every compiled function once; return the seconds it took (about 15 on the first run, 1 with a warm cache)."""
    began = time.perf_counter()
    kernel = Kernel(Rules())
    events = np.zeros(1, EVENT)
    events["time"] = 400 * DAY_MS
    kernel.load([None], [0])
    run = kernel.advance(1, np.zeros(1, np.int64), events, events["time"].copy(), NO_MODEL)
    kernel.load(run.packed, [0])
    kernel.sweep(1, 401 * DAY_MS, NO_MODEL)
    return time.perf_counter() - began
