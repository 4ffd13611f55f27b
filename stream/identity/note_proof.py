"""Proof that the program itself wrote a record about an id: a keyed hash in a header, for who has the topic only."""

import hmac
from collections.abc import Sequence
from typing import Final

from stream.settings import Settings

__all__ = ["NoteProof"]

_HEADER: Final = "proof"
_BYTES: Final = 16

_Headers = Sequence[tuple[str, bytes | None]]


class NoteProof:
    """HMAC-SHA256 of key and value under the installation's key, cut to 128 bits. Without a key all is believed.

    >>> proof = NoteProof(b"k" * 32)
    >>> [proof.holds(proof.headers(b"c-1", b"{}"), b"c-1", value) for value in (b"{}", b"[]", None)]
    [True, False, False]
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def of(cls, settings: Settings) -> "NoteProof":
        """The proof that goes by ``settings``."""
        return cls(settings.identity_key.encode())

    def headers(self, key: bytes, value: bytes | None) -> list[tuple[str, bytes | None]]:
        """What the record needs among its headers; ``value``: None for a tombstone."""
        return [(_HEADER, self._digest(key, value))] if self._key else []

    def holds(self, headers: _Headers, key: bytes | None, value: bytes | None) -> bool:
        """Whether the record is as the program wrote it."""
        if not self._key:
            return True
        wanted = self._digest(key or b"", value)
        return any(name == _HEADER and given and hmac.compare_digest(given, wanted) for name, given in headers)

    def _digest(self, key: bytes, value: bytes | None) -> bytes:
        said = b"%d:%s%s" % (len(key), key, b"-" if value is None else b"+" + value)
        return hmac.digest(self._key, said, "sha256")[:_BYTES]
