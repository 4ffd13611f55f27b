"""What ties the requests of one browser together, and proves that a form is one of ours."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from stream.console.refusals import Forbidden

__all__ = [
    "LOCAL_NAMES",
    "csrf_of",
    "form_of",
    "host_name",
    "is_local",
    "renew_secret",
    "require_own_form",
    "secret_of",
    "with_cookie",
]

#: Names of this machine. Others may lead here as well (DNS rebinding).
LOCAL_NAMES: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
_COOKIE: Final = "stream_console"
_KEY: Final = web.RequestKey("browser", str)
#: Bytes of the secret that a browser is given.
_SECRET_BYTES: Final = 32


@web.middleware
async def with_cookie(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give every browser a secret of its own; scripts and other sites do not see it."""
    known = request.cookies.get(_COOKIE, "")
    secret = known if len(known) == _SECRET_BYTES * 2 else secrets.token_hex(_SECRET_BYTES)
    request[_KEY] = secret
    response = await handler(request)
    if request[_KEY] != known:
        # without TLS only the browser of the machine itself keeps the cookie
        is_secure = not is_local(request)
        response.set_cookie(_COOKIE, request[_KEY], httponly=True, samesite="Strict", path="/", secure=is_secure)
    return response


def is_local(request: web.Request) -> bool:
    """Whether the browser asks for a name of this machine."""
    return host_name(request) in LOCAL_NAMES


def host_name(request: web.Request) -> str:
    """The name under which the browser asks, without the port."""
    host = request.host
    return host.rpartition(":")[0] if host[-1:] != "]" and ":" in host else host


def secret_of(request: web.Request) -> str:
    """The secret of the browser."""
    return request[_KEY]


def renew_secret(request: web.Request) -> str:
    """Give the browser another secret, so that nobody who knew the one before the login has it; returns it."""
    request[_KEY] = secrets.token_hex(_SECRET_BYTES)
    return request[_KEY]


def csrf_of(request: web.Request) -> str:
    """What a form of this browser brings along. It follows from the cookie, which no other site can read."""
    return hmac.digest(request[_KEY].encode(), b"form", hashlib.sha256).hex()


def require_own_form(request: web.Request, form: Mapping[str, str]) -> None:
    """Raises `web.HTTPForbidden` for a form of another site, or of a browser whose cookie is gone."""
    if not hmac.compare_digest(form.get("csrf", "").encode(), csrf_of(request).encode()):
        raise Forbidden("This page is too old, or cookies are switched off: load it again.")


async def form_of(request: web.Request) -> Mapping[str, str]:
    """The fields of a form that are texts."""
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
