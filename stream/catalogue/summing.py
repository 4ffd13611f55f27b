"""How a feature that sums a channel over a window is declared."""

from typing import Final

from stream.catalogue.declaring import Feature, Window
from stream.catalogue.wording import count_wording

__all__ = ["MONEY", "count"]

#: The source of a window that sums orders less refunds.
MONEY: Final = "money"


def count(
    name: str,
    number: int,
    source: str,
    window: Window,
    what: str,
    words: tuple[str, str, str, str],
    *,
    title: str = "",
    leaving: int = -1,
) -> Feature:
    """The feature ``NAME_WINDOW``: how often the channel ``source`` counted within ``window``.

    ``what`` is counted, for the page of features. ``words``: none of it, what fell, one, several, each as a sentence
    of `count_wording` uses it.
    """
    return Feature(
        f"{name}_{window.label}",
        number,
        "events",
        window,
        window.exactness,
        f"{what} in the last {window.label}",
        count_wording(name, window, *words),
        leaving=leaving,
        source=source,
        title=f"{title or name.replace('_', ' ')} {window.bare}",
    )
