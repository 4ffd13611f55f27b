"""Records of an outbox, as they are stored until they are published."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

import cramjam
import msgspec

from stream.errors import SystematicError
from stream.processing.state import Outgoing
from stream.storage.damage import OR_REPLAY

__all__ = [
    "StoredDocument",
    "decode_entries",
    "decode_record",
    "encode_groups",
    "encode_record",
    "encode_records",
]

#: Records of a group: so many are removed at once when all are published.
_GROUP: Final = 1000
#: Far above what a group has: a record is of a megabyte at most, most are of half a kilobyte.
_MAX_GROUP_BYTES: Final = 1 << 30


class StoredDocument(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What stands for a record whose value is the document of the customer ``key``, which Redis has already.

    Whoever claims the partition publishes the document that is stored then: the same one, or a later one.
    """

    topic: str
    key: bytes


class _Group(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Records as one entry, each as it would be an entry: a list takes Redis most time by its entries.

    ``packed``: compressed by snappy, for records of a step are alike.
    """

    form: int
    count: int
    packed: bytes


_T = TypeVar("_T")

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Outgoing)
_document_decoder = msgspec.msgpack.Decoder(StoredDocument)
#: How an array of two begins in MessagePack: a `StoredDocument`, for an `Outgoing` has four parts at least.
_PAIR = b"\x92"
#: And an array of three: a `_Group`.
_TRIPLE = b"\x93"
_group_decoder = msgspec.msgpack.Decoder(_Group)
_parts_decoder = msgspec.msgpack.Decoder(list[msgspec.Raw])


def encode_record(record: Outgoing | StoredDocument) -> bytes:
    """Encode for the outbox."""
    return _encoder.encode(record)


def encode_records(records: Iterable[Outgoing | StoredDocument]) -> list[bytes]:
    """`encode_record` each."""
    return list(map(_encoder.encode, records))


def encode_groups(records: Sequence[Outgoing | StoredDocument]) -> tuple[list[bytes], list[int]]:
    """Entries of many records each, and how many each of them has."""
    groups = [records[begin : begin + _GROUP] for begin in range(0, len(records), _GROUP)]
    packed = [bytes(cramjam.snappy.compress_raw(_encoder.encode(group))) for group in groups]
    counts = list(map(len, groups))
    return [_encoder.encode(_Group(1, *one)) for one in zip(counts, packed, strict=True)], counts


def decode_record(raw: bytes) -> Outgoing:
    """Decode a whole record that `encode_record` gave. Raises `SystematicError` for anything else."""
    return _decoded(_decoder, raw)


def decode_entries(raw: bytes) -> list[Outgoing | StoredDocument]:
    """The records of an entry: the one of `encode_record`, or those of a group. Raises `SystematicError` else."""
    if raw[:1] != _TRIPLE:
        return [_decoded_entry(raw)]
    group = _decoded(_group_decoder, raw)
    try:
        size = cramjam.snappy.decompress_raw_len(group.packed)
        unpacked = bytes(cramjam.snappy.decompress_raw(group.packed)) if size <= _MAX_GROUP_BYTES else b""
    except cramjam.DecompressionError as error:
        raise _unreadable(error) from error
    parts = _decoded(_parts_decoder, unpacked)
    if len(parts) != group.count:
        raise _unreadable(ValueError(f"{len(parts)} instead of {group.count}"))
    return [_decoded_entry(bytes(part)) for part in parts]


def _decoded_entry(raw: bytes) -> Outgoing | StoredDocument:
    return _decoded(_document_decoder, raw) if raw[:1] == _PAIR else _decoded(_decoder, raw)


def _decoded(decoder: msgspec.msgpack.Decoder[_T], raw: bytes) -> _T:
    try:
        return decoder.decode(raw)
    except msgspec.DecodeError as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> SystematicError:
    return SystematicError(f"a record of an outbox cannot be read: {error}; restore the key from a backup, {OR_REPLAY}")
