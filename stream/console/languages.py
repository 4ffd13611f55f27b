"""The languages of the console, their catalogues, and which of them a browser is given."""

from __future__ import annotations

import re
from gettext import NullTranslations
from http import HTTPStatus
from importlib.resources import files
from importlib.resources.abc import Traversable
from io import BytesIO
from typing import Final, NamedTuple

from aiohttp import web
from aiohttp.typedefs import Handler
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from stream.console.browser import form_of, is_local

__all__ = ["LANGUAGES", "LOCALES", "Language", "LanguageChoice", "catalogue_of", "language_of", "preferred"]

_COOKIE: Final = "stream_language"
_COOKIE_S: Final = 365 * 86_400
#: An address of a page, without anything that leads elsewhere.
_PLAIN: Final = re.compile(r"/[a-z/-]*(\?[a-z]+=[a-z0-9]+)?")
_KEY: Final = web.RequestKey("language", str)


class Language(NamedTuple):
    """``name``: as its speakers call it. ``tag``: of HTML (BCP 47). ``locale``: by which figures are written."""

    code: str
    name: str
    tag: str
    locale: str


#: By code. The texts in the code are English, so that English needs no catalogue.
LANGUAGES: Final = {
    one.code: one
    for one in (
        Language("en", "English", "en", "en_GB"),
        Language("de", "Deutsch", "de", "de_DE"),
        Language("zh", "中文", "zh-Hans", "zh_Hans_CN"),
    )
}
#: Catalogues, as people edit them.
LOCALES: Final = files("stream.console") / "locales"


def catalogue_of(code: str, folder: Traversable = LOCALES) -> NullTranslations:
    """The translations of a language, compiled from its catalogue; takes some ten milliseconds."""
    file = folder / f"{code}.po"
    if not file.is_file():
        return NullTranslations()
    compiled = BytesIO()
    with file.open("rb") as source:
        write_mo(compiled, read_po(source, locale=LANGUAGES[code].locale))
    compiled.seek(0)
    return Translations(compiled)


def preferred(accepted: str) -> str | None:
    """The first of `LANGUAGES` by a header ``Accept-Language`` (RFC 9110, 12.5.4); None: it names none of them.

    >>> preferred("fr, de-AT;q=0.9, en;q=0.8"), preferred("en;q=0, zh-TW;q=0.1"), preferred("fr;q=x, *")
    ('de', 'zh', None)
    """
    weighed: list[tuple[float, str]] = []
    for one in accepted.split(","):
        tag, _, parameter = one.partition(";")
        code = tag.strip().partition("-")[0].lower()
        try:
            weight = float(parameter.strip().removeprefix("q=") or 1.0)
        except ValueError:
            continue
        if code in LANGUAGES and 0.0 < weight <= 1.0:
            weighed.append((weight, code))
    return max(weighed, key=lambda one: one[0])[1] if weighed else None


class LanguageChoice:
    """Which language a browser is given: what was chosen there, else ``usual``, else what the browser prefers.

    ``usual`` may be empty; ``last`` is for browsers that prefer none of `LANGUAGES`.
    """

    def __init__(self, usual: str, last: str) -> None:
        self._usual = usual
        self._last = last if last in LANGUAGES else "en"

    @web.middleware
    async def with_language(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Tell what was chosen from all forms, and keep it in the browser."""
        kept = request.cookies.get(_COOKIE, "")
        chosen = (await form_of(request)).get("language", kept) if request.method == "POST" else kept
        if chosen not in LANGUAGES:
            chosen = ""
        asked = preferred(request.headers.get("Accept-Language", ""))
        request[_KEY] = chosen or self._usual or asked or self._last
        response = await handler(request)
        # no page of a language may be taken for that of another
        response.headers["Vary"] = "Accept-Language, Cookie"
        if chosen != kept and chosen and not response.prepared:
            response.set_cookie(
                *(_COOKIE, chosen), max_age=_COOKIE_S, httponly=True, samesite="Strict", secure=not is_local(request)
            )
        return response

    async def back(self, request: web.Request) -> web.Response:
        """To the page on which the language was chosen, or to the first one if it is none to go back to."""
        page = (await form_of(request)).get("page", "")
        known = {resource.canonical for resource in request.app.router.resources() if _can_get(resource)}
        to = page if page.partition("?")[0] in known and _PLAIN.fullmatch(page) else "/"
        return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": to})


def _can_get(resource: web.AbstractResource) -> bool:
    return any(route.method == "GET" for route in resource)


def language_of(request: web.Request) -> str:
    """The code of the language for who asks. Only behind `LanguageChoice.with_language`."""
    return request[_KEY]
