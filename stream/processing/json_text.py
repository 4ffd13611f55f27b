"""Writing JSON into a byte buffer, compiled: numbers, instants, base64, fixed text.

Every function writes at position ``at`` and returns the position after what it wrote; the caller provides the room.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import orjson

from stream.compiling import jit
from stream.features.profile import NEVER
from stream.features.registry import DAY_MS

__all__ = [
    "MAX_NUMBER",
    "Fragments",
    "fragments",
    "put_base64",
    "put_bool",
    "put_decimal",
    "put_fragment",
    "put_instant",
    "put_integer",
    "quoted",
]

#: Texts end to end, and where each begins and the last ends: uint8[], int64[N + 1].
Fragments: TypeAlias = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]

#: Texts are copied so many bytes at a time: a loop of a known length becomes one instruction.
_BLOCK = 16
#: Bytes that a number, an instant or a literal takes at most.
MAX_NUMBER = 32

_BASE64 = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", np.uint8)
_NULL = np.frombuffer(b"null".ljust(_BLOCK), np.uint8)
_TRUE = np.frombuffer(b"true".ljust(_BLOCK), np.uint8)
_FALSE = np.frombuffer(b"false".ljust(_BLOCK), np.uint8)
_ZERO, _MINUS, _POINT, _QUOTE, _DASH, _COLON, _T, _Z, _EQUALS = b'0-."-:TZ='


def fragments(texts: Sequence[bytes]) -> Fragments:
    """Lay texts end to end, for `put_fragment`; text *i* is ``raw[starts[i]:starts[i + 1]]``."""
    starts = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(text) for text in texts], out=starts[1:])
    return np.frombuffer(b"".join(texts) + bytes(_BLOCK), np.uint8), starts


def quoted(texts: Sequence[str]) -> Fragments:
    """`fragments` of the texts as JSON strings."""
    joined = '""'.join(texts)
    if joined.isascii() and joined.isprintable() and "\\" not in joined and joined.count('"') == 2 * (len(texts) - 1):
        # no character needs escaping, as in almost all batches of ids: skip the check of each one
        starts = np.zeros(len(texts) + 1, np.int64)
        np.cumsum([len(text) + 2 for text in texts], out=starts[1:])
        return np.frombuffer(b'"%b"%b' % (joined.encode(), bytes(_BLOCK)), np.uint8), starts
    return fragments([orjson.dumps(text) for text in texts])


@jit
def put_fragment(buffer, at, raw, begin, end):  # type: ignore[no-untyped-def]
    """Copy ``raw[begin:end]`` of `fragments`, in whole blocks: up to a block behind it is overwritten."""
    # unsigned: the check for a negative index, which counts from the end, would keep the loop from being unrolled
    target = np.uint64(at)
    source = np.uint64(begin)
    for _ in range(begin, end, _BLOCK):
        for k in range(_BLOCK):
            buffer[target + np.uint64(k)] = raw[source + np.uint64(k)]
        target += np.uint64(_BLOCK)
        source += np.uint64(_BLOCK)
    return at + end - begin


@jit
def _put_null(buffer, at):  # type: ignore[no-untyped-def]
    """Write null."""
    return put_fragment(buffer, at, _NULL, 0, 4)


@jit
def put_bool(buffer, at, value):  # type: ignore[no-untyped-def]
    """Write true or false."""
    return put_fragment(buffer, at, _TRUE, 0, 4) if value else put_fragment(buffer, at, _FALSE, 0, 5)


@jit
def _put_digits(buffer, at, value, width):  # type: ignore[no-untyped-def]
    """Write a non-negative integer with at least ``width`` digits."""
    digits = 1
    rest = value // 10
    while rest > 0:
        digits += 1
        rest //= 10
    digits = max(digits, width)
    rest = value
    for k in range(digits - 1, -1, -1):
        buffer[at + k] = _ZERO + rest % 10
        rest //= 10
    return at + digits


@jit
def put_integer(buffer, at, value):  # type: ignore[no-untyped-def]
    """Write an int64."""
    v = np.int64(value)
    if v < 0:
        buffer[at] = _MINUS
        at += 1
        v = -v
    return _put_digits(buffer, at, v, 1)


@jit
def put_decimal(buffer, at, value, places):  # type: ignore[no-untyped-def]
    """Write a float of magnitude below 1e12, rounded half to even to ``places`` (at most 6); NaN as null."""
    if math.isnan(value):
        return _put_null(buffer, at)
    unit = np.int64(10**places)
    scaled = np.int64(round(value * unit))
    if scaled < 0:
        buffer[at] = _MINUS
        at += 1
        scaled = -scaled
    at = _put_digits(buffer, at, scaled // unit, 1)
    part = scaled % unit
    buffer[at] = _POINT
    at += 1
    width = places
    while width > 1 and part % 10 == 0:
        part //= 10
        width -= 1
    return _put_digits(buffer, at, part, width)


@jit
def _civil(day):  # type: ignore[no-untyped-def]
    """Year, month and day of a day since the epoch.

    Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    """
    z = day + 719_468
    era = z // 146_097
    doe = z - era * 146_097
    yoe = (doe - doe // 1460 + doe // 36_524 - doe // 146_096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    month = mp + 3 if mp < 10 else mp - 9  # noqa: PLR2004 - as in the source
    return yoe + era * 400 + (1 if month <= 2 else 0), month, doy - (153 * mp + 2) // 5 + 1  # noqa: PLR2004 - as above


@jit
def put_instant(buffer, at, time, with_ms):  # type: ignore[no-untyped-def]
    """Write a time in ms as a quoted RFC 3339 instant, to the second or millisecond; NEVER (either sign) as null."""
    if time == NEVER or time == -NEVER:
        return _put_null(buffer, at)
    year, month, day = _civil(time // DAY_MS)
    in_day = time % DAY_MS
    buffer[at] = _QUOTE
    at = _put_digits(buffer, at + 1, year, 4)
    buffer[at] = _DASH
    at = _put_digits(buffer, at + 1, month, 2)
    buffer[at] = _DASH
    at = _put_digits(buffer, at + 1, day, 2)
    buffer[at] = _T
    at = _put_digits(buffer, at + 1, in_day // 3_600_000, 2)
    buffer[at] = _COLON
    at = _put_digits(buffer, at + 1, in_day // 60_000 % 60, 2)
    buffer[at] = _COLON
    at = _put_digits(buffer, at + 1, in_day // 1000 % 60, 2)
    if with_ms:
        buffer[at] = _POINT
        at = _put_digits(buffer, at + 1, in_day % 1000, 3)
    buffer[at] = _Z
    buffer[at + 1] = _QUOTE
    return at + 2


@jit
def put_base64(buffer, at, raw, begin, end):  # type: ignore[no-untyped-def]
    """Write ``raw[begin:end]`` in base64 with padding, unquoted."""
    k = begin
    while k + 2 < end:
        bits = (np.int64(raw[k]) << 16) | (np.int64(raw[k + 1]) << 8) | np.int64(raw[k + 2])
        buffer[at] = _BASE64[bits >> 18]
        buffer[at + 1] = _BASE64[(bits >> 12) & 63]
        buffer[at + 2] = _BASE64[(bits >> 6) & 63]
        buffer[at + 3] = _BASE64[bits & 63]
        at += 4
        k += 3
    if k < end:
        second = np.int64(raw[k + 1]) if k + 1 < end else np.int64(0)
        bits = (np.int64(raw[k]) << 16) | (second << 8)
        buffer[at] = _BASE64[bits >> 18]
        buffer[at + 1] = _BASE64[(bits >> 12) & 63]
        buffer[at + 2] = _BASE64[(bits >> 6) & 63] if k + 1 < end else _EQUALS
        buffer[at + 3] = _EQUALS
        at += 4
    return at
