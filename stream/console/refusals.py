"""Why something is not done, in the language of who asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from stream.errors import SettingsError
from stream.reporting.words import Words

__all__ = ["Forbidden", "Name", "RefusedError", "TooManyAttempts", "UnknownCustomer", "why_not"]


class Name(str):
    """A name that is translated where it stands in a message."""

    __slots__ = ()


class RefusedError(SettingsError):
    """What was filled in cannot be used. ``message`` has named places for ``values``, as in `Words`."""

    def __init__(self, message: str, /, **values: Any) -> None:
        super().__init__(message % values)
        self.message = message
        self.places = values


class UnknownCustomer(web.HTTPNotFound):
    """There is nobody of that id."""

    def __init__(self, message: str) -> None:
        super().__init__(reason=message)
        self.message = message
        self.places: Mapping[str, Any] = {}


class TooManyAttempts(web.HTTPTooManyRequests):
    """The client has to wait."""

    def __init__(self, message: str, *, headers: Mapping[str, str]) -> None:
        super().__init__(reason=message, headers=headers)
        self.message = message
        self.places: Mapping[str, Any] = {}


class Forbidden(web.HTTPForbidden):
    """The user may not do this."""

    def __init__(self, message: str, /, **values: Any) -> None:
        super().__init__(reason=message % values)
        self.message = message
        self.places = values


#: Errors that say in a message of the catalogues what is wrong.
Said = RefusedError | Forbidden | TooManyAttempts | UnknownCustomer


def why_not(error: Exception, words: Words) -> tuple[str, str]:
    """What to tell who asked, and what else is known, which is in English.

    >>> from stream.reporting.words import ENGLISH
    >>> why_not(RefusedError("%(field)s: expected a number", field=Name("Spent from")), ENGLISH)
    ('Spent from: expected a number', '')
    >>> why_not(SettingsError("sort: expected id"), ENGLISH)
    ('What was sent cannot be used.', 'sort: expected id')
    """
    if isinstance(error, Said):
        values = {name: words.name(told) if isinstance(told, Name) else told for name, told in error.places.items()}
        return words.gettext(error.message, **values), ""
    if isinstance(error, SettingsError):
        return words.gettext("What was sent cannot be used."), str(error)
    return words.gettext("A part of the program does not answer. Load the page again in a while."), str(error)
