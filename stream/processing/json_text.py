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
#: Two digits of each number below 100.
_PAIRS = np.frombuffer(b"".join(b"%02d" % k for k in range(100)), np.uint8)
#: Two characters of each 12 bits, the first in the low byte.
_SYMBOL_PAIRS = np.repeat(_BASE64.astype(np.uint16), 64) | np.tile(_BASE64.astype(np.uint16), 64) << 8
_UNITS = 10 ** np.arange(7)
_ZERO, _MINUS, _POINT, _QUOTE, _DASH, _COLON, _T, _Z, _EQUALS = b'0-."-:TZ='

# Positions and numbers without a sign: Numba looks at each index with a sign whether it counts from the end, and at
# each division whether to round down. A number with a sign beside one without would make it calculate in floats.
_1, _2, _3, _4, _5, _6, _8, _9, _10, _11, _12, _14, _15, _16, _17, _18 = map(
    np.uint64, (1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18)
)
_100, _10_000, _12_BITS = np.uint64(100), np.uint64(10_000), np.uint64(4095)
_MAX_DIGITS = 19
_TEN_THOUSANDTHS = 4
_HOUR_MS, _MINUTE_MS, _SECOND_MS = np.uint64(3_600_000), np.uint64(60_000), np.uint64(1000)
#: Days of 400, 100, 4 and 1 years, as the source of `_civil` divides by them; of five months; of a shift of the epoch.
_ERA, _DAYS_100, _DAYS_4, _YEAR, _DAYS_5_MONTHS = map(np.uint64, (146_097, 36_524, 1460, 365, 153))
_LAST_OF_ERA, _ERA_YEARS = np.uint64(146_096), np.uint64(400)
_EPOCH_DAY = 719_468


def fragments(texts: Sequence[bytes]) -> Fragments:
    """Lay texts end to end, for `put_fragment`; text *i* is ``raw[starts[i]:starts[i + 1]]``."""
    starts = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)), out=starts[1:])
    return np.frombuffer(b"".join(texts) + bytes(_BLOCK), np.uint8), starts


def quoted(texts: Sequence[str]) -> Fragments:
    """`fragments` of the texts as JSON strings."""
    joined = '""'.join(texts)
    if joined.isascii() and joined.isprintable() and "\\" not in joined and joined.count('"') == 2 * (len(texts) - 1):
        # no character needs escaping, as in almost all batches of ids: skip the check of each one
        starts = np.zeros(len(texts) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 2, out=starts[1:])
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
def _put_pair(buffer, at, value):  # type: ignore[no-untyped-def]
    """Write the two digits of a uint64 below 100 at the uint64 ``at``."""
    k = value + value
    buffer[at] = _PAIRS[k]
    buffer[at + _1] = _PAIRS[k + _1]


