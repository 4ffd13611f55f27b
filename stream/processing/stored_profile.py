"""The profile of a customer in their stored document."""

from __future__ import annotations

from stream.features.codec import verify
from stream.processing.document import packed_state
from stream.processing.editions import is_empty

__all__ = ["profile_in"]


def profile_in(document: bytes, customer: str) -> bytes | None:
    """The packed profile from which the next step of ``customer`` begins; None: none counts, see `is_empty`.

    Raises `CodecError` when the document is damaged, or another customer's as far as the checksum of the profile tells.
    """
    if is_empty(document):
        return None
    packed = packed_state(document)
    verify(packed, customer)
    return packed
