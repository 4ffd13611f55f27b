"""Text as numbers, compiled.

All compiled functions that read text are in this file: Numba compiles a function anew when its own file has changed.
They are no part of the core's kernel.

A text is its code points, ``uint32[n]``, in lower case. Its features are words, pairs of neighbouring words, and the
2 to 5 characters in a row within a word, with a blank at either end. A character of Chinese, Japanese or an emoji is
a word of its own; characters in a row cross such words. Each feature is hashed to one of ``2**bits`` *buckets*.
Counts are taken in an array over the buckets, so texts that are made to collide cost no more than others.
"""

from typing import Final

import numpy as np

from stream.compiling import jit_at_once

__all__ = ["MAX_FEATURES", "find_words", "hash_ngrams", "sum_by_word"]

#: Distinct features of a text that are taken at most; the rest of the text is not read.
MAX_FEATURES: Final = 16_384

_SEPARATOR, _LETTER, _WORD = 0, 1, 2
_MAX_CHARACTERS: Final = 5
#: Characters in a row that are taken as one word at most, for the n-grams of characters.
_LONGEST = 64
_APOSTROPHE, _BLANK = 39, 32
_FNV_OFFSET, _FNV_PRIME = np.uint64(14695981039346656037), np.uint64(1099511628211)
_CHARACTERS = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_SHIFT, _PAIR = np.uint64(33), np.uint64(31)


@jit_at_once
def _kind(point):  # type: ignore[no-untyped-def]
    """Whether a character separates words, is part of one, or is one."""
    if point < 0x80:
        letter = 48 <= point <= 57 or 65 <= point <= 90 or 97 <= point <= 122
        return _LETTER if letter else _SEPARATOR
    if point < 0xC0:
        return _LETTER if point in (0xAA, 0xB5, 0xBA) else _SEPARATOR
    punctuation = point in (0xD7, 0xF7) or 0x2000 <= point < 0x2190 or 0x3000 <= point <= 0x303F
    if punctuation or 0xFE00 <= point <= 0xFE6F or 0xFF00 <= point <= 0xFF0F:
        return _SEPARATOR
    ideograph = 0x2E80 <= point <= 0x31FF or 0x3400 <= point <= 0x9FFF or 0xF900 <= point <= 0xFAFF
    if ideograph or 0x2190 <= point <= 0x2BFF or point >= 0x1F000:
        return _WORD
    return _LETTER


@jit_at_once
def _mix(h):  # type: ignore[no-untyped-def]
    """MurmurHash3's finaliser: every bit depends on every bit."""
    h ^= h >> _SHIFT
    h *= _MIX_1
    h ^= h >> _SHIFT
    h *= _MIX_2
    return h ^ (h >> _SHIFT)


@jit_at_once
def _count(h, found, buckets, slots):  # type: ignore[no-untyped-def]
    """Count a feature; returns how many distinct ones there are now, less than the size of ``buckets``.

    Without a branch: whether a feature is new is as good as random, and a processor that guesses wrong waits.
    """
    bucket = np.int64(h & np.uint64(slots.shape[0] - 1))
    former = slots[bucket]
    buckets[found] = bucket
    is_new = np.int64(former == 0) & np.int64(found + 1 < buckets.shape[0])
    slots[bucket] = former + (np.int64(former != 0) | is_new)
    return found + is_new


@jit_at_once
def _word_end(points, start):  # type: ignore[no-untyped-def]
    """The end of the word that begins at ``start``; an apostrophe between letters is part of it."""
    end = start + 1
    if _kind(points[start]) == _WORD:
        return end
    count = points.shape[0]
    while end < count:
        inside = points[end] == _APOSTROPHE and end + 1 < count and _kind(points[end + 1]) == _LETTER
        if not inside and _kind(points[end]) != _LETTER:
            break
        end += 1
    return end


@jit_at_once
def find_words(points, spans):  # type: ignore[no-untyped-def]
    """Write where words begin and end to ``spans`` int64[m, 2]; returns their number, at most m."""
    found, start = 0, 0
    while start < points.shape[0] and found < spans.shape[0]:
        if _kind(points[start]) == _SEPARATOR:
            start += 1
            continue
        spans[found, 0] = start
        start = _word_end(points, start)
        spans[found, 1] = start
        found += 1
    return found


@jit_at_once
def _drain(first, found, buckets, counts, slots):  # type: ignore[no-untyped-def]
    for k in range(first, found):
        counts[k] = slots[buckets[k]]
        slots[buckets[k]] = 0


@jit_at_once
def _count_words(points, buckets, slots):  # type: ignore[no-untyped-def]
    found, start = 0, 0
    former = np.uint64(0)
    while start < points.shape[0]:
        if _kind(points[start]) == _SEPARATOR:
            start += 1
            continue
        end = _word_end(points, start)
        h = _FNV_OFFSET
        for k in range(start, end):
            h = (h ^ np.uint64(points[k])) * _FNV_PRIME
        h = _mix(h)
        found = _count(h, found, buckets, slots)
        if former != np.uint64(0):
            found = _count(_mix(former * _PAIR + h), found, buckets, slots)
        former = h
        start = end
    return found


@jit_at_once
def _count_characters(points, found, buckets, slots):  # type: ignore[no-untyped-def]
    start = 0
    row = np.empty(_LONGEST + 2, np.uint64)
    row[0] = _BLANK
    while start < points.shape[0]:
        if _kind(points[start]) == _SEPARATOR:
            start += 1
            continue
        size = 0
        while start < points.shape[0] and size < _LONGEST and _kind(points[start]) != _SEPARATOR:
            size += 1
            row[size] = points[start]
            start += 1
        row[size + 1] = _BLANK
        for first in range(size + 1):
            h = (_CHARACTERS ^ row[first]) * _FNV_PRIME
            for last in range(first + 1, min(first + _MAX_CHARACTERS, size + 2)):
                h = (h ^ row[last]) * _FNV_PRIME
                found = _count(_mix(h), found, buckets, slots)
    return found


@jit_at_once
def hash_ngrams(points, buckets, counts, slots):  # type: ignore[no-untyped-def]
    """Write the features of a text, less than m, to ``buckets`` int64[m] and ``counts`` float64[m].

    ``slots`` uint16[2**bits] is zero before and after. Returns how many are of words, which come first, and how many
    there are. A bucket is at most once among the words and once among the characters.
    """
    words = _count_words(points, buckets, slots)
    _drain(0, words, buckets, counts, slots)
    found = _count_characters(points, words, buckets, slots)
    _drain(words, found, buckets, counts, slots)
    return words, found


@jit_at_once
def sum_by_word(points, spans, features, amounts, places, scratch, counts, slots):  # type: ignore[no-untyped-def]
    """The sum of the ``amounts`` float64[n] of the ``features`` int64[n] (buckets) of each word, float64[words].

    ``spans``: as `find_words` gives them. ``places`` int32[2**bits] is zero before and after; ``scratch``, ``counts``
    and ``slots`` are as those of `hash_ngrams`.
    """
    for k in range(features.shape[0]):
        places[features[k]] = k + 1
    sums = np.zeros(spans.shape[0])
    for word in range(spans.shape[0]):
        _, found = hash_ngrams(points[spans[word, 0] : spans[word, 1]], scratch, counts, slots)
        for k in range(found):
            place = places[scratch[k]]
            if place > 0:
                sums[word] += amounts[place - 1]
    for bucket in features:
        places[bucket] = 0
    return sums
