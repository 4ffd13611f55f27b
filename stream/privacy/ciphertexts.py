"""What a text under the key of a person looks like, for those who cannot read it."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["CIPHERTEXT", "is_ciphertext"]

#: The row of the key, and the text under it.
CIPHERTEXT: Final = re.compile(r"c1_([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{22,})")


def is_ciphertext(text: str) -> bool:
    """Whether the whole text is a ciphertext: its words can be neither masked nor learned."""
    return CIPHERTEXT.fullmatch(text) is not None
