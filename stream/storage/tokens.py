"""Fencing tokens: ``epoch:worker-nonce:sequence``, written by every step of the worker that owns a partition."""

import re
import secrets
from typing import Final

from stream.errors import StorageError, SystematicError
from stream.storage.damage import OR_REPLAY

__all__ = ["epoch_of", "with_nonce", "worker_of"]

#: Of a claim, in hexadecimal behind the worker's name.
_NONCE_BYTES: Final = 4
_TOKEN: Final = re.compile(rb"[0-9]+:(.+):[0-9]+", re.DOTALL)
_NONCE: Final = re.compile(rf"-[0-9a-f]{{{2 * _NONCE_BYTES}}}$")


def with_nonce(worker: str) -> str:
    """The name of a worker for one claim.

    An epoch can come back, on a server that lost it; with the nonce no token does.
    """
    return f"{worker}-{secrets.token_hex(_NONCE_BYTES)}"


def epoch_of(token: str) -> int:
    """Return the epoch of a token, 0 for none.

    Raises `SystematicError` for what is no token.

    >>> epoch_of("7:worker-1:42"), epoch_of("")
    (7, 0)
    """
    epoch = token.partition(":")[0] or "0"
    if not epoch.isascii() or not epoch.isdecimal():
        raise SystematicError(_no_token(token))
    return int(epoch)


def worker_of(token: bytes) -> str:
    """The worker of a token, which may have the nonce of its claim; empty for none.

    Raises `StorageError` for what is no token.

    >>> worker_of(b"7:worker-1-00c0ffee:42"), worker_of(b"7:trainer:42"), worker_of(b"")
    ('worker-1', 'trainer', '')
    """
    if not token:
        return ""
    if (found := _TOKEN.fullmatch(token)) is None:
        raise StorageError(_no_token(token.decode(errors="replace")))
    return _NONCE.sub("", found[1].decode(errors="replace"))


def _no_token(found: str) -> str:
    return (
        f"a fencing token in Redis is {found[:80]!r}, which no worker writes: somebody else writes to this namespace; "
        f"restore the key from a backup, {OR_REPLAY}"
    )
