"""The master keys that wrap the keys of persons: from a file, a variable, or Vault."""

from __future__ import annotations

import hashlib
import os
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stream.errors import SettingsError
from stream.privacy.vault import read_secret
from stream.settings import Settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

__all__ = ["MasterKeys"]

KEY_BYTES: Final = 32
_ID_BYTES: Final = 4
_NONCE_BYTES: Final = 12
_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")
_FIELD: Final = "master_key"


class MasterKeys:
    """Wraps with the first key and opens with any of them (AES-256-GCM-SIV, RFC 8452).

    ``read`` returns the keys as texts, each 64 hexadecimal digits or 32 bytes in base64. It is called again when
    something was wrapped with a key that is not known: so a new key can be put first while processes run.

    >>> keys = MasterKeys(lambda: ["00" * 32], "here")
    >>> keys.open(keys.wrap(b"a key", b"c-1"), b"c-1")
    b'a key'
    """

    def __init__(self, read: Callable[[], list[str]], where: str) -> None:
        self._read = read
        self._where = where
        self._ciphers: dict[bytes, AESGCMSIV] = {}
        self._newest = b""
        self._take()

    @classmethod
    def of(cls, settings: Settings) -> MasterKeys:
        """The keys that ``settings`` name. Raises `SettingsError` if there are none, or they cannot be read."""
        if settings.privacy_master_key_file:
            file = Path(settings.privacy_master_key_file)
            return cls(lambda: _lines(file), f"the file {file}")
        if settings.privacy_vault_url:
            return cls(lambda: _from_vault(settings), f"Vault at {settings.privacy_vault_url}")
        return cls(lambda: settings.privacy_master_key.split(","), "STREAM_PRIVACY_MASTER_KEY")

    @property
    def newest(self) -> str:
        """The id of the key that wraps, in hexadecimal digits. It says nothing of the key."""
        return self._newest.hex()

    def again(self) -> None:
        """Read the keys again."""
        self._take()

    def wrap(self, secret: bytes, of: bytes) -> bytes:
        """``secret`` under the first key, bound to what it is ``of``."""
        nonce = os.urandom(_NONCE_BYTES)
        return self._newest + nonce + self._ciphers[self._newest].encrypt(nonce, secret, of)

    def is_newest(self, wrapped: bytes) -> bool:
        """Whether something is wrapped with the first key."""
        return wrapped[:_ID_BYTES] == self._newest

    def open(self, wrapped: bytes, of: bytes) -> bytes:
        """What was wrapped. Raises `SettingsError` if none of the keys opens it."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - only installations with keys have it

        key_id, rest = wrapped[:_ID_BYTES], wrapped[_ID_BYTES:]
        if key_id not in self._ciphers:
            self._take()
        cipher = self._ciphers.get(key_id)
        try:
            if cipher is not None:
                return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], of)
        except InvalidTag:
            pass
        raise SettingsError(
            f"the keys of persons are wrapped with master key {key_id.hex()}, and {self._where} has"
            f" {', '.join(one.hex() for one in self._ciphers)}: put the former back. Without it nobody can be read"
        )

    def _take(self) -> None:
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV  # noqa: PLC0415 - see above
        except ImportError as error:
            raise SettingsError(f"{error}: pip install 'customer-stream[privacy]'") from error
        texts = [text for one in self._read() if (text := one.strip())]
        if not texts:
            raise SettingsError(
                f"privacy_keys needs a master key, and {self._where} has none: set privacy_master_key_file (make a key"
                " with: openssl rand -hex 32), STREAM_PRIVACY_MASTER_KEY or privacy_vault_url"
            )
        keys = [_key(text, self._where) for text in texts]
        self._ciphers = {_id_of(key): AESGCMSIV(key) for key in keys}
        self._newest = _id_of(keys[0])


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"privacy_master_key_file: {file} cannot be read: {error}") from error


def _from_vault(settings: Settings) -> list[str]:
    url = f"{settings.privacy_vault_url.rstrip('/')}/v1/{settings.privacy_vault_path.strip('/')}"
    found = read_secret(url, settings.privacy_vault_token).get(_FIELD)
    if not isinstance(found, str):
        raise SettingsError(f"Vault has no field {_FIELD} at {settings.privacy_vault_path}")
    return found.split(",")


def _key(text: str, where: str) -> bytes:
    try:
        key = (
            bytes.fromhex(text) if _HEX.fullmatch(text) else urlsafe_b64decode(text.replace("+", "-").replace("/", "_"))
        )
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise SettingsError(f"{where}: expected a key of 64 hexadecimal digits, or 32 bytes in base64")
    return key


def _id_of(key: bytes) -> bytes:
    return hashlib.blake2b(key, digest_size=_ID_BYTES, person=b"master-key-id").digest()
