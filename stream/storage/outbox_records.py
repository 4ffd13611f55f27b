"""Records of an outbox, as they are stored until they are published."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from stream.errors import SystematicError
from stream.processing.state import Outgoing
from stream.storage.damage import OR_REPLAY

__all__ = ["StoredDocument", "decode_entry", "decode_record", "encode_record", "encode_records"]


class StoredDocument(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What stands for a record whose value is the document of the customer ``key``, which Redis has already.

    Whoever claims the partition publishes the document that is stored then: the same one, or a later one.
    """

    topic: str
    key: bytes


_T = TypeVar("_T")

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Outgoing)
_document_decoder = msgspec.msgpack.Decoder(StoredDocument)
#: How an array of two begins in MessagePack: a `StoredDocument`, for an `Outgoing` has four parts at least.
_PAIR = b"\x92"


def encode_record(record: Outgoing | StoredDocument) -> bytes:
    """Encode for the outbox."""
    return _encoder.encode(record)


def encode_records(records: Iterable[Outgoing | StoredDocument]) -> list[bytes]:
    """`encode_record` each."""
    return list(map(_encoder.encode, records))


def decode_record(raw: bytes) -> Outgoing:
    """Decode a whole record that `encode_record` gave. Raises `SystematicError` for anything else."""
    return _decoded(_decoder, raw)


def decode_entry(raw: bytes) -> Outgoing | StoredDocument:
    """Decode what `encode_record` gave. Raises `SystematicError` for anything else."""
    return _decoded(_document_decoder, raw) if raw[:1] == _PAIR else _decoded(_decoder, raw)


def _decoded(decoder: msgspec.msgpack.Decoder[_T], raw: bytes) -> _T:
    try:
        return decoder.decode(raw)
    except msgspec.DecodeError as error:
        raise SystematicError(
            f"a record of an outbox cannot be read: {error}; restore the key from a backup, {OR_REPLAY}"
        ) from error
