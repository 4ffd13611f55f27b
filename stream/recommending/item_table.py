"""What is counted of items, in arrays, while orders change it: `ItemShard` is how it is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Final, NamedTuple

import numpy as np

from stream.recommending.fading import HALF_LIFE_H, MOVES_AFTER, ONE, SLACK, STAY, FadingCounts, weight_at
from stream.recommending.follower_rows import Floats, Ids, item_id
from stream.recommending.item_shards import SHARDS, ItemShard, shard_of
from stream.recommending.sold_counts import FASTER, NONE, NUMBERS, Lines, SoldCounts, units_at

__all__ = ["ItemTable"]

#: Items for which there is room at first, beside those that are stored.
_ROOM: Final = 256
#: A larger shift leaves nothing of a weight.
_ALL_BITS: Final = 62
_MAX_WEIGHT: Final = 2**62
_NOWHERE: Final = -1
#: After so many hours an epoch moves on.
_WEIGHED_H: Final = MOVES_AFTER * HALF_LIFE_H


class Met(NamedTuple):
    """Where items stand that were bought for the first time, (n,); which are ``gone``, as there were too many."""

    places: Ids
    gone: Sequence[str]


class ItemTable:
    """Each item has a place, in the order in which they came. At most ``keep`` of a part stay, twice as many at times.

    Parts change as their `FadingCounts` and `SoldCounts` would, counting one item after the other.
    """

    def __init__(self, shards: Mapping[int, ItemShard], keep: int) -> None:
        self._keep = keep
        counted = {number: shard for number, shard in shards.items() if shard.counts.counts}
        self._names = [*chain.from_iterable(shard.counts.counts for shard in counted.values())]
        self._places = {name: place for place, name in enumerate(self._names)}
        self._categories: list[str | None] = [
            shard.categories.get(name) for shard in counted.values() for name in shard.counts.counts
        ]
        self._by_id: dict[int, str] | None = None
        #: By place; the last place is that of all items that are not counted.
        self._customers: Ids = np.zeros(len(self._names) + _ROOM, np.int64)
        self._sold: Ids = np.zeros((len(self._customers), NUMBERS), np.int64)
        self._is_sold = np.zeros(len(self._customers), np.bool_)
        self._part_of: Ids = np.full(len(self._customers), SHARDS, np.int64)
        #: What was asked for: `item_id`, 0 where it was not yet; where the row of followers is, -1 where it was not.
        self._ids: Ids = np.zeros(len(self._customers), np.int64)
        self._slots: Ids = np.full(len(self._customers), _NOWHERE, np.int64)
        self._load(counted)
        #: Of each part, and of what is in none: how many items it has, its epochs, and its floor.
        self._sizes, self._epochs, self._floors, self._sold_epochs = np.zeros((4, SHARDS + 1), np.int64)
        self._sold_epochs[SHARDS] = _NOWHERE
        for number, shard in shards.items():
            self._sizes[number] = len(shard.counts.counts)
            self._epochs[number], self._floors[number] = shard.counts.epoch, shard.counts.floor
            self._sold_epochs[number] = shard.sold.epoch
        #: There were more than may be: the setting was larger.
        self._is_over = bool((self._sizes > SLACK * keep).any())
        self._is_changed = np.zeros(SHARDS + 1, np.bool_)

    def _load(self, counted: Mapping[int, ItemShard]) -> None:
        size = len(self._names)
        weights = chain.from_iterable(shard.counts.counts.values() for shard in counted.values())
        sold = [shard.sold.counts.get(name) for shard in counted.values() for name in shard.counts.counts]
        numbers = chain.from_iterable(NONE if of is None else of for of in sold)
        self._customers[:size] = np.fromiter(weights, np.int64, size)
        self._sold[:size] = np.fromiter(numbers, np.int64, size * NUMBERS).reshape(size, NUMBERS)
        self._is_sold[:size] = [of is not None for of in sold]
        self._part_of[:size] = np.repeat([*counted], [len(shard.counts.counts) for shard in counted.values()])

    def __contains__(self, name: str) -> bool:
        """Whether an item is counted."""
        return name in self._places

    @property
    def changed(self) -> list[int]:
        """The numbers of the parts of items that were bought or returned."""
        return [*map(int, np.flatnonzero(self._is_changed[:SHARDS]))]

    def shards(self, numbers: Iterable[int]) -> dict[int, ItemShard]:
        """Parts as they are stored."""
        part_of = self._part_of[: len(self._names)]
        in_order = np.argsort(part_of, kind="stable")
        ends = np.cumsum(self._sizes[:SHARDS]).tolist()
        begins = [0, *ends]
        return {number: self._shard(number, in_order[begins[number] : ends[number]]) for number in numbers}

    def _shard(self, number: int, places: Ids) -> ItemShard:
        at = places.tolist()
        names, categories = [self._names[place] for place in at], [self._categories[place] for place in at]
        sold = zip(names, self._sold[places].tolist(), self._is_sold[places].tolist(), strict=True)
        epoch, floor, sold_epoch = (int(of[number]) for of in (self._epochs, self._floors, self._sold_epochs))
        return ItemShard(
            FadingCounts(epoch, floor, dict(zip(names, self._customers[places].tolist(), strict=True))),
            {name: of for name, of in zip(names, categories, strict=True) if of is not None},
            SoldCounts(sold_epoch, {name: of for name, of, is_sold in sold if is_sold}),
        )

    def customers(self, places: Ids, hour: int) -> Floats:
        """Who bought each lately, (n,), as of an hour; 0 of what is not counted."""
        epochs = self._epochs[self._part_of[places]].astype(np.float64)
        lately: Floats = self._customers[places].astype(np.float64) * np.exp2((epochs - hour) / HALF_LIFE_H) / ONE
        return lately

    def sold(self, places: Ids, hour: int) -> Floats:
        """Weights of what is sold of each as of an hour, (n, NUMBERS)."""
        epochs = self._sold_epochs[self._part_of[places]].astype(np.float64)
        weights: Floats = self._sold[places] * units_at(epochs[:, None], hour)
        return weights

    def categories(self, places: Ids) -> list[str | None]:
        """Of what category each is, None if it is not known."""
        categories, unknown = self._categories, len(self._names)
        return [categories[place] if place < unknown else None for place in places.tolist()]

    def names_of(self, ids: Iterable[int]) -> list[str | None]:
        """The names of items by `item_id`; None of what is not counted."""
        if self._by_id is None:
            self._by_id = {item_id(name): name for name in self._places}
        return [*map(self._by_id.get, ids)]

    def places(self, names: Iterable[str]) -> Ids:
        """Where items stand, (n,); all that are not counted have the last place."""
        get, unknown = self._places.get, len(self._customers) - 1
        return np.array([get(name, unknown) for name in names], np.int64)

    def ids(self, names: Sequence[str], places: Ids) -> Ids:
        """`item_id` of items, (n,); ``places``: where they stand."""
        found = self._ids[places]
        for k in np.flatnonzero(found == 0).tolist():
            found[k] = self._ids[places[k]] = item_id(names[k])
        self._ids[-1] = 0
        return found

    def slots(self, places: Ids, slot_of: Callable[[str], int]) -> Ids:
        """Where the rows of those that are counted are; ``slot_of``: of an item that was not asked for."""
        found = self._slots[places]
        if found.min(initial=0) == _NOWHERE:
            for place in places[found == _NOWHERE].tolist():
                if self._part_of[place] < SHARDS:
                    self._slots[place] = slot_of(self._names[place])
            found = self._slots[places]
            found = found[found != _NOWHERE]
        return found

    def meet(self, categories: Mapping[str, str | None], hour: int) -> Met:
        """A customer buys these items for the first time, at an hour."""
        new = [name for name in categories if name not in self._places]
        if self._is_over or any(self._sizes[shard_of(name)] + len(new) > SLACK * self._keep for name in new):
            # what is cut depends on what was counted before it
            gone = [one for name, of in categories.items() for one in self._meet({name: of}, [name], hour).gone]
            return Met(self.places(categories), gone)
        return self._meet(categories, new, hour)

    def _meet(self, categories: Mapping[str, str | None], new: Sequence[str], hour: int) -> Met:
        for name in new:
            if name not in self._places:
                self._begin(name, hour)
        places = self.places(categories)
        for place, category in zip(places.tolist(), categories.values(), strict=True):
            if category is not None:
                self._categories[place] = category
        parts = self._part_of[places]
        weights = _weights_at(hour - self._epochs[parts])
        if weights is None:
            self._move(parts, hour)
            weights = np.array([weight_at(hour, epoch) for epoch in self._epochs[parts].tolist()], np.int64)
        self._customers[places] += weights
        self._is_changed[parts] = True
        may_be_full = parts.tolist() if new or self._is_over else ()
        full = [part for part in may_be_full if self._sizes[part] > SLACK * self._keep]
        return Met(places, [name for part in full for name in self._cut(part)])

    def sell(self, names: Sequence[str], places: Ids, lines: Lines) -> None:
        """Count a line of each item that is counted; ``places``: where they stand."""
        parts = self._part_of[places]
        self._is_changed[parts] = True
        epochs = self._sold_epochs[parts]
        if (epochs != lines.epoch).any():
            self._is_changed[[*map(shard_of, names)]] = True
            places = self._sell_late(places[parts < SHARDS], lines)
        self._sold[places, 0] += lines.lately
        self._sold[places, lines.part] += lines.season
        self._is_sold[places] = True

    def _sell_late(self, places: Ids, lines: Lines) -> Ids:
        """Let epochs begin, and count lines that are late for them; returns where those stand that are not."""
        parts = self._part_of[places]
        for part in {*parts[self._sold_epochs[parts] < lines.epoch].tolist()}:
            self._begin_selling(part, lines.epoch)
        late = self._sold_epochs[parts] > lines.epoch
        for place, part in zip(places[late].tolist(), parts[late].tolist(), strict=True):
            since = lines.since(int(self._sold_epochs[part]))
            self._sold[place, [0, since.part]] += [since.lately, since.season]
        self._is_sold[places[late]] = True
        return places[~late]

    def lose_row(self, name: str) -> None:
        """The row of an item is gone."""
        self._slots[self._places.get(name, -1)] = _NOWHERE

    def take_back(self, name: str, hour: int) -> bool:
        """A customer has not bought an item at an hour; whether nobody has now, so that it is not counted any more."""
        part, place = shard_of(name), self._places.get(name)
        self._is_changed[part] = True
        if place is None:
            return True
        weight = min(weight_at(hour, int(self._epochs[part])), _MAX_WEIGHT)
        if weight >= self._customers[place]:
            self._forget(name)
            return True
        self._customers[place] -= weight
        return False

    def return_line(self, name: str, lines: Lines) -> None:
        """Take a line of an item back."""
        part, place = shard_of(name), self._places.get(name)
        self._is_changed[part] = True
        if place is None or not self._is_sold[place]:
            return
        lines = lines.since(int(self._sold_epochs[part]))
        of = self._sold[place]
        of[0], of[lines.part] = max(of[0] - lines.lately, 0), max(of[lines.part] - lines.season, 0)
        self._is_sold[place] = of.any()

    def _begin(self, name: str, hour: int) -> None:
        place, part = len(self._names), shard_of(name)
        if place + 1 == len(self._customers):
            self._grow()
        self._places[name] = place
        self._names.append(name)
        self._categories.append(None)
        if self._by_id is not None:
            self._by_id[item_id(name)] = name
        self._part_of[place] = part
        if not self._sizes[part]:
            self._epochs[part] = hour
        self._sizes[part] += 1

    def _grow(self) -> None:
        more = len(self._customers)
        self._customers, self._ids = (np.concatenate([of, [0] * more]) for of in (self._customers, self._ids))
        self._sold = np.concatenate([self._sold, np.zeros((more, NUMBERS), np.int64)])
        self._is_sold = np.concatenate([self._is_sold, np.zeros(more, np.bool_)])
        self._part_of = np.concatenate([self._part_of, np.full(more, SHARDS, np.int64)])
        self._slots = np.concatenate([self._slots, np.full(more, _NOWHERE, np.int64)])

    def _move(self, parts: Ids, hour: int) -> None:
        """Let the epochs of parts be such that a count at an hour is no large number."""
        for part in {*parts[hour - self._epochs[parts] >= _WEIGHED_H].tolist()}:
            half_lives = (hour - int(self._epochs[part])) // HALF_LIFE_H - STAY
            self._epochs[part] += half_lives * HALF_LIFE_H
            self._floors[part] >>= min(half_lives, _ALL_BITS)
            self._customers[self._part_of == part] >>= min(half_lives, _ALL_BITS)

    def _begin_selling(self, part: int, epoch: int) -> None:
        half_lives = (epoch - int(self._sold_epochs[part])) // HALF_LIFE_H
        self._sold_epochs[part] = epoch
        own = self._part_of == part
        self._sold[own, 0] >>= min(FASTER * half_lives, _ALL_BITS)
        self._sold[own, 1:] >>= min(half_lives, _ALL_BITS)

    def _cut(self, part: int) -> list[str]:
        own = np.flatnonzero(self._part_of == part)
        gone = own[np.argsort(self._customers[own], kind="stable")][: -self._keep].tolist()
        self._floors[part] += self._customers[gone[-1]]
        names = [self._names[place] for place in gone]
        for name in names:
            self._forget(name)
        return names

    def _forget(self, name: str) -> None:
        place = self._places.pop(name)
        if self._by_id is not None:
            self._by_id.pop(item_id(name), None)
        self._sizes[self._part_of[place]] -= 1
        self._part_of[place], self._slots[place] = SHARDS, _NOWHERE
        self._customers[place], self._sold[place], self._is_sold[place] = 0, 0, False
        self._categories[place] = None


def _weights_at(ages: Ids) -> Ids | None:
    """What counts weigh so many hours after an epoch; None if one is before it, or so late that the epoch moves."""
    # as numbers without a sign, those below zero are large
    return None if (ages.view(np.uint64) >= _WEIGHED_H).any() else _weights()[ages]


@cache
def _weights() -> Ids:
    return np.array([weight_at(age, 0) for age in range(_WEIGHED_H)], np.int64)
