"""Envelopes: a schema, a checksum and the content, as JSON. What was changed or cut short does not open."""

import hashlib
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from stream.errors import SnapshotError

__all__ = ["open_sealed", "schema_of", "seal"]

T = TypeVar("T", bound=Struct)


class _Envelope(Struct, frozen=True, kw_only=True):
    """``checksum`` is the hex SHA-256 of the bytes of ``content`` as they stand."""

    schema: str
    checksum: str
    content: Raw


def seal(schema: str, content: Struct) -> bytes:
    """``content`` as JSON in an envelope; ``schema`` names its layout and version."""
    body = msgspec.json.encode(content)
    envelope = _Envelope(schema=schema, checksum=hashlib.sha256(body).hexdigest(), content=Raw(body))
    return msgspec.json.encode(envelope)


def schema_of(value: bytes) -> str | None:
    """The schema that an envelope says it has, None if it is none."""
    try:
        return msgspec.json.decode(value, type=_Envelope).schema
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def open_sealed(value: bytes, schema: str, kind: type[T]) -> T:
    """The content of an envelope. Raises `SnapshotError` if it is damaged or of another schema."""
    try:
        envelope = msgspec.json.decode(value, type=_Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotError(f"expected a sealed {schema}, got {len(value)} bytes that are none: {error}") from error
    if envelope.schema != schema:
        raise SnapshotError(
            f"expected schema {schema}, got {envelope.schema[:80]!r}; "
            "run the version that wrote it, or delete it to learn again from the log"
        )
    body = bytes(envelope.content)
    found = hashlib.sha256(body).hexdigest()
    if found != envelope.checksum:
        raise SnapshotError(f"{schema}: checksum {found[:12]}... is not {envelope.checksum[:12]}...: damaged")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotError(f"{schema}: the content is not what the schema says: {error}") from error
