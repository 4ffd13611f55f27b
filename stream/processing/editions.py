"""How a stored document says that its customer is another one now, for those who read documents."""

from __future__ import annotations

from typing import Final

import msgspec

__all__ = ["BEGIN", "STATE", "Edition", "edition_in", "is_empty", "merged_into", "with_edition", "without_edition"]

#: How stored documents begin that have an edition, and no others.
BEGIN: Final = b'{"edition":'
STATE: Final = b',"state":"'


class Edition(msgspec.Struct, omit_defaults=True):
    """What is kept beside the profile of a customer whom others have joined, or who left.

    ``number``: events of a smaller edition are void. ``into``: the customer who this one is now; empty: they are there.
    ``before``: base64 of the profile before others joined (empty: there was none) at ``joined_ms``, None: none did.
    """

    number: int = 0
    into: str = ""
    before: str | None = None
    joined_ms: int = 0


class _Stored(msgspec.Struct):
    edition: Edition


class _Raw(msgspec.Struct):
    edition: msgspec.Raw


_DECODER: Final = msgspec.json.Decoder(_Stored)
_RAW_DECODER: Final = msgspec.json.Decoder(_Raw)
_ENCODE: Final = msgspec.json.Encoder().encode


def edition_in(document: bytes) -> Edition:
    """The edition of a stored document that begins with `BEGIN`."""
    return _DECODER.decode(document).edition


def with_edition(document: bytes, edition: Edition) -> bytes:
    """A document that has none, with the edition before everything else."""
    return b"%b%b,%b" % (BEGIN, _ENCODE(edition), document[1:])


def without_edition(document: bytes) -> bytes:
    """A document as it was before `with_edition`. Raises `msgspec.DecodeError` if it is damaged.

    >>> without_edition(with_edition(b'{"customer_id":"c-1"}', Edition(number=3)))
    b'{"customer_id":"c-1"}'
    """
    if not document.startswith(BEGIN):
        return document
    return b"{" + document[len(BEGIN) + len(_RAW_DECODER.decode(document).edition) + 1 :]


def merged_into(document: bytes) -> str | None:
    """The customer who the customer of a stored document is now; None: they are there.

    >>> merged_into(b'{"edition":{"into":"c-1"},"customer_id":"c-2"}'), merged_into(b'{"customer_id":"c-1"}')
    ('c-1', None)
    """
    return (edition_in(document).into or None) if document.startswith(BEGIN) else None


def is_empty(document: bytes) -> bool:
    """Whether a stored document has no profile that counts: its customer left, or all events were taken away."""
    return document.startswith(BEGIN) and (STATE not in document or merged_into(document) is not None)
