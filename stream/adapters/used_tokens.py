"""Tokens that each sign one thing, so that a known token is useless for another."""

import hashlib
from typing import Final

__all__ = ["UsedTokens"]

_MAX_TOKENS: Final = 100_000


class UsedTokens:
    """Remembers what each token was used for, for as long as a signature with it is accepted.

    It is in the memory of one process: another process, or this one after a restart, accepts a token once more. At most
    ``max_tokens`` are remembered; beyond that the oldest are forgotten.

    >>> used = UsedTokens(max_age_ms=1000)
    >>> used.serves("t", b"a", 0), used.serves("t", b"a", 1), used.serves("t", b"b", 2), used.serves("t", b"b", 1002)
    (True, True, False, True)
    """

    def __init__(self, *, max_age_ms: int, max_tokens: int = _MAX_TOKENS) -> None:
        self._max_age_ms = max_age_ms
        self._max_tokens = max_tokens
        # in the order of their first use
        self._used: dict[bytes, tuple[bytes, int]] = {}

    def serves(self, token: str, content: bytes, now_ms: int) -> bool:
        """Whether ``token`` may be used for ``content``: it has not been used, or for the same."""
        key = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        digest = hashlib.sha256(content).digest()
        while self._used and now_ms - self._used[oldest := next(iter(self._used))][1] > self._max_age_ms:
            del self._used[oldest]
        if key in self._used:
            return self._used[key][0] == digest
        if len(self._used) >= self._max_tokens:
            del self._used[next(iter(self._used))]
        self._used[key] = digest, now_ms
        return True
