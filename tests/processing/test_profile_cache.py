"""What is in memory between steps, and how much it may take."""

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream.processing.profile_cache import ENTRY_BYTES, NO_TIMER, UNKNOWN_TIMER, ProfileCache

PROFILES = st.dictionaries(st.sampled_from("abcdef"), st.binary(max_size=900), max_size=4)
ACTIONS = st.tuples(st.sampled_from(["accept", "read", "drop", "idle", "clear"]), PROFILES, st.integers(0, 9))
NAMES = [*"abcdef"]


def due_of(cache: ProfileCache, customer: str) -> int:
    return int(cache.due_at(cache.rows_of([customer]))[0])


def accept(cache: ProfileCache, packed: dict[str, bytes], due: int) -> None:
    cache.put(new := cache.missing(packed), [None] * len(new))
    cache.accept(packed, cache.rows_of([*packed]), np.full(len(packed), due), [])


@given(st.lists(ACTIONS))
def test_it_holds_what_a_dict_of_profiles_and_one_of_timers_hold(
    plan: list[tuple[str, dict[str, bytes], int]],
) -> None:
    cache = ProfileCache(1 << 40)
    profiles: dict[str, bytes | None] = {}
    timers: dict[str, int] = {}
    for action, packed, due in plan:
        if action == "accept":
            accept(cache, packed, due)
            profiles |= packed
            timers |= dict.fromkeys(packed, due)
        elif action == "read":
            read = [one or None for one in packed.values()]
            cache.put([*packed], read)
            profiles |= dict(zip(packed, read, strict=True))
        elif action == "drop":
            for customer in packed:
                cache.drop(customer)
                profiles.pop(customer, None)
                timers.pop(customer, None)
        elif action == "idle":
            cache.accept({}, np.zeros(0, np.int64), np.zeros(0, np.int64), packed)
            timers |= {customer: NO_TIMER for customer in packed if customer in profiles}
        else:
            cache.clear()
            profiles, timers = {}, {}
        assert len(cache) == len(profiles)
        assert cache.missing(NAMES * 2) == [name for name in NAMES if name not in profiles]
        held = [name for name in NAMES if name in cache]
        rows = cache.rows_of(held)
        assert dict(zip(held, cache.packed_at(rows), strict=True)) == profiles
        assert [cache.get(name) for name in NAMES] == [profiles.get(name) for name in NAMES]
        assert cache.due_at(rows).tolist() == [timers.get(name, UNKNOWN_TIMER) for name in held]


@given(st.lists(ACTIONS), st.integers(0, 4000))
def test_after_each_step_it_is_below_the_bound(plan: list[tuple[str, dict[str, bytes], int]], bound: int) -> None:
    cache = ProfileCache(bound)
    for action, packed, due in plan:
        if action == "accept":
            accept(cache, packed, due)
            assert cache.size_bytes <= bound
            assert bound < ENTRY_BYTES + 900 or not packed or len(cache)
        else:
            cache.put([*packed], [*packed.values()])


def test_its_size_is_close_to_that_of_profiles_that_grow_and_differ() -> None:
    bound, chance = 4_000_000, random.Random(1)
    cache = ProfileCache(bound)
    names = [f"c{number}" for number in range(20_000)]
    for step in range(300):
        customers = {chance.choice(names) for _ in range(200)}
        accept(cache, {one: bytes(chance.randrange(50, 300 + 2 * step)) for one in customers}, 7)
    held = [name for name in names if name in cache]
    size = sum(ENTRY_BYTES + len(packed or b"") for packed in cache.packed_at(cache.rows_of(held)))
    assert len(held) == len(cache) > 4_000
    assert 0.9 * bound < size < 1.1 * bound


def test_who_was_seen_longest_ago_goes_first_with_what_is_known_of_their_timer() -> None:
    cache = ProfileCache(2 * (ENTRY_BYTES + 10))
    accept(cache, {"ada": b"0123456789", "bob": b"0123456789"}, 5)
    accept(cache, {"ada": b"012345678"}, NO_TIMER + 1)
    accept(cache, {"cleo": b"0123456789"}, 8)
    assert [name for name in ("ada", "bob", "cleo") if name in cache] == ["ada", "cleo"]
    assert (due_of(cache, "ada"), due_of(cache, "cleo")) == (NO_TIMER, 8)
    cache.put(["bob"], [b"0123456789"])
    assert due_of(cache, "bob") == UNKNOWN_TIMER


@given(st.sets(st.sampled_from(NAMES)), st.sets(st.sampled_from("xyz")))
def test_a_step_does_not_touch_who_came_while_others_were_dropped(dropped: set[str], came: set[str]) -> None:
    cache = ProfileCache(1 << 40)
    cache.put(NAMES, [b"old"] * len(NAMES))
    rows = cache.rows_of(NAMES)
    for customer in dropped:
        cache.drop(customer)
    cache.put([*came], [b"came"] * len(came))
    cache.accept(dict.fromkeys(NAMES, b"new"), rows, np.full(len(NAMES), 5), [])
    assert {name: cache.get(name) for name in NAMES} == {n: None if n in dropped else b"new" for n in NAMES}
    assert [cache.get(name) for name in came] == [b"came"] * len(came)
    cache.put([*dropped], [b"again"] * len(dropped))
    assert [cache.get(name) for name in dropped] == [b"again"] * len(dropped)
    assert len(cache) == len(NAMES) + len(came)


def test_with_many_customers_those_of_the_latest_steps_stay() -> None:
    cache = ProfileCache(1000 * (ENTRY_BYTES + 10))
    for step in range(100):
        accept(cache, {f"{step}-{number}": b"0123456789" for number in range(50)}, step)
    kept = [step for step in range(100) if f"{step}-0" in cache]
    assert kept == [*range(kept[0], 100)]
    assert 900 <= len(cache) <= 1000
