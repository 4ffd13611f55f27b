"""Hashes of passwords: Argon2id with 64 MiB and three passes (RFC 9106, section 4, second recommended option)."""

from __future__ import annotations

import os
from functools import cache
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from stream.errors import SettingsError

__all__ = ["MIN_CHARS", "hash_of", "is_password"]

MIN_CHARS: Final = 12
_MAX_CHARS: Final = 1024
_ITERATIONS: Final = 3
_LANES: Final = 4
_MEMORY_KIB: Final = 65_536
_SALT_BYTES: Final = 16
_HASH_BYTES: Final = 32


def hash_of(password: str) -> str:
    """In the PHC string format. Raises `SettingsError` for a password that is too short, or far too long."""
    if not MIN_CHARS <= len(password) <= _MAX_CHARS:
        raise SettingsError(f"expected a password of at least {MIN_CHARS} characters")
    salt = os.urandom(_SALT_BYTES)
    kdf = Argon2id(salt=salt, length=_HASH_BYTES, iterations=_ITERATIONS, lanes=_LANES, memory_cost=_MEMORY_KIB)
    return kdf.derive_phc_encoded(password.encode())


def is_password(password: str, hashed: str | None) -> bool:
    """Whether it is the one that was hashed. Takes as long where there is no user, so that nobody learns who is."""
    try:
        Argon2id.verify_phc_encoded(password[:_MAX_CHARS].encode(), hashed or _of_nobody())
    except InvalidKey:
        return False
    return hashed is not None


@cache
def _of_nobody() -> str:
    return hash_of(os.urandom(_HASH_BYTES).hex())
