"""What an orchestrator asks a worker: is it alive, has it started, is it ready.

The event loop tells how it is, again and again; a thread of the metrics server reads the last of that. So a loop that
is stuck is noticed from outside of it, and an answer never waits for a step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import orjson

__all__ = ["Health", "HealthReport"]

_OK, _UNAVAILABLE = 200, 503


@dataclass(frozen=True, slots=True)
class HealthReport:
    """What the event loop says of itself: ``reasons`` against being ready (none: it is), and figures to show."""

    reasons: Sequence[str]
    figures: Mapping[str, int]


class Health:
    """The answers of ``/health/live``, ``/health/startup`` and ``/health/ready``: 200 or 503, and why in JSON.

    * live: the event loop has turned within ``stuck_after_s``; a worker that still starts is alive.
    * startup: the kernel is compiled and the event loop turns.
    * ready: alive, started, and the last report gives no reason against it.

    `report` is called on the event loop, everything else from any thread. Both only exchange one reference.
    """

    def __init__(self, stuck_after_s: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._stuck_after_s = stuck_after_s
        self._monotonic = monotonic
        self._reported: tuple[float, HealthReport] | None = None

    @property
    def pages(self) -> Mapping[str, Callable[[], tuple[int, bytes]]]:
        """Path -> status and body, for `stream.metrics.serve`."""
        return {
            "/health/live": lambda: _page(self._stuck()),
            "/health/startup": lambda: _page(self._starting()),
            "/health/ready": self._ready,
        }

    def report(self, report: HealthReport) -> None:
        """Say that the event loop turns, and how the worker is."""
        self._reported = (self._monotonic(), report)

    def _stuck(self) -> list[str]:
        if self._reported is None:
            return []
        silent_s = self._monotonic() - self._reported[0]
        if silent_s <= self._stuck_after_s:
            return []
        return [f"the event loop has not turned for {silent_s:.0f} s, {self._stuck_after_s:g} s are allowed"]

    def _starting(self) -> list[str]:
        return ["the kernel is being compiled, or the event loop has not begun"] if self._reported is None else []

    def _ready(self) -> tuple[int, bytes]:
        if self._reported is None:
            return _page(self._starting())
        report = self._reported[1]
        return _page([*self._stuck(), *report.reasons], report.figures)


def _page(reasons: Sequence[str], figures: Mapping[str, int] | None = None) -> tuple[int, bytes]:
    body = {"ok": not reasons, "reasons": list(reasons), **(figures or {})}
    return (_UNAVAILABLE if reasons else _OK), orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE)
