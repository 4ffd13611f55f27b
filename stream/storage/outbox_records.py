"""Records of an outbox, as they are stored until they are published."""

from collections.abc import Iterable

import msgspec

from stream.errors import SystematicError
from stream.processing.state import Outgoing
from stream.storage.damage import OR_REPLAY

__all__ = ["decode_record", "encode_record", "encode_records"]

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Outgoing)


def encode_record(record: Outgoing) -> bytes:
    """Encode for the outbox."""
    return _encoder.encode(record)


def encode_records(records: Iterable[Outgoing]) -> list[bytes]:
    """`encode_record` each."""
    return list(map(_encoder.encode, records))


def decode_record(raw: bytes) -> Outgoing:
    """Decode what `encode_record` gave. Raises `SystematicError` for anything else."""
    try:
        return _decoder.decode(raw)
    except msgspec.DecodeError as error:
        raise SystematicError(
            f"a record of an outbox cannot be read: {error}; restore the key from a backup, {OR_REPLAY}"
        ) from error
