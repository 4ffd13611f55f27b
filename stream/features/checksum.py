"""The checksum of a packed profile: CRC-32 over the customer's id, then over the bytes before the checksum.

CRC-32 as in zlib, gzip and PNG (ISO 3309), so ``zlib.crc32`` gives the same number. It finds every error burst of up to
32 bits, and any other damage but for one in 2**32. With the id in it, the profile of another customer is refused too.
The kernel takes eight bytes at a time with eight tables ("slicing-by-8": Kounavis and Berry, "A Systematic Approach to
Building High Performance, Software-based, CRC Generators", 2005).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stream.compiling import jit
from stream.events.joined_ids import joined_ids

__all__ = ["CHECKSUM_BYTES", "checksum", "is_whole", "seed_of", "seeds_of"]

CHECKSUM_BYTES = 4

_POLYNOMIAL = 0xEDB88320
_ALL = np.uint32(0xFFFFFFFF)
#: The CRC-32 of anything with its own CRC-32 behind it, little-endian.
_RESIDUE = zlib.crc32(zlib.crc32(b"").to_bytes(CHECKSUM_BYTES, "little"))


def _tables() -> np.ndarray[tuple[int, int], np.dtype[np.uint32]]:
    """Row 0: the remainder of each byte; row k: the same with k zero bytes behind."""
    tables = np.zeros((8, 256), np.uint32)
    for byte in range(256):
        remainder = byte
        for _ in range(8):
            remainder = remainder >> 1 ^ (_POLYNOMIAL if remainder & 1 else 0)
        tables[0, byte] = remainder
    for k in range(1, 8):
        tables[k] = tables[k - 1] >> 8 ^ tables[0][tables[k - 1] & 255]
    return tables


_TABLES = _tables()
_ONE, _FOUR, _EIGHT = np.uint64(1), np.uint64(4), np.uint64(8)


def seed_of(customer: str) -> int:
    """The checksum of a customer's id; the checksum of the profile continues from it."""
    return zlib.crc32(customer.encode())


def seeds_of(customers: Sequence[str]) -> npt.NDArray[np.int64]:
    """`seed_of` each of many customers: int64[N]."""
    ids, starts = joined_ids(customers)
    seeds = np.empty(len(customers), np.int64)
    _checksums(ids, starts[1:], seeds)
    return seeds


def is_whole(sealed: bytes, seed: int) -> bool:
    """Whether bytes end with their checksum."""
    return zlib.crc32(sealed, seed) == _RESIDUE


@jit
def _word(buffer, at):  # type: ignore[no-untyped-def]
    """Four bytes as a number, little-endian."""
    return (
        np.uint32(buffer[at])
        | np.uint32(buffer[at + _ONE]) << np.uint32(8)
        | np.uint32(buffer[at + _ONE + _ONE]) << np.uint32(16)
        | np.uint32(buffer[at + _FOUR - _ONE]) << np.uint32(24)
    )


@jit
def checksum(buffer, begin, end, seed):  # type: ignore[no-untyped-def]
    """``zlib.crc32(buffer[begin:end], seed)``."""
    crc = np.uint32(seed) ^ _ALL
    # positions without a sign: a signed one is looked at whether it counts from the end, and bytes are read one by one
    at, stop = np.uint64(begin), np.uint64(end)
    while at + _EIGHT <= stop:
        low = crc ^ _word(buffer, at)
        high = _word(buffer, at + _FOUR)
        crc = np.uint32(
            _TABLES[3, high & 255]
            ^ _TABLES[2, high >> 8 & 255]
            ^ _TABLES[1, high >> 16 & 255]
            ^ _TABLES[0, high >> 24 & 255]
            ^ _TABLES[7, low & 255]
            ^ _TABLES[6, low >> 8 & 255]
            ^ _TABLES[5, low >> 16 & 255]
            ^ _TABLES[4, low >> 24 & 255]
        )
        at += _EIGHT
    while at < stop:
        crc = np.uint32(crc >> 8 ^ _TABLES[0, (crc ^ buffer[at]) & 255])
        at += _ONE
    return np.int64(crc ^ _ALL)


@jit
def _checksums(buffer, ends, checksums):  # type: ignore[no-untyped-def]
    begin = np.int64(0)
    for k in range(ends.shape[0]):
        checksums[k] = checksum(buffer, begin, ends[k], 0)
        begin = ends[k]
