"""Cells that say yes or no."""

from typing import Final

from stream.imports.names import compared

__all__ = ["is_answer", "is_no", "is_yes"]

_YES: Final = frozenset(
    {
        "yes",
        "true",
        "1",
        "y",
        "ja",
        "oui",
        "si",
        "subscribed",
        "tak",
        "是",
        "x",
        "j",
        "t",
        "wahr",
        "vrai",
        "evet",
        "да",
        "はい",
        "예",
    }
)
_NO: Final = frozenset(
    {
        "no",
        "false",
        "0",
        "n",
        "nein",
        "non",
        "unsubscribed",
        "not subscribed",
        "nie",
        "cleaned",
        "否",
        "falsch",
        "f",
        "faux",
        "hayir",
        "nej",
        "нет",
        "いいえ",
        "아니오",
    }
)


def is_yes(cell: str) -> bool:
    """Whether the cell says yes.

    >>> is_yes("TRUE"), is_yes("Oui"), is_yes("no"), is_yes("")
    (True, True, False, False)
    """
    return compared(cell) in _YES


def is_no(cell: str) -> bool:
    """Whether the cell says no; one that says neither does not."""
    return compared(cell) in _NO


def is_answer(cell: str) -> bool:
    """Whether the cell says yes or no."""
    return is_yes(cell) or is_no(cell)
