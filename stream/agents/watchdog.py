"""Leaving when nothing moves although there is work: a supervisor restarts the process, a hang would wait for ever."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from stream.agents.owner import CRASHED, Owner
from stream.agents.transport import TP, Intake

__all__ = ["Standstill", "Watchdog"]

_LOG = logging.getLogger(__name__)

_EVENT_LOOP, _FETCH_LOOP = "the event loop", "the fetch loop"
#: The log may be what hangs: the process ends after this time without having said why.
_LAST_WORDS_S = 5.0


class Standstill:
    """How long each of several marks has stayed the same, as seen by `look`. Pure.

    At most ``longest_look_s`` counts between two looks: if more has passed, it was the whole process that stood still
    (SIGSTOP, a suspended machine), and nothing in it could have moved.

    >>> still = Standstill(longest_look_s=2.0)
    >>> [still.look({"p": mark}, at_s)["p"] for mark, at_s in [(7, 0.0), (7, 1.0), (7, 2.5), (8, 3.0), (8, 99.0)]]
    [0.0, 1.0, 2.5, 0.0, 2.0]
    """

    def __init__(self, *, longest_look_s: float) -> None:
        self._longest_look_s = longest_look_s
        self._looked_at_s = float("-inf")
        self._marks: dict[str, tuple[Hashable, float]] = {}

    def look(self, marks: Mapping[str, Hashable], at_s: float) -> dict[str, float]:
        """Seconds without a change of each mark; what is not among ``marks`` now is forgotten."""
        passed_s = min(at_s - self._looked_at_s, self._longest_look_s)
        self._looked_at_s = at_s
        self._marks = {
            name: (mark, self._marks[name][1] + passed_s)
            if name in self._marks and self._marks[name][0] == mark
            else (mark, 0.0)
            for name, mark in marks.items()
        }
        return {name: still_s for name, (_, still_s) in self._marks.items()}

    def forgive(self, name: str) -> None:
        """Begin anew with this one."""
        self._marks.pop(name, None)


class Watchdog:
    """Ends the process when something that has work has not moved for ``stalled_after_s``.

    It looks at the event loop, at the fetch loop, and at every assigned input of which records are known that are not
    processed: those that wait in the log must be received, those that were received must be stored, or refused by
    Redis. While ``redis_answers`` or ``broker_answers`` (of a partition) is false, that is why, and a restart would
    change nothing. It looks from a thread of its own, for the event loop may be what hangs.
    """

    def __init__(
        self,
        intake: Intake,
        owner: Owner[Any],
        topics: Sequence[str],
        *,
        stalled_after_s: float,
        redis_answers: Callable[[], bool],
        broker_answers: Callable[[TP], bool],
    ) -> None:
        self._intake = intake
        self._owner = owner
        self._topics = topics
        self._stalled_after_s = stalled_after_s
        self._redis_answers = redis_answers
        self._broker_answers = broker_answers
        self._look_every_s = min(stalled_after_s / 10, 5.0)
        self._standstill = Standstill(longest_look_s=2 * self._look_every_s)
        self._beats = 0
        self._ended = threading.Event()

    async def run(self) -> None:
        """Watch until cancelled."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        try:
            while True:
                self._beats += 1
                await asyncio.sleep(self._look_every_s)
        finally:
            self._ended.set()

    def _watch(self) -> None:
        try:
            while not self._ended.wait(self._look_every_s):
                if reason := self.stalled(time.monotonic()):
                    self._leave(reason)
        except Exception as error:  # noqa: BLE001 - a silent death of this thread would go unnoticed
            self._leave(f"the watchdog failed: {error!r}")

    def stalled(self, at_s: float) -> str:
        """Look once; return what stands still without an excuse, "" if nothing does."""
        inputs = self._unprocessed()
        marks: dict[str, Hashable] = {_EVENT_LOOP: self._beats}
        if self._owner.workers:
            # while long steps are all that the event loop does, the fetch loop comes late; it hangs when they have
            # nothing left to store
            stored = sum(worker.records_stored for worker in dict(self._owner.workers).values())
            marks[_FETCH_LOOP] = (self._intake.progress.polled_at_s, stored)
        marks |= {f"{tp.topic}/{tp.partition}": mark for tp, (mark, _) in inputs.items()}
        waiting = {f"{tp.topic}/{tp.partition}": (tp, records) for tp, (_, records) in inputs.items()}
        for name, still_s in self._standstill.look(marks, at_s).items():
            if still_s < self._stalled_after_s:
                continue
            tp, records = waiting.get(name, (None, ""))
            if name == _EVENT_LOOP or self._servers_answer(tp):
                return f"{name} has not moved for {still_s:.0f} s{records}"
            self._standstill.forgive(name)
        return ""

    def _unprocessed(self) -> Mapping[TP, tuple[Hashable, str]]:
        """What must change about each input with unprocessed records, and what to say of them."""
        found: dict[TP, tuple[Hashable, str]] = {}
        for partition, worker in dict(self._owner.workers).items():
            for source, topic in enumerate(self._topics):
                tp = TP(topic, partition)
                position = self._intake.position(tp)
                buffered, lag = worker.buffered(source), (position.lag or 0) if position is not None else 0
                what = (
                    f" although servers answer: {buffered} records are received and not stored, {lag} wait in the log"
                )
                if buffered:
                    found[tp] = (("stored", worker.signs), what)
                elif lag and position is not None:
                    found[tp] = (("received", position.next_offset), what)
        return found

    def _servers_answer(self, tp: TP | None) -> bool:
        any_of_ours = (TP(self._topics[0], partition) for partition in self._owner.workers)
        asked = tp or next(any_of_ours, None)
        return self._redis_answers() and asked is not None and self._broker_answers(asked)

    def _leave(self, reason: str) -> None:
        last_resort = threading.Timer(_LAST_WORDS_S, os._exit, (CRASHED,))
        last_resort.daemon = True
        last_resort.start()
        frames: dict[int, Any] = sys._current_frames()  # noqa: SLF001 - there is no other way to another thread's stack
        main = frames.get(threading.main_thread().ident or 0)
        stack = "".join(traceback.format_stack(main)) if main is not None else ""
        _LOG.critical("%s: leaving, so that a restart can help; the main thread is at\n%s", reason, stack)
        logging.shutdown()
        os._exit(CRASHED)
