"""A thread that observes a run, and never ends unnoticed."""

import threading
import traceback
from collections.abc import Callable
from typing import Self

from tests.faults.away import is_away

__all__ = ["Watch"]


class Watch:
    """``with Watch("pulse", look, 0.05) as watch: ...``: ``look`` is called every so many seconds; `findings` after.

    ``looks``: number of finished looks; one at an unreachable server does not count.
    """

    def __init__(self, name: str, look: Callable[[], object], every_s: float) -> None:
        self._name = name
        self._look = look
        self._every_s = every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._died_of = ""
        self.looks = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def findings(self) -> list[str]:
        """X: the thread died or never saw anything, so that finding nothing proves nothing."""
        if self._died_of:
            return [f"X: the {self._name} died: {self._died_of}"]
        if not self.looks:
            return [f"X: the {self._name} has not seen anything"]
        return []

    def _run(self) -> None:
        while not self._ended.wait(self._every_s):
            try:
                self._look()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding, in another thread
                if not is_away(error):
                    self._died_of = traceback.format_exc()
                    return
            else:
                self.looks += 1
