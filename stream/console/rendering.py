"""Pages as HTML."""

from __future__ import annotations

import math
from functools import partial
from http import HTTPStatus
from importlib.resources import files
from typing import Any, Final

from aiohttp import web
from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined

from stream.console.browser import csrf_of
from stream.console.logins import who_of
from stream.directory.timeline import TimelineEntry
from stream.events.columns import MONEY_SCALE
from stream.reporting.writing import Writing
from stream.whatif.policy_sentences import bias_line, summary_line

__all__ = ["Renderer", "effect_in_words", "entry_in_words"]

#: Changes of the log-odds from which on a reason counts much, and some: the odds are doubled, or a third higher.
_MUCH: Final = math.log(2)
_SOME: Final = math.log(4 / 3)
#: Entries of the timeline that have a plain name.
_ENTRIES: Final = {
    ("purchase", "completed"): "Order",
    ("purchase", "refunded"): "Refund",
    ("purchase", "cancelled"): "Order cancelled",
    ("click", "page_viewed"): "Looked at the shop",
    ("click", "product_viewed"): "Looked at a product",
}
_SOURCES: Final = {
    "email": "E-mail",
    "alert": "Alert",
    "action": "Done by us",
    "stage": "Stage",
    "feedback": "Feedback",
    "interaction": "Contact",
    "consent": "Consent",
}


class Renderer:
    """Renders templates; ``writing`` says how figures are written. ``style``: of all pages."""

    def __init__(self, writing: Writing) -> None:
        loader = PrefixLoader({"console": PackageLoader("stream.console"), "": PackageLoader("stream.reporting")})
        self._environment = Environment(
            loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self._environment.filters |= {
            "money": lambda amount: "" if amount is None else writing.money(amount / MONEY_SCALE),
            "about": lambda amount: "" if amount is None else writing.about(amount / MONEY_SCALE),
            "day": lambda at_ms: "" if at_ms is None else writing.long_date(at_ms),
            "moment": lambda at_ms: writing.local(at_ms).strftime("%Y-%m-%d %H:%M"),
            "percent": lambda share: "" if share is None else writing.percent(share),
            "count": writing.number,
            "effect": effect_in_words,
            "what": entry_in_words,
            "plain": lambda number: f"{number:g}",
            "words": lambda code: (code or "").replace("_", " "),
        }
        self._environment.globals |= {"summary": partial(summary_line, writing=writing), "bias": bias_line}
        reports = files("stream.reporting") / "templates" / "style.css"
        own = files("stream.console") / "templates" / "console.css"
        self.style = reports.read_text("utf-8") + own.read_text("utf-8")

    def __call__(
        self, name: str, request: web.Request | None, *, status: HTTPStatus = HTTPStatus.OK, **values: Any
    ) -> web.Response:
        """A page; ``request``: of somebody who is known, None for a page that says nothing of anybody."""
        if request is not None:
            values |= {"user": who_of(request), "csrf": csrf_of(request)}
        text = self._environment.get_template(f"console/{name}.html.j2").render(here=name, **values)
        return web.Response(text=text, status=status, content_type="text/html")


def effect_in_words(part: float) -> str:
    """What a part of the log-odds does to a risk.

    >>> effect_in_words(1.2), effect_in_words(-0.4), effect_in_words(0.1)
    ('raises it much', 'lowers it', 'raises it a little')
    """
    verb = "raises" if part > 0 else "lowers"
    size = abs(part)
    return f"{verb} it much" if size >= _MUCH else f"{verb} it" if size >= _SOME else f"{verb} it a little"


def entry_in_words(entry: TimelineEntry) -> str:
    """What happened, as people say it."""
    words = entry.name.replace("_", " ")
    return _ENTRIES.get((entry.source, entry.name)) or f"{_SOURCES.get(entry.source, entry.source)}: {words}"
