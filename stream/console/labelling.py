"""What a customer wrote, to be labelled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stream.reporting.themes import SaidText

__all__ = ["CustomerTexts"]


class CustomerTexts(NamedTuple):
    """``texts``: the newest first; ``categories`` that there are; ``note``: why there is nothing to be read."""

    texts: Sequence[SaidText] = ()
    categories: Sequence[str] = ()
    note: str = ""
