"""The checksum of a packed profile: CRC-32 over the customer's id, then over the bytes before the checksum.

CRC-32 as in zlib, gzip and PNG (ISO 3309), so ``zlib.crc32`` gives the same number. It finds every error burst of up to
32 bits, and any other damage but for one in 2**32. With the id in it, the profile of another customer is refused too.
The kernel takes eight bytes at a time with eight tables ("slicing-by-8": Kounavis and Berry, "A Systematic Approach to
Building High Performance, Software-based, CRC Generators", 2005).
"""

from __future__ import annotations

import zlib

import numpy as np

from stream.compiling import jit

__all__ = ["CHECKSUM_BYTES", "checksum", "seed_of"]

CHECKSUM_BYTES = 4

_POLYNOMIAL = 0xEDB88320
_ALL = np.int64(0xFFFFFFFF)


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


def seed_of(customer: str) -> int:
    """The checksum of a customer's id, with which that of the profile goes on."""
    return zlib.crc32(customer.encode())


@jit
def checksum(buffer, begin, end, seed):  # type: ignore[no-untyped-def]
    """``zlib.crc32(buffer[begin:end], seed)``."""
    crc = np.int64(seed) ^ _ALL
    at = begin
    while at + 8 <= end:
        low = (
            crc
            ^ np.int64(buffer[at])
            ^ np.int64(buffer[at + 1]) << 8
            ^ np.int64(buffer[at + 2]) << 16
            ^ np.int64(buffer[at + 3]) << 24
        )
        crc = (
            np.int64(_TABLES[7, low & 255])
            ^ np.int64(_TABLES[6, low >> 8 & 255])
            ^ np.int64(_TABLES[5, low >> 16 & 255])
            ^ np.int64(_TABLES[4, low >> 24 & 255])
            ^ np.int64(_TABLES[3, buffer[at + 4]])
            ^ np.int64(_TABLES[2, buffer[at + 5]])
            ^ np.int64(_TABLES[1, buffer[at + 6]])
            ^ np.int64(_TABLES[0, buffer[at + 7]])
        )
        at += 8
    while at < end:
        crc = crc >> 8 ^ np.int64(_TABLES[0, (crc ^ np.int64(buffer[at])) & 255])
        at += 1
    return crc ^ _ALL
