"""The web server of the console: who may ask, the routes, and what every answer says to the browser."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Final, NamedTuple

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from stream.console.api_access import ApiAccess, is_for_programs
from stream.console.browser import LOCAL_NAMES, host_name, with_cookie
from stream.console.pages import Pages
from stream.console.persons import REVEALER
from stream.console.refusals import Forbidden, TooManyAttempts, UnknownCustomer
from stream.console.watching import Watch, counted
from stream.directory.database import DATABASE_ERRORS, why_unanswered
from stream.errors import SettingsError, StorageError, StreamError
from stream.privacy.revealing import Revealer

__all__ = ["Address", "application", "serve"]

_LOG = logging.getLogger(__name__)

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_MAX_FORM_BYTES: Final = 16_384
_HTML: Final = "text/html"
_WITHOUT_MONEY: Final = frozenset({"/style.css", "/favicon.ico", "/health/live"})
_REVEALED: Final = frozenset({_HTML, "application/json"})


class Address(NamedTuple):
    """Where the server listens; port 0: any that is free."""

    host: str
    port: int


def application(
    pages: Pages, programs: ApiAccess, names: Collection[str] = (), revealer: Revealer | None = None
) -> web.Application:
    """The routes. Forms are sent in the body, so that no customer is named in an address or a log of addresses.

    ``names``: under which the server may be asked, beside those of this machine.
    """
    of_pages = map(_for_pages, (with_cookie, pages.choice.with_language, _explained(pages), pages.logins.guard))
    revealed = [_revealed(revealer)] if revealer is not None else []
    guards = [counted, _guarded(LOCAL_NAMES | {*names}), *of_pages, programs.guard]
    middlewares = [*guards, _with_currency(pages), *revealed]
    made = web.Application(middlewares=middlewares, client_max_size=_MAX_FORM_BYTES)
    made.add_routes(
        [
            *programs.routes(),
            web.get("/", pages.today),
            *pages.lists.routes(),
            web.post("/customer", pages.customer),
            web.post("/done", pages.record),
            web.post("/label", pages.label),
            web.post("/undo", pages.undo),
            web.post("/assign", pages.assign),
            web.post("/snooze", pages.snooze),
            web.post("/identities/merge", pages.decide_identity),
            web.post("/identities/unmerge", pages.decide_identity),
            web.get("/business", pages.business.show),
            *pages.offers.routes(),
            *pages.operator.routes(),
            web.get("/audit", pages.audit),
            web.get("/help", pages.help),
            *pages.entrance.routes(),
            web.post("/language", pages.choice.back),
            web.get("/health/live", _nothing),
            web.get("/style.css", pages.style),
            # browsers ask for it
            web.get("/favicon.ico", _nothing),
        ]
    )
    made.on_cleanup.append(pages.operator.close)
    made.on_cleanup.append(pages.close)
    made.on_cleanup.append(programs.close)
    return made


async def serve(
    pages: Pages,
    programs: ApiAccess,
    at: Address,
    names: Collection[str],
    watch: Watch,
    stop: asyncio.Event,
    listening: Callable[[str], None],
    revealer: Revealer | None = None,
) -> None:
    """Answer, publish actions, and tell how the console is, until ``stop`` is set.

    Raises `SettingsError` for an address that is taken.
    """
    runner = web.AppRunner(
        application(pages, programs, names, revealer), access_log=None, handle_signals=False, shutdown_timeout=1.0
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, at.host, at.port)
        try:
            await site.start()
        except OSError as error:
            raise SettingsError(f"{at.host}:{at.port} cannot be listened on: {error.strerror}") from error
        listening(f"http://{at.host}:{runner.addresses[0][1]}/")
        async with asyncio.TaskGroup() as group:
            group.create_task(pages.acting.publish_until(stop))
            group.create_task(watch.until(stop))
    finally:
        await runner.cleanup()


async def _nothing(request: web.Request) -> web.Response:
    del request
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _guarded(names: Collection[str]) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        # a page elsewhere may send a form here, but has no business to
        is_foreign = request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}
        if host_name(request) not in names or (is_foreign and request.method != "GET"):
            response: web.StreamResponse = web.Response(status=HTTPStatus.FORBIDDEN, text="not for other sites\n")
        else:
            try:
                response = await handler(request)
            except web.HTTPException as refused:
                response = web.Response(status=refused.status, text=f"{refused.reason}\n")
                if "Allow" in refused.headers:
                    response.headers["Allow"] = refused.headers["Allow"]
        response.headers.update(_HEADERS)
        return response

    return guard


def _with_currency(pages: Pages) -> Middleware:
    @web.middleware
    async def learn(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path not in _WITHOUT_MONEY:
            await pages.learn_currency()
        return await handler(request)

    return learn


def _revealed(revealer: Revealer) -> Middleware:
    """Ids and texts in clear in what is answered; pseudonyms in place of ids in what is asked."""

    @web.middleware
    async def reveal(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[REVEALER] = revealer
        response = await handler(request)
        if isinstance(response, web.Response) and response.text and response.content_type in _REVEALED:
            written = revealer.html if response.content_type == _HTML else revealer.json
            response.text = await asyncio.to_thread(written, response.text)
        return response

    return reveal


def _for_pages(middleware: Middleware) -> Middleware:
    @web.middleware
    async def unless_api(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await (handler(request) if is_for_programs(request) else middleware(request, handler))

    return unless_api


def _explained(pages: Pages) -> Middleware:
    @web.middleware
    async def explain(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except (Forbidden, TooManyAttempts, UnknownCustomer) as refused:
            response = pages.problem(request, refused, HTTPStatus(refused.status))
            if "Retry-After" in refused.headers:
                response.headers["Retry-After"] = refused.headers["Retry-After"]
            return response
        except SettingsError as error:
            return pages.problem(request, error, HTTPStatus.BAD_REQUEST)
        except (StreamError, *DATABASE_ERRORS) as error:
            why = why_unanswered(error)
            _LOG.warning("%s", why)
            return pages.problem(request, StorageError(why), HTTPStatus.SERVICE_UNAVAILABLE)

    return explain
