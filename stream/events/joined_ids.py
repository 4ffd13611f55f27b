"""Ids end to end, for compiled code that goes over many of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["joined_ids"]


def joined_ids(ids: Sequence[str]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """The UTF-8 bytes of the ids end to end, and where each begins and the last ends: int64[N + 1].

    >>> raw, starts = joined_ids(["ada", "zoé"])
    >>> raw.tobytes().decode(), starts.tolist()
    ('adazoé', [0, 3, 7])
    """
    joined = "".join(ids)
    starts = np.zeros(len(ids) + 1, np.int64)
    # a character is a byte in almost all batches: encode them at once
    lengths = map(len, ids if joined.isascii() else map(str.encode, ids))
    np.cumsum(np.fromiter(lengths, np.int64, len(ids)), out=starts[1:])
    return np.frombuffer(joined.encode(), np.uint8), starts
