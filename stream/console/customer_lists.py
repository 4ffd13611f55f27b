"""Lists of customers: by what is known of them, under a name, and for a spreadsheet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from stream.console.browser import form_of, require_own_form
from stream.console.directory_reads import asked
from stream.console.logins import who_of
from stream.console.operations import Operations
from stream.console.persons import REVEALER, known_id
from stream.console.posted_forms import FIELDS, condition_of
from stream.console.rendering import Renderer
from stream.console.still_reading import StillReading
from stream.directory.consented_lists import Refusing, consented_page
from stream.directory.customer_groups import names_of
from stream.directory.customer_queries import Condition, Sort
from stream.directory.customers_csv import customers_csv
from stream.directory.database import Connection
from stream.directory.desk.accounts import Role
from stream.directory.desk.saved_filters import SavedFilters
from stream.directory.store import DirectoryStore
from stream.errors import SettingsError
from stream.features.stages import STAGE_NAMES
from stream.imports.contacts import called_apart, called_of
from stream.processing.rfm import Tier

__all__ = ["CustomerLists"]

#: Customers of a page, and those that are read at a time for a file.
_PAGE: Final = 50
_AT_ONCE: Final = 2_000
#: A list that is kept is of nobody in particular.
_KEPT: Final = (*(name for name in FIELDS if name != "begins"), "sort")
#: Tells spreadsheets that the file is UTF-8.
_MARK: Final = "\ufeff"


class CustomerLists:
    """Handlers of requests. ``operations``: who customers are, and who does not agree to be scored.

    ``still_reading``: says so while the directory is behind.
    """

    def __init__(
        self,
        page: Renderer,
        store: DirectoryStore,
        filters: SavedFilters,
        now_ms: Callable[[], int],
        operations: Operations,
        still_reading: StillReading,
    ) -> None:
        self._page = page
        self._store = store
        self._filters = filters
        self._now_ms = now_ms
        self._refusing: Refusing = operations.refusing
        self._contacts = operations.contacts
        self._still_reading = still_reading

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/customers", self.customers),
            web.post("/customers", self.customers),
            web.post("/customers/file", self.file),
            web.post("/customers/keep", self.keep),
            web.post("/customers/forget", self.forget),
        ]

    async def customers(self, request: web.Request) -> web.Response:
        """Customers by what is known of them."""
        form = await form_of(request)
        condition, sort = await self._condition(request), _sort_of(form)
        still_reading = await self._still_reading.line(self._page.edition(request))
        page, segments, channels = await asked(
            self._store,
            lambda connection: (
                consented_page(
                    *(connection, condition, sort),
                    refusing=self._refusing,
                    limit=_PAGE,
                    cursor=form.get("cursor") or None,
                ),
                names_of(connection, "segment"),
                names_of(connection, "channel"),
            ),
        )
        contacts = await asyncio.to_thread(self._contacts, [row["customer_id"] for row in page.rows])
        return self._page(
            "customers",
            request,
            page=page,
            still_reading=still_reading,
            names=called_apart(contacts),
            given={name: form.get(name, "") for name in FIELDS},
            options={
                "stage": STAGE_NAMES,
                "tier": [tier.text for tier in Tier if tier],
                "segment": segments,
                "channel": channels,
            },
            sort=sort.value,
            sorts=[*Sort],
            lists=await asyncio.to_thread(self._filters.all),
            is_by_whole_id=REVEALER in request,
            can_keep=who_of(request).role.includes(Role.OPERATOR),
        )

    async def file(self, request: web.Request) -> web.StreamResponse:
        """All customers of a list, by id, with names, as CSV; in pages, as a long transaction would be in the way."""
        form = await form_of(request)
        require_own_form(request, form)
        condition = await self._condition(request)
        lines, cursor = await self._lines(condition, None)
        response = web.StreamResponse(headers={"Content-Disposition": 'attachment; filename="customers.csv"'})
        response.content_type, response.charset = "text/csv", "utf-8"
        await response.prepare(request)
        await response.write((_MARK + "".join(lines)).encode())
        while cursor is not None:
            lines, cursor = await self._lines(condition, cursor)
            await response.write("".join(lines[1:]).encode())
        await response.write_eof()
        return response

    async def keep(self, request: web.Request) -> web.Response:
        """Keep what is filled in, under a name."""
        form = await form_of(request)
        require_own_form(request, form)
        condition_of(form, self._page.writing)
        fields = {name: form[name].strip() for name in _KEPT if form.get(name, "").strip()}
        _sort_of(fields)
        name = form.get("name", "").strip()
        await asyncio.to_thread(self._filters.save, name, fields, who_of(request).name, self._now_ms())
        return await self.customers(request)

    async def forget(self, request: web.Request) -> web.Response:
        """Remove a list from those that are kept."""
        form = await form_of(request)
        require_own_form(request, form)
        await asyncio.to_thread(self._filters.remove, form.get("name", ""))
        return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": "/customers"})

    async def _condition(self, request: web.Request) -> Condition:
        """What is filled in; under pseudonyms nothing is known of how an id begins, so it must be the whole id."""
        condition = condition_of(await form_of(request), self._page.writing)
        return replace(condition, begins=await known_id(request, condition.begins)) if condition.begins else condition

    async def _lines(self, condition: Condition, cursor: str | None) -> tuple[Sequence[str], str | None]:
        """A header, a part of the customers, and where the next part begins."""

        def ask(connection: Connection) -> tuple[Sequence[str], str | None]:
            page = consented_page(
                connection, condition, Sort.ID, refusing=self._refusing, limit=_AT_ONCE, cursor=cursor
            )
            return [*customers_csv(page.rows, self._page.writing, self._called)], page.cursor

        return await asked(self._store, ask)

    def _called(self, customer_ids: Sequence[str]) -> Mapping[str, str]:
        return called_of(self._contacts(customer_ids))


def _sort_of(form: Mapping[str, Any]) -> Sort:
    try:
        return Sort(form.get("sort", "") or Sort.AT_STAKE)
    except ValueError:
        raise SettingsError(f"expected one of {', '.join(Sort)}") from None
