"""Receipts of erasures: signed, and each with the hash of the one before, so that none can be changed or left out.

A receipt has no personal data: a request's id, keyed hashes, names of stores, and numbers. The signature is Ed25519
(RFC 8032) over the canonical JSON of all other fields; the hash of a receipt is SHA-256 over the same with the
signature.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from stream.errors import SettingsError

__all__ = ["FIRST", "ErasureReceipt", "ReceiptSigner", "digest_of", "faults"]

#: Stands for the receipt before the first.
FIRST: Final = "0" * 64


class ErasureReceipt(Struct, frozen=True, kw_only=True):
    """What was erased, where and when.

    `found`: how many things each store had before; `left`: what a second pass found afterwards, always nothing.
    `remains`: what cannot be erased, and until when it stays. `previous`: the hash of the receipt before.
    `public_key`, `signature`: Ed25519, in hexadecimal digits.
    """

    request_id: str
    asked_at: str
    erased_at: str
    pseudonyms: list[str]
    found: dict[str, int]
    left: dict[str, int]
    remains: dict[str, str]
    previous: str
    number: int
    public_key: str = ""
    signature: str = ""


class ReceiptSigner:
    """Signs with the private key in a PEM file, which is made, readable for its owner only, where there is none."""

    def __init__(self, file: Path) -> None:
        try:
            from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - not every installation has it
            from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415
        except ImportError as error:
            raise SettingsError(f"{error}: pip install 'customer-stream[console]'") from error
        if not file.exists():
            made = ed25519.Ed25519PrivateKey.generate().private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                # written in full beside it first: a key that is cut off would be there for ever
                beside = file.with_name(f"{file.name}.new")
                beside.touch(mode=0o600)
                beside.write_bytes(made)
                beside.rename(file)
            except OSError as error:
                raise SettingsError(f"{file}: the key that signs receipts cannot be made: {error}") from error
        try:
            key = serialization.load_pem_private_key(file.read_bytes(), None)
        except (OSError, ValueError, TypeError) as error:
            raise SettingsError(f"{file} is not a private key: {error}") from error
        if not isinstance(key, ed25519.Ed25519PrivateKey):
            raise SettingsError(f"{file}: expected an Ed25519 key")
        self._key = key
        raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.public_key: Final = raw.hex()

    def signed(self, receipt: ErasureReceipt) -> ErasureReceipt:
        """The receipt with this key and its signature."""
        own = msgspec.structs.replace(receipt, public_key=self.public_key, signature="")
        return msgspec.structs.replace(own, signature=self._key.sign(_canonical(own)).hex())


def digest_of(receipt: ErasureReceipt) -> str:
    """The hash of a receipt with its signature, in hexadecimal digits."""
    return hashlib.sha256(_canonical(receipt)).hexdigest()


def faults(receipts: Iterable[ErasureReceipt], public_keys: frozenset[str] = frozenset()) -> list[str]:
    """What is wrong with a chain of receipts, in the order of their numbers; nothing if all is right.

    ``public_keys``: those that may have signed; empty: any, so that only the chain is proved.
    """
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    found: list[str] = []
    previous = FIRST
    for number, receipt in enumerate(sorted(receipts, key=lambda one: one.number), 1):
        told = f"receipt {receipt.number} ({receipt.request_id})"
        if receipt.number != number:
            found.append(f"{told}: expected number {number}, one is missing or there twice")
        if receipt.previous != previous:
            found.append(f"{told}: does not follow from the receipt before")
        if public_keys and receipt.public_key not in public_keys:
            found.append(f"{told}: signed with another key")
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(receipt.public_key))
            key.verify(bytes.fromhex(receipt.signature), _canonical(msgspec.structs.replace(receipt, signature="")))
        except (ValueError, InvalidSignature):
            found.append(f"{told}: the signature does not hold")
        if any(receipt.left.values()):
            found.append(f"{told}: something was left")
        previous = digest_of(receipt)
    return found


def _canonical(receipt: ErasureReceipt) -> bytes:
    return msgspec.json.encode(receipt, order="deterministic")
