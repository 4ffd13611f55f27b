"""Counts that lose half of their weight in a half-life: bounded in number, and whole, so that their order is no matter.

A count at hour t weighs 2^((t - epoch) / half-life): what is older is not touched when something new comes. When the
weights become large, the epoch moves on, and all are halved as often.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

import msgspec

__all__ = ["HALF_LIFE_H", "HOUR_MS", "MOVES_AFTER", "ONE", "SLACK", "STAY", "FadingCounts", "unit_at", "weight_at"]

HOUR_MS: Final = 3_600_000
#: Sixty days: what is of a season fades, what always sells does not.
HALF_LIFE_H: Final = 60 * 24
#: The weight of one count at the epoch.
ONE: Final = 1024
#: Half-lives after which the epoch moves on, and how many of them stay.
MOVES_AFTER: Final = 24
STAY: Final = 8
#: Counts are cut when there are so many times as many as may be kept: a cut costs a sort.
SLACK: Final = 2


class FadingCounts(msgspec.Struct, omit_defaults=True, gc=False):
    """Counts by name. ``epoch``: of the weights, in hours since 1970.

    ``floor``: weight that was cut off: the true weight of a name is larger than what stands here by at most so much
    (the bound of lossy counting; Manku, Motwani, VLDB 2002).

    >>> counts = FadingCounts()
    >>> counts.count(["tea"], 0, 100), counts.count(["tea"], 24 * 60, 100)
    ((), ())
    >>> counts.weight("tea", 24 * 60)
    1.5
    """

    epoch: int = 0
    floor: int = 0
    counts: dict[str, int] = msgspec.field(default_factory=dict)

    def count(self, names: Iterable[str], hour: int, keep: int) -> Sequence[str]:
        """Count each once at an hour; returns the names that are cut off, once there are more than twice ``keep``."""
        counts = self.counts
        if not counts:
            self.epoch = hour
        elif hour - self.epoch >= MOVES_AFTER * HALF_LIFE_H:
            self._move((hour - self.epoch) // HALF_LIFE_H - STAY)
        weight = weight_at(hour, self.epoch)
        for name in names:
            counts[name] = counts.get(name, 0) + weight
        return self._cut(keep) if len(counts) > SLACK * keep else ()

    def take_back(self, names: Iterable[str], hour: int) -> None:
        """Take a count of each at an hour back, unless it was cut off."""
        weight = weight_at(hour, self.epoch)
        for name in names:
            if name in self.counts:
                self.counts[name] -= weight
                if self.counts[name] <= 0:
                    del self.counts[name]

    @classmethod
    def merged(cls, parts: Sequence[FadingCounts]) -> FadingCounts:
        """The sum of what several partitions have counted."""
        epoch = max((part.epoch for part in parts), default=0)
        merged = cls(epoch)
        for part in parts:
            share = math.exp2((part.epoch - epoch) / HALF_LIFE_H)
            merged.floor += round(part.floor * share)
            for name, weight in part.counts.items():
                merged.counts[name] = merged.counts.get(name, 0) + round(weight * share)
        return merged

    def unit(self, hour: int) -> float:
        """By what weights are multiplied to be counts at an hour."""
        return unit_at(self.epoch, hour)

    def weight(self, name: str, hour: int) -> float:
        """What the counts of a name are worth at an hour."""
        found = self.counts.get(name)
        return 0.0 if found is None else found * self.unit(hour)

    def _move(self, half_lives: int) -> None:
        self.epoch += half_lives * HALF_LIFE_H
        self.floor >>= half_lives
        for name in self.counts:
            self.counts[name] >>= half_lives

    def _cut(self, keep: int) -> Sequence[str]:
        counts = self.counts
        gone = sorted(counts, key=counts.__getitem__)[:-keep]
        self.floor += counts[gone[-1]]
        for name in gone:
            del counts[name]
        return gone


def unit_at(epoch: int, hour: int) -> float:
    """By what weights as of an epoch are multiplied to be counts at an hour."""
    return math.exp2((epoch - hour) / HALF_LIFE_H) / ONE


def weight_at(hour: int, epoch: int) -> int:
    """What a count at an hour weighs."""
    return _weight_after(hour - epoch)


@lru_cache(MOVES_AFTER * HALF_LIFE_H)
def _weight_after(hours: int) -> int:
    return max(round(ONE * math.exp2(hours / HALF_LIFE_H)), 1)
