"""What a log has taught is kept under a key that follows from the log, so that it is of no use without the same log."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from stream.errors import SnapshotError

__all__ = ["LogSeal"]

_NONCE: Final = 12


class LogSeal:
    """Seals what is kept of a log: an erased person is not in the log any more, and what was kept before is lost then.

    ``parts``: the content of the log, and all else that must be the same. ``name`` tells one such log from another,
    and tells nothing about the key.
    """

    def __init__(self, parts: Iterable[bytes]) -> None:
        state = hashlib.sha256()
        for part in parts:
            state.update(part)
        self._key = AESGCMSIV(state.digest())
        self.name = hashlib.sha256(b"name\n" + state.digest()).hexdigest()[:32]

    def seal(self, content: bytes) -> bytes:
        """``content``, to be read by `open` of a seal of the same parts alone."""
        nonce = os.urandom(_NONCE)
        return nonce + self._key.encrypt(nonce, content, None)

    def open(self, sealed: bytes) -> bytes:
        """What `seal` was given. Raises `SnapshotError` for something else, or of other parts."""
        try:
            return self._key.decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
        except (InvalidTag, ValueError) as error:
            raise SnapshotError("this was not kept for the same log") from error