@jit
def _put_digits(buffer, at, value, width):  # type: ignore[no-untyped-def]
    """Write a non-negative integer with at least ``width`` digits."""
    rest = np.uint64(value)
    digits = 1
    bound = _10
    while rest >= bound and digits < _MAX_DIGITS:
        bound *= _10
        digits += 1
    digits = max(digits, width)
    k = np.uint64(at + digits)
    for _ in range(digits >> 1):
        above = rest // _100
        k -= _2
        _put_pair(buffer, k, rest - above * _100)
        rest = above
    if digits & 1:
        buffer[np.uint64(at)] = np.uint64(_ZERO) + rest
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
    unit = _UNITS[places]
    scaled = np.int64(round(value * unit))
    if scaled < 0:
        buffer[at] = _MINUS
        at += 1
        scaled = -scaled
    # most have four places, and a division by a constant is a multiplication
    whole = np.int64(np.uint64(scaled) // _10_000) if places == _TEN_THOUSANDTHS else scaled // unit
    at = _put_digits(buffer, at, whole, 1)
    buffer[at] = _POINT
    at += 1
    part = scaled - whole * unit
    if part == 0:
        buffer[at] = _ZERO
        return at + 1
    at = _put_digits(buffer, at, part, places)
    while buffer[at - 1] == _ZERO:
        at -= 1
    return at


@jit
def _civil(day):  # type: ignore[no-untyped-def]
    """Year (0 at least), month and day of a day since the epoch, each uint64.

    Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    """
    z = np.uint64(day + _EPOCH_DAY)
    era = z // _ERA
    doe = z - era * _ERA
    yoe = (doe - doe // _DAYS_4 + doe // _DAYS_100 - doe // _LAST_OF_ERA) // _YEAR
    doy = doe - (_YEAR * yoe + yoe // _4 - yoe // _100)
    mp = (_5 * doy + _2) // _DAYS_5_MONTHS
    month = mp + _3 if mp < _10 else mp - _9
    year = yoe + era * _ERA_YEARS
    return (year + _1 if month <= _2 else year), month, doy - (_DAYS_5_MONTHS * mp + _2) // _5 + _1


@jit
def put_instant(buffer, at, time, with_ms):  # type: ignore[no-untyped-def]
    """Write a time in ms as a quoted RFC 3339 instant, to the second or millisecond; NEVER (either sign) as null.

    The year is one from 0 to 9999.
    """
    if time == NEVER or time == -NEVER:
        return _put_null(buffer, at)
    date = time // DAY_MS
    year, month, day = _civil(date)
    in_day = np.uint64(time - date * DAY_MS)
    hour = in_day // _HOUR_MS
    in_hour = in_day - hour * _HOUR_MS
    minute = in_hour // _MINUTE_MS
    in_minute = in_hour - minute * _MINUTE_MS
    second = in_minute // _SECOND_MS
    century = year // _100
    k = np.uint64(at)
    buffer[k] = _QUOTE
    _put_pair(buffer, k + _1, century)
    _put_pair(buffer, k + _3, year - century * _100)
    buffer[k + _5] = _DASH
    _put_pair(buffer, k + _6, month)
    buffer[k + _8] = _DASH
    _put_pair(buffer, k + _9, day)
    buffer[k + _11] = _T
    _put_pair(buffer, k + _12, hour)
    buffer[k + _14] = _COLON
    _put_pair(buffer, k + _15, minute)
    buffer[k + _17] = _COLON
    _put_pair(buffer, k + _18, second)
    at += 20
    if with_ms:
        buffer[at] = _POINT
        at = _put_digits(buffer, at + 1, in_minute - second * _SECOND_MS, 3)
    buffer[at] = _Z
    buffer[at + 1] = _QUOTE
    return at + 2


@jit
def put_base64(buffer, at, raw, begin, end):  # type: ignore[no-untyped-def]
    """Write ``raw[begin:end]`` in base64 with padding, unquoted."""
    groups = (end - begin) // 3
    target, source = np.uint64(at), np.uint64(begin)
    for _ in range(groups):
        bits = np.uint64(raw[source]) << _16 | np.uint64(raw[source + _1]) << _8 | np.uint64(raw[source + _2])
        high, low = _SYMBOL_PAIRS[bits >> _12], _SYMBOL_PAIRS[bits & _12_BITS]
        buffer[target] = high
        buffer[target + _1] = high >> 8
        buffer[target + _2] = low
        buffer[target + _3] = low >> 8
        target += _4
        source += _3
    at += 4 * groups
    k = begin + 3 * groups
    if k < end:
        second = np.int64(raw[k + 1]) if k + 1 < end else np.int64(0)
        last = (np.int64(raw[k]) << 16) | (second << 8)
        buffer[at] = _BASE64[last >> 18]
        buffer[at + 1] = _BASE64[(last >> 12) & 63]
        buffer[at + 2] = _BASE64[(last >> 6) & 63] if k + 1 < end else _EQUALS
        buffer[at + 3] = _EQUALS
        at += 4
    return at
