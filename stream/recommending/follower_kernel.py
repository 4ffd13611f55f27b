"""Counting what follows an item, compiled.

Numba compiles again when this file has changed, so nothing of other files is used in it, constants neither.
"""

from __future__ import annotations

import numpy as np

from stream.compiling import jit

__all__ = ["follow"]

_TOP_BIT = 61


@jit
def follow(ids, weights, of, slots, followers, hour, keep, fading, scratch):  # type: ignore[no-untyped-def]
    """Count each follower once, at an hour, in the rows ``slots``; no item follows itself.

    A row is what `stream.recommending.fading.FadingCounts` is: ``ids`` and ``weights`` (rows, width), in the order in
    which they came. ``of`` (5, rows): how many a row has, its epoch, its floor, whether it has changed, the id of its
    item. ``fading``: the half-life, the weight of one, after how many half-lives the epoch moves, how many stay, and
    how many times ``keep`` there may be before a cut. The width is at least so many and all ``followers``. ``scratch``:
    room for a table of hashes, a power of two and larger than ``followers``, and for a place of each follower.
    """
    half_life, one, _, _, slack = fading
    sizes, epochs, _, changed, own = of[0], of[1], of[2], of[3], of[4]
    numbers, places = scratch
    _number(numbers, followers)
    for k in range(len(slots)):
        row = slots[k]
        size = sizes[row]
        places[: len(followers)] = -1
        for j in range(size):
            f = _number_of(numbers, followers, ids[row, j])
            if f >= 0:
                places[f] = j
        weight = np.int64(0)
        for f in range(len(followers)):
            follower = followers[f]
            if follower == own[row]:
                continue
            if weight == 0:
                _advance(weights, of, row, hour, fading)
                weight = max(np.int64(np.rint(one * 2.0 ** ((hour - epochs[row]) / half_life))), np.int64(1))
            place = places[f]
            if place < 0:
                place = size
                ids[row, size] = follower
                weights[row, size] = 0
                size += 1
            weights[row, place] += weight
        sizes[row] = size
        changed[row] |= weight > 0
        if size > slack * keep:
            _cut(ids, weights, of, row, keep)


@jit
def _number(numbers, followers):  # type: ignore[no-untyped-def]
    """Let ``numbers`` be a table of hashes of the followers, so that a row is passed through once; -1: nothing."""
    numbers[:] = -1
    last = len(numbers) - 1
    for f in range(len(followers)):
        at = followers[f] & last
        while numbers[at] >= 0:
            at = (at + 1) & last
        numbers[at] = f


@jit
def _number_of(numbers, followers, item):  # type: ignore[no-untyped-def]
    """The number of a follower, -1 if an item is none."""
    last = len(numbers) - 1
    at = item & last
    while numbers[at] >= 0 and followers[numbers[at]] != item:
        at = (at + 1) & last
    return numbers[at]


@jit
def _advance(weights, of, row, hour, fading):  # type: ignore[no-untyped-def]
    """Let the epoch of a row be one from which a count at an hour is no large number."""
    half_life, _, moves_after, stay, _ = fading
    size, epoch = of[0, row], of[1, row]
    if size == 0:
        of[1, row] = hour
    elif hour - epoch >= moves_after * half_life:
        half_lives = (hour - epoch) // half_life - stay
        of[1, row] = epoch + half_lives * half_life
        shift = min(half_lives, _TOP_BIT + 1)
        of[2, row] >>= shift
        for j in range(size):
            weights[row, j] >>= shift


@jit
def _cut(ids, weights, of, row, keep):  # type: ignore[no-untyped-def]
    """Keep the largest; of equals, those that came last."""
    size = of[0, row]
    most = np.int64(0)
    for j in range(size):
        most = max(most, weights[row, j])
    top = 0
    while most >> (top + 1):
        top += 1
    # the largest number that enough weights reach, bit by bit
    least = np.int64(0)
    for bit in range(top, -1, -1):
        tried = least | (np.int64(1) << bit)
        enough = 0
        for j in range(size):
            enough += weights[row, j] >= tried
        if enough >= keep:
            least = tried
        if enough == keep:
            break
    excess = -keep
    for j in range(size):
        excess += weights[row, j] >= least
    kept = 0
    gone = np.int64(0)
    for j in range(size):
        weight = weights[row, j]
        if weight < least or (weight == least and excess > 0):
            excess -= weight == least
            gone = max(gone, weight)
        else:
            ids[row, kept] = ids[row, j]
            weights[row, kept] = weight
            kept += 1
    of[0, row] = kept
    of[2, row] += gone
