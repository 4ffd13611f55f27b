"""Which programs may use the API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from stream.console.api import API, OPERATIONS, Api, customer_of, problem_json, set_program
from stream.console.api_document import api_document
from stream.directory.database import DATABASE_ERRORS, why_unanswered
from stream.directory.desk.api_tokens import ApiTokens
from stream.directory.desk.audit_trail import AuditTrail, Trace
from stream.errors import CursorError, SettingsError, StreamError

__all__ = ["ApiAccess", "is_for_programs"]

_BY_PATH: Final = {f"{API}{one.path}": one for one in OPERATIONS}
#: The document says nothing of anybody.
_OPEN: Final = frozenset({f"{API}/openapi.json"})


class ApiAccess:
    """The routes of the API, and a middleware for them: tokens, scopes, a trace, and errors as JSON."""

    def __init__(
        self,
        api: Api,
        tokens: ApiTokens,
        trail: AuditTrail,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._api = api
        self._tokens = tokens
        self._trail = trail
        self._now_ms = now_ms

    async def close(self, _: web.Application) -> None:
        """Wait for what is under way."""
        await self._api.close()

    def routes(self) -> list[web.RouteDef]:
        """Those of the API, and of its document."""
        return [*self._api.routes(), web.get(f"{API}/openapi.json", _document)]

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let programs through that have a token for what they ask."""
        if not is_for_programs(request):
            return await handler(request)
        try:
            return await self._answer(request, handler)
        except web.HTTPException as refused:
            kept = {name: refused.headers[name] for name in ("Allow", "WWW-Authenticate") if name in refused.headers}
            return problem_json(HTTPStatus(refused.status), refused.reason, kept)
        except CursorError as error:
            return problem_json(HTTPStatus.NOT_FOUND, str(error))
        except SettingsError as error:
            return problem_json(HTTPStatus.BAD_REQUEST, str(error))
        except (StreamError, *DATABASE_ERRORS) as error:
            return problem_json(HTTPStatus.SERVICE_UNAVAILABLE, why_unanswered(error))

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        is_nowhere = isinstance(request.match_info.http_exception, web.HTTPException)
        if request.path in _OPEN or is_nowhere:
            return await handler(request)
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        token = await asyncio.to_thread(self._tokens.find, given.strip()) if kind.lower() == "bearer" else None
        if token is None:
            raise web.HTTPUnauthorized(reason="expected a token", headers={"WWW-Authenticate": "Bearer"})
        operation = _BY_PATH[request.path]
        if operation.scope not in token.scopes:
            raise web.HTTPForbidden(reason=f"the token {token.name} is not for {operation.scope}")
        set_program(request, token.name)
        response = await handler(request)
        trace = Trace(self._now_ms(), f"token {token.name}", operation.trace, customer_of(request))
        await asyncio.to_thread(self._trail.add, trace)
        return response


def is_for_programs(request: web.Request) -> bool:
    """Whether it is a request to the API, and not to a page."""
    return request.path == API or request.path.startswith(f"{API}/")


async def _document(request: web.Request) -> web.Response:
    del request
    return web.json_response(api_document())
