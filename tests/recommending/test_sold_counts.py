"""What sells now: weights of lines lately, over a season, and by the time of the day."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.recommending.fading import HALF_LIFE_H, ONE
from stream.recommending.item_index import ItemIndex
from stream.recommending.item_shards import ItemShard
from stream.recommending.sold_counts import (
    FASTER,
    NUMBERS,
    Lines,
    SoldCounts,
    part_of_day,
    sold_of,
    times_of_day,
    units_at,
)

YEAR_H = 366 * 24
Told = list[tuple[str, int, int]]
told = st.lists(st.tuples(st.sampled_from(["tea", "fig"]), st.integers(0, YEAR_H), st.integers(1, 5)), max_size=30)


def sold(counts: SoldCounts, name: str, hour: int) -> list[list[float]]:
    weights = np.array(counts.of([name]), np.float64) * units_at(counts.epoch, hour)
    return [of.tolist() for of in sold_of(weights, part_of_day(hour), times_of_day(counts))]


@given(told)
def test_lines_lose_half_of_their_weight_in_fifteen_and_in_sixty_days(lines: Told) -> None:
    counts = SoldCounts()
    for name, hour, many in sorted(lines, key=lambda one: one[1]):
        counts.count(name, Lines.at(hour), many)
    for name in ("tea", "fig"):
        found = sold(counts, name, YEAR_H)
        for speed, (of,) in zip((FASTER, 1), found[:2], strict=True):
            weights = [
                many * 0.5 ** (speed * (YEAR_H - hour) / HALF_LIFE_H) for one, hour, many in lines if one == name
            ]
            # a late line counts at least 1/1024 as of the epoch, and each move of it rounds
            assert of == pytest.approx(sum(weights), rel=0.01, abs=0.2)


@given(told, told)
def test_what_is_taken_back_was_never_counted(kept: Told, gone: Told) -> None:
    counts, wanted = SoldCounts(), SoldCounts()
    for of in (counts, wanted):
        of.count("milk", Lines.at(0))
    for name, hour, many in kept:
        # no later than an epoch lasts, so nothing is rounded
        counts.count(name, Lines.at(hour % HALF_LIFE_H), many)
        wanted.count(name, Lines.at(hour % HALF_LIFE_H), many)
    for name, hour, many in gone:
        counts.count(name, Lines.at(hour % HALF_LIFE_H), many)
    for name, hour, many in gone:
        counts.take_back(name, Lines.at(hour % HALF_LIFE_H), many)
    assert counts == wanted


@given(st.lists(told, min_size=1, max_size=4))
def test_parts_add_up_to_what_one_would_have_counted(parts: list[Told]) -> None:
    counted, whole = [SoldCounts() for _ in parts], SoldCounts()
    for lines, of in zip(parts, counted, strict=True):
        for name, hour, many in sorted(lines, key=lambda one: one[1]):
            of.count(name, Lines.at(hour), many)
    for name, hour, many in sorted((one for lines in parts for one in lines), key=lambda one: one[1]):
        whole.count(name, Lines.at(hour), many)
    merged = SoldCounts.merged(counted)
    for name in ("tea", "fig"):
        for found, wanted in zip(sold(merged, name, YEAR_H)[:2], sold(whole, name, YEAR_H)[:2], strict=True):
            assert found == pytest.approx(wanted, rel=0.02, abs=0.3)


def test_what_is_bought_in_the_morning_is_timely_in_the_morning() -> None:
    counts = SoldCounts()
    for day in range(40):
        counts.count("rolls", Lines.at(day * 24 + 8))
        counts.count("wine", Lines.at(day * 24 + 19))
    morning, evening = ({name: sold(counts, name, 960 + hour)[2][0] for name in ("rolls", "wine")} for hour in (9, 17))
    assert morning["rolls"] > 3 * morning["wine"]
    assert evening["wine"] > 3 * evening["rolls"]
    # of which nothing is known is sold when all is
    assert sold(counts, "tea", 969)[2][0] == pytest.approx(1.0, abs=0.02)


def test_an_index_tells_of_all_items_what_their_parts_do() -> None:
    random = np.random.default_rng(1)
    shards = [ItemShard() for _ in range(3)]
    for number in range(200):
        of, name, hour = shards[number % 3], f"i{number % 3}/{random.integers(9)}", int(random.integers(2000))
        of.counts.count([name], hour, 50)
        of.sold.count(name, Lines.at(hour))
    index = ItemIndex.of(shards)
    for shard in shards:
        for name in shard.counts.counts:
            weights = index.weights[index.places[name]]
            assert weights[0] / ONE * 0.5 ** ((3000 - index.epoch) / HALF_LIFE_H) == pytest.approx(
                shard.counts.weight(name, 3000)
            )
            assert weights[1:] * units_at(index.epoch, 3000) == pytest.approx(
                np.array(shard.sold.of([name])[0], np.float64) * units_at(shard.sold.epoch, 3000)
            )
    assert index.weights[index.places_of(["unknown"])[0]].tolist() == [0.0] * (1 + NUMBERS)
