"""Leaving when nothing moves although there is work: a supervisor restarts the process, a hang would wait for ever."""

from __future__ import annotations

import asyncio
import logging
import os
import time

from stream.agents.owner import CRASHED, Owner
from stream.agents.transport import Intake

__all__ = ["Watchdog"]

_LOG = logging.getLogger(__name__)


class Watchdog:
    """Ends the process when the fetch loop has not turned for ``stalled_after_s``."""

    def __init__(
        self, intake: Intake, owner: Owner, *, stalled_after_s: float = 120.0, look_every_s: float = 5.0
    ) -> None:
        self._intake = intake
        self._owner = owner
        self._stalled_after_s = stalled_after_s
        self._look_every_s = look_every_s

    async def run(self) -> None:
        """Look again and again."""
        while True:
            await asyncio.sleep(self._look_every_s)
            idle_s = time.monotonic() - self._intake.progress.polled_at_s
            if self._owner.workers and idle_s > self._stalled_after_s:
                _LOG.critical(
                    "no fetch for %.0f s while %d partitions are assigned: leaving, so that a restart can help",
                    idle_s,
                    len(self._owner.workers),
                )
                logging.shutdown()
                os._exit(CRASHED)
