"""What sells now: lines of orders by item, lately and over a season, and at which time of the day.

Weights are those of `stream.recommending.fading`. The part that tells of lately fades four times as fast: its clock
runs so much faster.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import numpy.typing as npt

from stream.recommending.fading import HALF_LIFE_H, ONE, weight_at

__all__ = [
    "FASTER",
    "NONE",
    "NUMBERS",
    "Lines",
    "Sold",
    "SoldCounts",
    "part_of_day",
    "sold_of",
    "times_of_day",
    "units_at",
]

Floats = npt.NDArray[np.float64]

#: What sells lately loses half of its weight in fifteen days.
FASTER: Final = 4
_PART_H: Final = 4
_HOUR_S: Final = 3600
#: Hours whose part of the day is remembered: eleven years, as orders may come late.
_HOURS: Final = 100_000
#: Of an item: lines lately, then lines by the six parts of a day of the shop.
NUMBERS: Final = 1 + 24 // _PART_H
NONE: Final = (0,) * NUMBERS
#: Epochs begin every four half-lives of a season.
_EPOCH_H: Final = 4 * HALF_LIFE_H
#: Lines of an item that count as sold at the times at which all is sold.
_SHRINKAGE: Final = 5.0
_RARE: Final = 1e-3
_NEVER: Final = 1e-2


class Sold(NamedTuple):
    """Of some items, (n,): lines ``lately`` and over a ``season``. ``timely``: how many times as much of an item is
    sold at this time of the day as of all items.
    """

    lately: Floats
    season: Floats
    timely: Floats


class Lines(NamedTuple):
    """What a line of an ``hour`` weighs ``lately`` and over a ``season``, as of an ``epoch``.

    ``part``: of the day, from 1.
    """

    hour: int
    epoch: int
    lately: int
    season: int
    part: int

    @classmethod
    def at(cls, hour: int, zone: str = "", since: int = 0) -> Lines:
        """As of the epoch of the hour, or one ``since`` then. ``zone``: as in `part_of_day`."""
        return cls._of(hour, 1 + part_of_day(hour, zone), since)

    def since(self, epoch: int) -> Lines:
        """The same as of an epoch, or a later one."""
        return self._of(self.hour, self.part, epoch)

    @classmethod
    def _of(cls, hour: int, part: int, since: int) -> Lines:
        epoch = max(hour // _EPOCH_H * _EPOCH_H, since)
        lately = weight_at(FASTER * hour, FASTER * epoch)
        return cls(hour, epoch, lately, weight_at(hour, epoch), part)


class SoldCounts(msgspec.Struct, omit_defaults=True, gc=False):
    """``counts``: of each item `NUMBERS` weights. ``epoch``: of the weights, in hours since 1970.

    All counts have their epochs at the same hours, so that a line weighs the same in all of them.

    >>> sold = SoldCounts()
    >>> sold.count("tea", Lines.at(0))
    >>> sold.counts
    {'tea': [1024, 1024, 0, 0, 0, 0, 0]}
    """

    epoch: int = 0
    counts: dict[str, list[int]] = msgspec.field(default_factory=dict)

    def count(self, name: str, of: Lines, lines: int = 1) -> None:
        """Count lines of an item."""
        if of.epoch != self.epoch:
            of = self._begin(of)
        weights = self.counts.get(name)
        if weights is None:
            weights = self.counts[name] = [0] * NUMBERS
        weights[0] += lines * of.lately
        weights[of.part] += lines * of.season

    def take_back(self, name: str, of: Lines, lines: int = 1) -> None:
        """Take lines of an item back."""
        weights = self.counts.get(name)
        if weights is None:
            return
        of = of.since(self.epoch)
        weights[0] = max(weights[0] - lines * of.lately, 0)
        weights[of.part] = max(weights[of.part] - lines * of.season, 0)
        if not any(weights):
            del self.counts[name]

    def of(self, names: Iterable[str]) -> list[Sequence[int]]:
        """The weights of items."""
        get = self.counts.get
        return [get(name, NONE) for name in names]

    @classmethod
    def merged(cls, parts: Sequence[SoldCounts]) -> SoldCounts:
        """The sum of what several partitions have counted."""
        epoch = max((part.epoch for part in parts), default=0)
        merged = cls(epoch)
        for part in parts:
            units = units_at(part.epoch, epoch).tolist()
            for name, of in part.counts.items():
                known = merged.counts.get(name, NONE)
                merged.counts[name] = [
                    one + round(more * unit) for one, more, unit in zip(known, of, units, strict=True)
                ]
        return merged

    def _begin(self, of: Lines) -> Lines:
        """Let the epoch be that of the lines, unless they are late."""
        if of.epoch < self.epoch:
            return of.since(self.epoch)
        half_lives = (of.epoch - self.epoch) // HALF_LIFE_H
        self.epoch = of.epoch
        for weights in self.counts.values():
            weights[:] = [weights[0] >> FASTER * half_lives, *(weight >> half_lives for weight in weights[1:])]
        return of


@lru_cache(_HOURS)
def part_of_day(hour: int, zone: str = "") -> int:
    """In which part of the day an hour since 1970 begins, from 0: by the clock of a time zone; empty: UTC.

    >>> part_of_day(15), part_of_day(15, "Asia/Tokyo")
    (3, 0)
    """
    if not zone:
        return hour % 24 // _PART_H
    return datetime.fromtimestamp(hour * _HOUR_S, UTC).astimezone(ZoneInfo(zone)).hour // _PART_H


def units_at(epoch: int | Floats, hour: int) -> Floats:
    """By what weights as of an epoch are multiplied, (NUMBERS,), to be those as of an hour.

    Of epochs (n, 1): (n, NUMBERS).
    """
    speeds = np.array([FASTER, *[1] * (NUMBERS - 1)])
    return np.asarray(np.exp2(speeds * ((epoch - hour) / HALF_LIFE_H)), np.float64)


def times_of_day(sold: SoldCounts) -> Floats:
    """Shares of all lines by the part of the day; alike while nothing is known."""
    total = np.sum([of[1:] for of in sold.counts.values()] or [[1] * (NUMBERS - 1)], 0, np.float64)
    return np.asarray(total / total.sum(), np.float64)


def sold_of(weights: Floats, part: int, times: Floats) -> Sold:
    """Of items with ``weights`` as of an hour, (n, NUMBERS), in a part of the day as `part_of_day`.

    ``times``: of all items, as `times_of_day`.
    """
    lines = weights / ONE
    season, usual = lines[:, 1:].sum(1), times[part]
    share = (lines[:, 1 + part] + _SHRINKAGE * usual) / (season + _SHRINKAGE)
    return Sold(lines[:, 0], season, share / (usual + _RARE) + _NEVER)
