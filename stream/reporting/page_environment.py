"""How templates of pages are read: what they show is escaped, and what they ask for must be there."""

from __future__ import annotations

from gettext import NullTranslations

from jinja2 import BaseLoader, Environment, StrictUndefined

__all__ = ["page_environment"]


def page_environment(loader: BaseLoader, translations: NullTranslations | None = None) -> Environment:
    """An environment for HTML; without ``translations`` pages are in English."""
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    # the extension adds it
    install = environment.install_gettext_translations  # type: ignore[attr-defined]
    install(translations or NullTranslations(), newstyle=True)
    return environment
