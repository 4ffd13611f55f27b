"""Sentences in the language of who reads them (GNU gettext). English is what stands in the code."""

from __future__ import annotations

from collections.abc import Callable
from gettext import NullTranslations
from typing import Any, Final

__all__ = ["ENGLISH", "Words", "to_say"]


class Words:
    """Says a message in one language. ``number`` writes whole numbers as people there do.

    Messages have named places as in ``%(name)s``; a per cent sign in them is doubled.

    >>> ENGLISH.gettext("%(share)s of 100%%", share="a tenth")
    'a tenth of 100%'
    >>> ENGLISH.ngettext("%(num)s order", "%(num)s orders", 1200)
    '1,200 orders'
    """

    def __init__(self, translations: NullTranslations, number: Callable[[float], str]) -> None:
        self.translations = translations
        self.number = number

    def gettext(self, message: str, /, **values: Any) -> str:
        """``message`` with ``values``; in English where no catalogue has it."""
        return self.translations.gettext(message) % values

    def ngettext(self, one: str, many: str, count: float, /, **values: Any) -> str:
        """``one`` or ``many`` of a thing, as the language counts; ``num`` is the count, rounded."""
        whole = round(count)
        return self.translations.ngettext(one, many, whole) % {"num": self.number(whole), **values}

    def name(self, text: str) -> str:
        """A text that is declared elsewhere, such as the name of a stage; as it is where no catalogue has it."""
        return self.translations.gettext(text) if text else text


def to_say(message: str) -> str:
    """Mark a message for the catalogues that is translated elsewhere, by what it is given to."""
    return message


#: What commands print.
ENGLISH: Final = Words(NullTranslations(), lambda count: f"{count:,.0f}")
