"""How the console is, for probes and metrics."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from stream.console.console_metrics import (
    CONSOLE_DATABASE,
    CONSOLE_OLDEST_ACTION,
    CONSOLE_REQUESTS,
    CONSOLE_SECONDS,
    CONSOLE_WAITING,
)
from stream.directory.database import DATABASE_ERRORS, why_unanswered
from stream.directory.desk.desk_store import DeskStore
from stream.directory.store import DirectoryStore
from stream.metrics.readiness import Tell

__all__ = ["Watch", "counted"]

_LOG = logging.getLogger(__name__)
_LOOK_S: Final = 5.0
#: What nobody waits for.
_UNCOUNTED: Final = frozenset({"/health/live", "/style.css", "/favicon.ico"})
#: Of requests for pages that there are not, so that nobody makes labels.
_OTHER: Final = "other"


class Watch:
    """Looks every few seconds whether both databases answer and whether actions wait, and tells it."""

    def __init__(
        self,
        store: DirectoryStore,
        desk: DeskStore,
        tell: Tell,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._store = store
        self._desk = desk
        self._tell = tell
        self._now_ms = now_ms
        self._was_up = True

    async def until(self, stop: asyncio.Event) -> None:
        """Look until ``stop`` is set."""
        while not stop.is_set():
            await asyncio.to_thread(self.look)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _LOOK_S)

    def look(self) -> None:
        """Look once, and tell."""
        try:
            self._store.progress()
            due, oldest_ms = self._desk.due(self._now_ms())
        except DATABASE_ERRORS as error:
            why = why_unanswered(error)
            if self._was_up:
                _LOG.warning("the database does not answer: %s", why)
            self._was_up = False
            CONSOLE_DATABASE.set(0)
            self._tell([f"the database does not answer: {why}"], {})
            return
        if not self._was_up:
            _LOG.info("the database answers again")
        self._was_up = True
        CONSOLE_DATABASE.set(1)
        CONSOLE_WAITING.set(due)
        CONSOLE_OLDEST_ACTION.set(max(self._now_ms() - oldest_ms, 0) / 1000 if oldest_ms is not None else 0)
        self._tell([], {"due_actions": due})


@web.middleware
async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count and time a request, by the route and not by what was asked for."""
    resource = request.match_info.route.resource
    page = resource.canonical if resource is not None else _OTHER
    if page in _UNCOUNTED:
        return await handler(request)
    began_s, status = time.monotonic(), 500
    try:
        response = await handler(request)
        status = response.status
        return response
    finally:
        CONSOLE_SECONDS.labels(page).observe(time.monotonic() - began_s)
        CONSOLE_REQUESTS.labels(page, str(status)).inc()
