"""The web server of the console: pages for browsers of this machine, and what every answer says to the browser."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from stream.console.browser import with_cookie
from stream.console.pages import Pages
from stream.errors import SettingsError, StreamError

__all__ = ["application", "serve"]

_LOG = logging.getLogger(__name__)

#: Names of this machine. Others may lead here as well (DNS rebinding), and are refused.
_NAMES: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
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


def application(pages: Pages) -> web.Application:
    """The routes. Forms are sent in the body, so that no customer is named in an address or a log of addresses."""
    made = web.Application(middlewares=[_guarded, with_cookie, _explained(pages)], client_max_size=_MAX_FORM_BYTES)
    made.add_routes(
        [
            web.get("/", pages.today),
            web.get("/customers", pages.customers),
            web.post("/customers", pages.customers),
            web.post("/customer", pages.customer),
            web.post("/done", pages.record),
            web.post("/undo", pages.undo),
            web.post("/assign", pages.assign),
            web.post("/snooze", pages.snooze),
            web.get("/business", pages.business),
            web.get("/system", pages.system),
            web.get("/style.css", pages.style),
            # browsers ask for it
            web.get("/favicon.ico", _nothing),
        ]
    )
    return made


async def serve(pages: Pages, port: int, stop: asyncio.Event, listening: Callable[[str], None]) -> None:
    """Answer on the loopback interface, and publish actions, until ``stop`` is set.

    Raises `SettingsError` for a port that is taken.
    """
    runner = web.AppRunner(application(pages), access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        try:
            await site.start()
        except OSError as error:
            raise SettingsError(f"--port {port} cannot be listened on: {error.strerror}") from error
        listening(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        await pages.acting.publish_until(stop)
    finally:
        await runner.cleanup()


async def _nothing(request: web.Request) -> web.Response:
    del request
    return web.Response(status=HTTPStatus.NO_CONTENT)


@web.middleware
async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    name = request.host.rpartition(":")[0] if request.host[-1:] != "]" and ":" in request.host else request.host
    # a page elsewhere may send a form here, but has no business to
    is_foreign = request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}
    if name not in _NAMES or (is_foreign and request.method != "GET"):
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


def _explained(pages: Pages) -> Middleware:
    @web.middleware
    async def explain(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPForbidden as refused:
            return pages.problem(refused.reason, HTTPStatus.FORBIDDEN)
        except SettingsError as error:
            return pages.problem(str(error), HTTPStatus.BAD_REQUEST)
        except StreamError as error:
            _LOG.warning("%s", error)
            return pages.problem(str(error), HTTPStatus.SERVICE_UNAVAILABLE)

    return explain
