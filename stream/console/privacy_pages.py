"""The page on which an admin sees all that is kept of a person, takes it along, and has the person erased."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, cast, get_args

from aiohttp import web

from stream.console.browser import form_of, require_own_form
from stream.console.logins import is_traced_as
from stream.console.personal_data import ExportForm, PersonalData
from stream.console.refusals import RefusedError
from stream.console.rendering import Renderer
from stream.directory.database import DATABASE_ERRORS, why_unanswered
from stream.errors import SettingsError, StreamError
from stream.reporting.words import to_say

__all__ = ["PrivacyPages"]

_LOG = logging.getLogger(__name__)

#: What a person may be called, in characters: an address or a name.
_MAX_CHARS: Final = 320
#: Receipts that the page shows, the newest.
_SHOWN: Final = 50
#: Stores in words. Projections have one state each, or several.
_STORES: Final[Mapping[str, str]] = {
    "profiles": to_say("Profiles of workers"),
    "timers": to_say("Timers"),
    "projection": to_say("States of projections"),
    "former states of projections": to_say("Former states of projections"),
    "models": to_say("Rows of a model's sample of customers"),
    "outboxes": to_say("Records that wait to be published"),
    "notifications": to_say("Actions and hold-outs of the notifier"),
    "directory": to_say("Rows of the directory"),
    "console": to_say("Actions and notes of the console"),
    "contacts": to_say("Imported names and addresses"),
    "imports": to_say("Imported orders"),
    "keys": to_say("Keys"),
}
#: What is taken along, with its type and the name of its file.
_FILES: Final[Mapping[ExportForm, tuple[str, str]]] = {
    "json": ("application/json", "person.json"),
    "html": ("text/html", "person.html"),
    "events": ("application/x-ndjson", "events.jsonl"),
}


class _Erasing:
    """An erasure that this process carries out. ``line``: what it waits for, in English."""

    def __init__(self) -> None:
        self.line = ""
        self.problem = ""
        self.task: asyncio.Task[None] | None = None

    @property
    def is_under_way(self) -> bool:
        return self.task is not None and not self.task.done()

    def tell(self, line: str) -> None:
        self.line = line


class PrivacyPages:
    """Handlers; ``personal`` runs in threads."""

    def __init__(self, page: Renderer, personal: PersonalData) -> None:
        self._page = page
        self._personal = personal
        self._erasing: dict[str, _Erasing] = {}
        self._stop = threading.Event()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/privacy", self.overview),
            web.post("/privacy/person", self.person),
            web.post("/privacy/export", self.export),
            web.post("/privacy/erase", self.erase),
        ]

    async def close(self) -> None:
        """Leave what is under way where it is: the request lasts, and somebody goes on with it."""
        self._stop.set()
        await asyncio.gather(*(one.task for one in self._erasing.values() if one.task is not None))

    async def overview(self, request: web.Request) -> web.Response:
        """Whom to look for, what is under way, and the receipts."""
        return await self._shown(request)

    async def person(self, request: web.Request) -> web.Response:
        """What is kept of a person."""
        kept = await asyncio.to_thread(self._personal.kept, await _person_of(request))
        # nothing was seen of whom nobody knows, and what was typed is not to stay
        is_traced_as(request, customer_id=kept.person if any(kept.found.values()) else None)
        return await self._shown(request, kept=kept, of_person=_by_store(kept.found))

    async def export(self, request: web.Request) -> web.Response:
        """Everything about a person as a file."""
        person, form = await _person_of(request), (await form_of(request)).get("form", "")
        if form not in get_args(ExportForm):
            raise SettingsError(f"expected one of {', '.join(get_args(ExportForm))}")
        wanted = cast("ExportForm", form)
        body = await asyncio.to_thread(self._personal.export, person, wanted)
        if body is None:
            raise RefusedError("Nothing is kept of this person.")
        content_type, name = _FILES[wanted]
        is_traced_as(request, customer_id=person, detail=name)
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return web.Response(body=body, content_type=content_type, charset="utf-8", headers=headers)

    async def erase(self, request: web.Request) -> web.Response:
        """Ask for an erasure, and begin with it. The trace names the request only: it outlasts the person."""
        person = await _person_of(request)
        if (await form_of(request)).get("sure") != "yes":
            raise RefusedError("Say that you are sure: what is erased does not come back.")
        request_id = await asyncio.to_thread(self._personal.ask, person)
        erasing = self._erasing.get(request_id)
        if erasing is None or not erasing.is_under_way:
            self._erasing[request_id] = begun = _Erasing()
            begun.task = asyncio.create_task(self._carry_out(request_id, begun))
        is_traced_as(request, detail=f"request: {request_id}")
        return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": "/privacy"})

    async def _carry_out(self, request_id: str, erasing: _Erasing) -> None:
        try:
            await asyncio.to_thread(self._personal.carry_out, request_id, erasing.tell, self._stop)
        except (StreamError, *DATABASE_ERRORS) as error:
            erasing.problem = why_unanswered(error)
            _LOG.warning("request %s: %s", request_id, erasing.problem)

    async def _shown(self, request: web.Request, **of_person: Any) -> web.Response:
        found = await asyncio.to_thread(self._personal.receipts)
        receipts = [(one, _by_store(one.found)) for one in found.receipts[:_SHOWN]]
        values: dict[str, Any] = {"kept": None, "of_person": {}} | of_person
        return self._page("privacy", request, found=found, receipts=receipts, erasing=self._erasing, **values)


async def _person_of(request: web.Request) -> str:
    """Whom a form of ours is about."""
    form = await form_of(request)
    require_own_form(request, form)
    text = form.get("person", "").strip()
    if not text or len(text) > _MAX_CHARS or not text.isprintable():
        raise RefusedError("Say who it is: an id, a name, an e-mail address or a telephone number.")
    return text


def _by_store(found: Mapping[str, int]) -> dict[str, int]:
    """How many things there are, by the names that pages have for stores; what is empty is left out."""
    told: dict[str, int] = {}
    for store, count in found.items():
        name = _STORES["projection" if store.startswith("projection ") else store]
        if count:
            told[name] = told.get(name, 0) + count
    return told
