"""How a stored document says that its customer is another one now, for those who read documents."""

from __future__ import annotations

from typing import Final, TypeVar
from zlib import crc32

import msgspec

from stream.errors import CodecError

__all__ = ["BEGIN", "STATE", "Edition", "edition_in", "is_empty", "merged_into", "with_edition", "without_edition"]

#: How stored documents begin that have an edition, and no others.
BEGIN: Final = b'{"edition":'
STATE: Final = b',"state":"'


class Edition(msgspec.Struct, omit_defaults=True):
    """What is kept beside the profile of a customer whom others have joined, or who left.

    ``number``: events of a smaller edition are void. ``into``: the customer who this one is now; empty: they are there.
    ``before``: base64 of the profile before others joined (empty: there was none) at ``joined_ms``, None: none did.
    ``check``: CRC-32 of the edition without it, 0 in documents of earlier programs.
    """

    number: int = 0
    into: str = ""
    before: str | None = None
    joined_ms: int = 0
    check: int = 0


_S = TypeVar("_S", bound=msgspec.Struct)


class _Stored(msgspec.Struct):
    edition: Edition


class _Raw(msgspec.Struct):
    edition: msgspec.Raw


_DECODER: Final = msgspec.json.Decoder(_Stored)
_RAW_DECODER: Final = msgspec.json.Decoder(_Raw)
_ENCODE: Final = msgspec.json.Encoder().encode


def edition_in(document: bytes) -> Edition:
    """The edition of a stored document that begins with `BEGIN`. Raises `CodecError` if it is damaged."""
    edition = _decoded(_DECODER, document).edition
    if edition.check and edition.check != _check_of(edition):
        raise CodecError("the edition of a customer document does not fit its checksum")
    return edition


def with_edition(document: bytes, edition: Edition) -> bytes:
    """A document that has none, with the edition before everything else."""
    sealed = msgspec.structs.replace(edition, check=_check_of(edition))
    return b"%b%b,%b" % (BEGIN, _ENCODE(sealed), document[1:])


def without_edition(document: bytes) -> bytes:
    """A document as it was before `with_edition`. Raises `CodecError` if it is damaged.

    >>> without_edition(with_edition(b'{"customer_id":"c-1"}', Edition(number=3)))
    b'{"customer_id":"c-1"}'
    """
    if not document.startswith(BEGIN):
        return document
    return b"{" + document[len(BEGIN) + len(_decoded(_RAW_DECODER, document).edition) + 1 :]


def merged_into(document: bytes) -> str | None:
    """The customer who the customer of a stored document is now; None: they are there. Raises `CodecError`.

    >>> merged_into(b'{"edition":{"into":"c-1"},"customer_id":"c-2"}'), merged_into(b'{"customer_id":"c-1"}')
    ('c-1', None)
    """
    return (edition_in(document).into or None) if document.startswith(BEGIN) else None


def is_empty(document: bytes) -> bool:
    """Whether a stored document has no profile that counts: its customer left, or all events were taken away.

    Raises `CodecError` if it is damaged.
    """
    return document.startswith(BEGIN) and (merged_into(document) is not None or STATE not in document)


def _check_of(edition: Edition) -> int:
    return crc32(_ENCODE(msgspec.structs.replace(edition, check=0)))


def _decoded(decoder: msgspec.json.Decoder[_S], document: bytes) -> _S:
    try:
        return decoder.decode(document)
    except msgspec.MsgspecError as error:
        raise CodecError(f"the edition of a customer document cannot be read: {error}") from error
