"""Pages as HTML, in the language of who asks."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from importlib.resources import files
from typing import Any, Final, NamedTuple

from aiohttp import web
from jinja2 import Environment, PackageLoader, PrefixLoader

from stream.console.browser import csrf_of
from stream.console.languages import LANGUAGES, Language, catalogue_of, language_of
from stream.console.logins import is_known, who_of
from stream.console.model_words import decision_in_words, progress_in_words, rhythm_in_words
from stream.console.persons import shown_id
from stream.console.what_happened import (
    change_in_words,
    detail_in_words,
    effect_in_words,
    entry_in_words,
    feature_in_words,
)
from stream.events.columns import MONEY_SCALE
from stream.reporting.page_environment import page_environment
from stream.reporting.words import Words
from stream.reporting.writing import Writing
from stream.whatif.policy_sentences import bias_line, summary_line

__all__ = ["PagesIn", "Renderer"]

_LOADER: Final = PrefixLoader({"console": PackageLoader("stream.console"), "": PackageLoader("stream.reporting")})


class PagesIn(NamedTuple):
    """What pages in one language are made with."""

    language: Language
    words: Words
    writing: Writing
    environment: Environment


class Renderer:
    """Renders templates; ``writing``: how figures of the shop are written now. ``style``: of all pages."""

    def __init__(self, writing: Writing) -> None:
        self._write(writing)
        reports = files("stream.reporting") / "templates" / "style.css"
        own = files("stream.console") / "templates" / "console.css"
        self.style = reports.read_text("utf-8") + own.read_text("utf-8")

    def write_as(self, writing: Writing) -> None:
        """From now on: the currency is known."""
        if writing != self.writing:
            self._write(writing)

    def _write(self, writing: Writing) -> None:
        self.writing = writing
        self._editions = {code: _edition(language, writing) for code, language in LANGUAGES.items()}

    def edition(self, request: web.Request) -> PagesIn:
        """For who asks."""
        return self._editions[language_of(request)]

    def __call__(
        self, name: str, request: web.Request, *, status: HTTPStatus = HTTPStatus.OK, **values: Any
    ) -> web.Response:
        """A page; it says nothing of anybody while it is not known who asks."""
        if is_known(request):
            values |= {"user": who_of(request), "csrf": csrf_of(request)}
        edition = self.edition(request)
        template = edition.environment.get_template(f"console/{name}.html.j2")
        text = template.render(**{"here": name, "address": request.path_qs, **values})
        headers = {"Content-Language": edition.language.tag}
        return web.Response(text=text, status=status, content_type="text/html", headers=headers)


def _edition(language: Language, shop: Writing) -> PagesIn:
    writing = shop.in_language(language.code, language.locale)
    words = Words(catalogue_of(language.code), writing.number)
    environment = page_environment(_LOADER, words.translations)
    environment.filters |= {
        "money": lambda amount: "" if amount is None else writing.money(amount / MONEY_SCALE),
        "about": lambda amount: "" if amount is None else writing.about(amount / MONEY_SCALE),
        "day": lambda at_ms: "" if at_ms is None else writing.long_date(at_ms),
        "moment": writing.stamp,
        "percent": lambda share: "" if share is None else writing.percent(share),
        "count": writing.number,
        "decimal": lambda number: writing.number(number, 1),
        "effect": partial(effect_in_words, words=words),
        "what": partial(entry_in_words, words=words),
        "detail": partial(detail_in_words, words=words),
        "why": partial(change_in_words, words=words),
        "feature": partial(feature_in_words, words=words),
        "decided": partial(decision_in_words, words=words),
        "far": partial(progress_in_words, words=words, writing=writing),
        "rhythm": partial(rhythm_in_words, words=words, writing=writing),
        "shown_id": shown_id,
        "plain": lambda number: f"{number:g}",
        "words": lambda code: words.name((code or "").replace("_", " ")),
        "begin": lambda text: text[:1].upper() + text[1:],
        "named": lambda text: words.name(text or ""),
    }
    environment.globals |= {
        "language": language,
        "languages": [*LANGUAGES.values()],
        "writing": writing,
        "speech": words,
        "summary": partial(summary_line, writing=writing, words=words),
        "bias": partial(bias_line, words=words),
    }
    return PagesIn(language, words, writing, environment)
