"""Logging in and out: with a password, or with an account elsewhere."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from stream.console.browser import csrf_of, is_local
from stream.console.logins import Logins, who_of
from stream.console.people_elsewhere import LettingIn, person_of
from stream.console.refusals import RefusedError, why_not
from stream.console.rendering import Renderer
from stream.console.single_sign_on import SingleSignOn

__all__ = ["Elsewhere", "LoginPages"]

#: Keeps the key of a login that is under way. Unlike the cookie of the console it comes along when the provider sends
#: the browser back.
_COOKIE: Final = "stream_login"
_BEGIN: Final = "/login/elsewhere"
_BACK: Final = "/login/elsewhere/back"
_LEAVE: Final = "/login/elsewhere/leave"
_LONGEST_S: Final = 600


class Elsewhere:
    """A provider of accounts, and whom of them to let in."""

    def __init__(self, sign_on: SingleSignOn, rules: LettingIn) -> None:
        self.sign_on = sign_on
        self.rules = rules


class LoginPages:
    """Handlers of requests; ``elsewhere``: None without a provider."""

    def __init__(self, page: Renderer, logins: Logins, elsewhere: Elsewhere | None = None) -> None:
        self._page = page
        self._logins = logins
        self._elsewhere = elsewhere

    def routes(self) -> list[web.RouteDef]:
        routes = [web.get("/login", self.login), web.post("/login", self.login), web.post("/logout", self.logout)]
        if self._elsewhere is not None:
            for path, handler in ((_BEGIN, self.begin), (_BACK, self.back), (_LEAVE, self.leave)):
                routes.append(web.get(path, partial(handler, self._elsewhere)))
        return routes

    async def login(self, request: web.Request) -> web.Response:
        """A name and a password, please, or an account elsewhere."""
        if request.method == "POST":
            refused = await self._logins.log_in(request)
            if refused is None:
                return _to("/")
            said = self._page.edition(request).words.name(refused)
            return self._login(request, HTTPStatus.UNAUTHORIZED, refused=said)
        return self._login(request)

    async def logout(self, request: web.Request) -> web.Response:
        """Goodbye."""
        is_elsewhere = who_of(request).is_elsewhere
        await self._logins.log_out(request)
        return _to("/login?left=1" if is_elsewhere else "/login")

    async def begin(self, elsewhere: Elsewhere, request: web.Request) -> web.Response:
        """To the provider. Raises `TooManyAttempts`."""
        self._logins.may_begin(request)
        try:
            address, key = await elsewhere.sign_on.begin(f"{_origin(request)}{_BACK}")
        except RefusedError as error:
            return self._refused(request, error)
        response = _to(address)
        secure = not is_local(request)
        response.set_cookie(_COOKIE, key, max_age=_LONGEST_S, httponly=True, samesite="Lax", path=_BEGIN, secure=secure)
        return response

    async def back(self, elsewhere: Elsewhere, request: web.Request) -> web.Response:
        """From the provider: who is it?"""
        key, sign_on = request.cookies.get(_COOKIE, ""), elsewhere.sign_on
        # other sites can send browsers here, as often as they like: that leaves no trace
        has_begun = sign_on.has_begun(key, request.query)
        try:
            person = person_of(await sign_on.finish(key, request.query), elsewhere.rules)
            await self._logins.let_in(request, person)
        except RefusedError as error:
            if has_begun:
                await self._logins.refuse(sign_on.provider.host, str(error))
            return self._refused(request, error)
        # a page and not a redirection: only what this site asks for itself brings its cookie along
        response = self._page("entered", request, address="/", called=person.name)
        response.del_cookie(_COOKIE, path=_BEGIN)
        return response

    async def leave(self, elsewhere: Elsewhere, request: web.Request) -> web.Response:
        """Log out of the provider as well."""
        try:
            return _to(await elsewhere.sign_on.leave(f"{_origin(request)}/login") or "/login")
        except RefusedError as error:
            return self._refused(request, error)

    def _refused(self, request: web.Request, error: RefusedError) -> web.Response:
        said, _ = why_not(error, self._page.edition(request).words)
        response = self._login(request, HTTPStatus.FORBIDDEN, refused=said)
        response.del_cookie(_COOKIE, path=_BEGIN)
        return response

    def _login(self, request: web.Request, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> web.Response:
        host = self._elsewhere and self._elsewhere.sign_on.provider.host
        has_left = bool(host) and request.query.get("left") == "1"
        shown = {"refused": None, "host": host, "has_left": has_left, "csrf": csrf_of(request), "address": "/login"}
        return self._page("login", request, status=status, **{**shown, **values})


def _to(address: str) -> web.Response:
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": address})


def _origin(request: web.Request) -> str:
    """Of this console, as the browser sees it: other names than those of this machine are behind TLS."""
    return f"{'http' if is_local(request) else 'https'}://{request.host}"
