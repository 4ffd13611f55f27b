"""Unpacking the compressed records of a batch, up to a limit.

A kilobyte can unpack to gigabytes. aiokafka unpacks everything, so any writer to a topic could fill the
memory of a worker. Here its functions are replaced by ones that stop at `MAX_UNPACKED_BYTES`. That is far above what
producers pack into a batch: their limits are for the records before compression, a megabyte by default.
"""

import contextlib
import struct
import zlib
from collections.abc import Callable
from typing import Any, Final

import cramjam
import numpy as np
from aiokafka.codec import _detect_xerial_stream  # type: ignore[import-untyped]
from aiokafka.record._crecords import default_records, legacy_records  # type: ignore[import-untyped]

__all__ = ["MAX_UNPACKED_BYTES", "UnpackError", "limit_unpacking"]

MAX_UNPACKED_BYTES: Final = 64 * 1024 * 1024

#: Few batches unpack to more than so many times their size. A buffer for the most there may be is mapped anew for each
#: batch, which takes four times as long as unpacking a small one, and producers of current events send small ones.
_LIKELY_RATIO: Final = 16
_LEAST_BUFFER_BYTES: Final = 1 << 16

_GZIP_BITS: Final = 16 + zlib.MAX_WBITS
_XERIAL_HEADER_BYTES: Final = 16
_BLOCK_SIZE: Final = struct.Struct(">i")


class UnpackError(Exception):
    """The records of a batch cannot be unpacked: they are damaged, or more than there may be."""


def _gzip(payload: Any) -> bytes:
    unpacked, rest = bytearray(), bytes(payload)
    try:
        while rest:
            member = zlib.decompressobj(_GZIP_BITS)
            unpacked += member.decompress(rest, MAX_UNPACKED_BYTES - len(unpacked) + 1)
            _refuse_beyond_limit(len(unpacked))
            if not member.eof:
                raise UnpackError("a gzip batch is cut short")
            rest = member.unused_data
    except zlib.error as error:
        raise UnpackError("a gzip batch is damaged") from error
    return bytes(unpacked)


def _snappy(payload: Any) -> bytes:
    """Raw, or in the blocks of the xerial format that Java's clients write. Both say how long they will be."""
    packed = bytes(payload)
    blocks = [packed]
    try:
        if _detect_xerial_stream(packed):
            blocks, at = [], _XERIAL_HEADER_BYTES
            while at < len(packed):
                (size,) = _BLOCK_SIZE.unpack_from(packed, at)
                at += _BLOCK_SIZE.size
                if not 0 < size <= len(packed) - at:
                    raise UnpackError("a snappy batch is damaged")
                blocks.append(packed[at : at + size])
                at += size
        _refuse_beyond_limit(sum(map(cramjam.snappy.decompress_raw_len, blocks)))
        return b"".join(bytes(cramjam.snappy.decompress_raw(block)) for block in blocks)
    except (cramjam.DecompressionError, struct.error) as error:
        raise UnpackError("a snappy batch is damaged") from error


def _into_buffer(name: str, decompress_into: Callable[[bytes, Any], int]) -> Callable[[Any], bytes]:
    def unpacked(packed: bytes, most: int) -> bytes:
        # the system gives memory for what is written only
        buffer = np.empty(most, np.uint8)
        return buffer[: decompress_into(packed, buffer)].tobytes()

    def unpack(payload: Any) -> bytes:
        packed = bytes(payload)
        likely = max(_LIKELY_RATIO * len(packed), _LEAST_BUFFER_BYTES)
        if likely < MAX_UNPACKED_BYTES:
            # what is damaged fails again below
            with contextlib.suppress(cramjam.DecompressionError):
                return unpacked(packed, likely)
        try:
            return unpacked(packed, MAX_UNPACKED_BYTES)
        except cramjam.DecompressionError as error:
            raise UnpackError(f"{name} batch is damaged, or over {MAX_UNPACKED_BYTES:,} bytes") from error

    return unpack


def _refuse_beyond_limit(size: int) -> None:
    if size > MAX_UNPACKED_BYTES:
        raise UnpackError(f"a batch is over {MAX_UNPACKED_BYTES:,} bytes")


_UNPACK: Final[dict[str, Callable[[Any], bytes]]] = {
    "gzip_decode": _gzip,
    "snappy_decode": _snappy,
    "lz4_decode": _into_buffer("an lz4", cramjam.lz4.decompress_into),
    "zstd_decode": _into_buffer("a zstd", cramjam.zstd.decompress_into),
}


def limit_unpacking() -> None:
    """Let aiokafka's C code unpack with the functions above. They raise `UnpackError`."""
    for module in (default_records, legacy_records):
        for name, unpack in _UNPACK.items():
            if hasattr(module, name):
                setattr(module, name, unpack)
