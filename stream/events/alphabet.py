"""Which texts are customer ids.

An id is shown to people, in lists, mails and chats, and is compared byte by byte. So by default it can be neither
markup nor a mention nor a link, nor look like another id and be a different one: no control characters, none that turn
the direction of writing or are not seen, one Unicode normal form (C).
"""

import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from stream.catalogue.identifiers import IDENTIFIERS

__all__ = ["Alphabet"]

#: ASCII in which an id needs no second look.
_PLAIN_BYTES: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:+=~"
_PUNCTUATION: Final = frozenset("-_.:+=~")
#: An e-mail address has one @, behind something and before a domain with a dot: "@everyone" is none.
_ADDRESS: Final = re.compile(r"[^@]+@[^@.]+(?:\.[^@.]+)+")
#: Most ids match this, so one match checks them.
_PLAIN_ASCII: Final = re.compile(r"[\w.:+=~-]+(?:@[\w:+=~-]+(?:\.[\w:+=~-]+)+)?", re.ASCII)
#: Lines that are all `k1_...`, or a kind of identifier and `h1_...` (`stream.privacy.person_keys`).
_PSEUDONYMS: Final = re.compile(rf"(?:(?:k1_|(?:{'|'.join(IDENTIFIERS)}):h1_)[A-Za-z0-9_-]{{22}}\n)*".encode())
_NO_PSEUDONYM: Final = (
    "customer_id is no pseudonym: with privacy_keys send events by the client, stream ingest or stream import"
)
#: Characters of letters and marks that are not seen.
_UNSEEN: Final = frozenset(
    map(
        chr,
        (
            *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
            *range(0x180B, 0x1810),
            *range(0xFE00, 0xFE10),
            *range(0xE0100, 0xE01F0),
        ),
    )
)


class Alphabet(StrEnum):
    """How much an id may hold.

    ``plain``: letters and digits of any script, ``- _ . : + = ~``, or an e-mail address. ``printable``: anything that
    is seen, also markup and links. ``any``: everything but control characters. ``pseudonym``: nothing but what stands
    for an id under keys of persons; no setting names it.
    """

    PLAIN = "plain"
    PRINTABLE = "printable"
    ANY = "any"
    PSEUDONYM = "pseudonym"

    def suspects(self, keys: Iterable[bytes]) -> bytes:
        """What is left of many ids, joined, when all that needs no second look is taken out."""
        if self is Alphabet.PSEUDONYM:
            lines = b"".join([key + b"\n" for key in keys])
            return b"" if _PSEUDONYMS.fullmatch(lines) else lines
        return b"" if self is Alphabet.ANY else b"".join(keys).translate(None, _PLAIN_BYTES)

    def objection(self, customer_id: str) -> str:
        r"""Why a text is no customer id, or nothing.

        >>> Alphabet.PLAIN.objection("c-1"), Alphabet.PLAIN.objection("ann@example.com"), Alphabet.ANY.objection("<b>")
        ('', '', '')
        >>> Alphabet.PLAIN.objection("<b>")
        "customer_id has '<': expected letters, digits, -_.:+=~ or an e-mail address (customer_ids allows more)"
        >>> Alphabet.PRINTABLE.objection("a\u202eb")
        'customer_id has U+202E, which is not seen'
        >>> Alphabet.PRINTABLE.objection("Zoe\u0308")
        'customer_id is not in Unicode normal form C'
        """
        if self is Alphabet.PSEUDONYM:
            return "" if _PSEUDONYMS.fullmatch(f"{customer_id}\n".encode()) else _NO_PSEUDONYM
        if self is Alphabet.ANY or _PLAIN_ASCII.fullmatch(customer_id):
            return ""
        for char in customer_id:
            if (not char.isprintable() and char != " ") or char in _UNSEEN:
                return f"customer_id has U+{ord(char):04X}, which is not seen"
        if not unicodedata.is_normalized("NFC", customer_id):
            return "customer_id is not in Unicode normal form C"
        if customer_id != customer_id.strip():
            return "customer_id begins or ends with a blank"
        return "" if self is Alphabet.PRINTABLE else _beyond_plain(customer_id)


def _beyond_plain(customer_id: str) -> str:
    body = customer_id.replace("@", "") if _ADDRESS.fullmatch(customer_id) else customer_id
    for char in body:
        # L: letters, M: marks on them, N: digits
        if char not in _PUNCTUATION and unicodedata.category(char)[0] not in "LMN":
            return (
                f"customer_id has {char!r}: expected letters, digits, -_.:+=~ or an e-mail address"
                " (customer_ids allows more)"
            )
    return ""
