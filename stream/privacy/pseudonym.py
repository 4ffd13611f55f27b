"""Keyed hashes of ids: who has them and not the key cannot tell of whom they are."""

import hmac
from base64 import urlsafe_b64encode
from typing import Final

__all__ = ["Pseudonyms"]

_BYTES: Final = 16
#: Keeps these hashes apart from others under the same key.
_OF: Final = b"erased:"


class Pseudonyms:
    """HMAC-SHA256 under the installation's key, cut to 128 bits.

    >>> Pseudonyms(b"k" * 32).of("c-1")
    'p1_kvaJF5ZMSKsk3EQXIXZSMQ'
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, one_id: str) -> str:
        """The pseudonym of an id."""
        digest = hmac.digest(self._key, _OF + one_id.encode(), "sha256")[:_BYTES]
        return f"p1_{urlsafe_b64encode(digest).decode().rstrip('=')}"
