"""What ties the requests of one browser together, and proves that a form is one of ours."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

__all__ = ["csrf_of", "require_own_form", "with_cookie"]

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
    if secret != known:
        response.set_cookie(_COOKIE, secret, httponly=True, samesite="Strict", path="/")
    return response


def csrf_of(request: web.Request) -> str:
    """What a form of this browser brings along. It follows from the cookie, which no other site can read."""
    return hmac.digest(request[_KEY].encode(), b"form", hashlib.sha256).hex()


def require_own_form(request: web.Request, form: Mapping[str, str]) -> None:
    """Raises `web.HTTPForbidden` for a form of another site, or of a browser whose cookie is gone."""
    if not hmac.compare_digest(form.get("csrf", "").encode(), csrf_of(request).encode()):
        raise web.HTTPForbidden(reason="This page is too old, or cookies are switched off: load it again.")
