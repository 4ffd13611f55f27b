"""What stands in the place of persons and their texts, for those who cannot read it."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["CIPHERTEXT", "CIPHERTEXT_MARK", "PSEUDONYM", "PSEUDONYM_MARK", "is_ciphertext", "may_conceal"]

PSEUDONYM_MARK: Final = "k1_"
CIPHERTEXT_MARK: Final = "c1_"
#: A customer as topics and stores have them; the group is the name of their row.
PSEUDONYM: Final = re.compile(rf"{PSEUDONYM_MARK}([A-Za-z0-9_-]{{22}})(?![A-Za-z0-9_-])")
#: A text of a person: the row of the key, and the text under it.
CIPHERTEXT: Final = re.compile(rf"{CIPHERTEXT_MARK}([A-Za-z0-9_-]{{22}})\.([A-Za-z0-9_-]{{22,}})")


def is_ciphertext(text: str) -> bool:
    """Whether the whole text is a ciphertext: its words can be neither masked nor learned."""
    return CIPHERTEXT.fullmatch(text) is not None


def may_conceal(text: str) -> bool:
    """Whether a pseudonym or a ciphertext may be in the text; False is certain, and cheap to know."""
    return PSEUDONYM_MARK in text or CIPHERTEXT_MARK in text
