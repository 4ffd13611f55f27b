"""Variable-length integers in a byte buffer (LEB128; signed ones zigzag first), compiled.

Source of the encodings: Protocol Buffers, "Encoding", base 128 varints and ZigZag.
"""

from __future__ import annotations

import numpy as np

from stream.compiling import jit
from stream.features.profile import NEVER
from stream.features.registry import DAY_MS

_LOW_BITS, _MORE = 127, 128
#: A ninth byte carries bits 56..62; what claims to go on is not one of ours, and reading stops.
_LAST_SHIFT = 56

__all__ = [
    "get_bits",
    "get_count",
    "get_float",
    "get_grid_time",
    "get_int",
    "get_time",
    "get_uint",
    "put_bits",
    "put_float",
    "put_grid_time",
    "put_int",
    "put_time",
    "put_uint",
]


@jit
def put_uint(buffer, at, value):  # type: ignore[no-untyped-def]
    """Write a non-negative int64 at position ``at``; return the position after it."""
    rest = np.int64(value)
    while rest > _LOW_BITS:
        buffer[at] = (rest & _LOW_BITS) | _MORE
        rest >>= 7
        at += 1
    buffer[at] = rest
    return at + 1


@jit
def get_uint(buffer, at):  # type: ignore[no-untyped-def]
    """Read what `put_uint` wrote; return the value and the position after it."""
    value = np.int64(0)
    shift = 0
    while True:
        byte = np.int64(buffer[at])
        at += 1
        value |= (byte & _LOW_BITS) << shift
        if byte < _MORE or shift == _LAST_SHIFT:
            return value, at
        shift += 7


@jit
def _zigzag(value):  # type: ignore[no-untyped-def]
    v = np.int64(value)
    return (v << 1) ^ (v >> 63)


@jit
def _unzigzag(z):  # type: ignore[no-untyped-def]
    return (z >> 1) ^ -(z & 1)


@jit
def put_int(buffer, at, value):  # type: ignore[no-untyped-def]
    """Write an int64 of magnitude below 2**62; return the position after it."""
    return put_uint(buffer, at, _zigzag(value))


@jit
def get_int(buffer, at):  # type: ignore[no-untyped-def]
    """Read what `put_int` wrote; return the value and the position after it."""
    z, at = get_uint(buffer, at)
    return _unzigzag(z), at


@jit
def put_bits(buffer, at, value, raw):  # type: ignore[no-untyped-def]
    """Write the low ``8 * bytes`` bits of an int64, little endian; return the position after them."""
    rest = np.int64(value)
    for k in range(raw):
        buffer[at + k] = rest & 255
        rest >>= 8
    return at + raw


@jit
def get_bits(buffer, at, raw):  # type: ignore[no-untyped-def]
    """Read what `put_bits` wrote (sign extended at 8 bytes); return the value and the position after it."""
    value = np.int64(0)
    for k in range(raw):
        value |= np.int64(buffer[at + k]) << (8 * k)
    return value, at + raw


@jit
def put_float(buffer, at, value):  # type: ignore[no-untyped-def]
    """Write the eight bytes of a double; return the position after them."""
    return put_bits(buffer, at, np.float64(value).view(np.int64), 8)


@jit
def get_float(buffer, at):  # type: ignore[no-untyped-def]
    """Read what `put_float` wrote; return the value and the position after it."""
    bits, at = get_bits(buffer, at, 8)
    return np.int64(bits).view(np.float64), at


@jit
def put_time(buffer, at, time, base):  # type: ignore[no-untyped-def]
    """Write a time as its distance to ``base`` (zigzag, plus 2), NEVER as 0 and -NEVER as 1; return what follows."""
    if time == NEVER:
        return put_uint(buffer, at, 0)
    if time == -NEVER:
        return put_uint(buffer, at, 1)
    return put_uint(buffer, at, 2 + _zigzag(base - time))


@jit
def get_time(buffer, at, base):  # type: ignore[no-untyped-def]
    """Read what `put_time` wrote with the same ``base``; return the time and the position after it."""
    z, at = get_uint(buffer, at)
    if z == 0:
        return NEVER, at
    if z == 1:
        return -NEVER, at
    return base - _unzigzag(z - 2), at


@jit
def put_grid_time(buffer, at, time, base, phase):  # type: ignore[no-untyped-def]
    """As `put_time`, for a time that mostly lies whole days from ``phase``: then its distance is one in days."""
    if time == NEVER:
        return put_uint(buffer, at, 0)
    if time == -NEVER:
        return put_uint(buffer, at, 1)
    if (time - phase) % DAY_MS == 0:
        return put_uint(buffer, at, 2 + 2 * _zigzag((base - phase) // DAY_MS - (time - phase) // DAY_MS))
    return put_uint(buffer, at, 3 + 2 * _zigzag(base - time))


@jit
def get_grid_time(buffer, at, base, phase):  # type: ignore[no-untyped-def]
    """Read what `put_grid_time` wrote with the same ``base`` and ``phase``; return the time and what follows."""
    z, at = get_uint(buffer, at)
    if z == 0:
        return NEVER, at
    if z == 1:
        return -NEVER, at
    z -= 2
    d = _unzigzag(z >> 1)
    if z & 1:
        return base - d, at
    return phase + ((base - phase) // DAY_MS - d) * DAY_MS, at


@jit
def get_count(buffer, at, most, behind):  # type: ignore[no-untyped-def]
    """Read a number of entries; one that no profile has sends the reader to ``behind``."""
    count, at = get_uint(buffer, at)
    if count > most:
        return 0, behind
    return count, at
