"""Which examples of a sample are drawn, compiled.

All compiled functions that draw are in this file: Numba compiles a function anew when its own file has changed. They
are no part of the core's kernel.
"""

from typing import Final

import numpy as np

from stream.compiling import jit_at_once

__all__ = ["draw", "mixed"]

#: Salts of the numbers of one example: for the draws from the whole sample, of a category, and from that category.
_DRAW, _CATEGORY, _OF_CATEGORY = 1, 101, 201
_GAMMA, _SALT = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFT_1, _SHIFT_2, _SHIFT_3 = np.uint64(30), np.uint64(27), np.uint64(31)
_NONE: Final = -1


@jit_at_once
def mixed(number, salt, below):  # type: ignore[no-untyped-def]
    """A number from 0 to ``below`` - 1: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) of two numbers."""
    z = np.uint64(number) * _GAMMA + np.uint64(salt) * _SALT
    z = (z ^ (z >> _SHIFT_1)) * _MIX_1
    z = (z ^ (z >> _SHIFT_2)) * _MIX_2
    return np.int64((z ^ (z >> _SHIFT_3)) % np.uint64(below))


@jit_at_once
def _of_label(labels, label, number, draw):  # type: ignore[no-untyped-def]
    """The place of an example of ``label``, each with equal chances; -1 if there is none."""
    count = 0
    for place in range(labels.shape[0]):
        count += labels[place] == label
    if count == 0:
        return _NONE
    left = mixed(number, _OF_CATEGORY + draw, count)
    for place in range(labels.shape[0]):
        if labels[place] == label:
            if left == 0:
                return place
            left -= 1
    return _NONE


@jit_at_once
def draw(labels, number, categories, places):  # type: ignore[no-untyped-def]
    """Write the places of the examples drawn for example ``number`` to ``places`` int64[n], with repetition.

    ``labels`` int32[m]: those of the examples, of ``categories``. Every second draw is of a category drawn first, with
    equal chances, if there is an example of it.
    """
    for k in range(places.shape[0]):
        places[k] = _NONE
        if k % 2 == 0:
            places[k] = _of_label(labels, mixed(number, _CATEGORY + k, categories), number, k)
        if places[k] == _NONE:
            places[k] = mixed(number, _DRAW + k, labels.shape[0])
