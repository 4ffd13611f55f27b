"""What is in memory between steps, and how much it may take."""

import random

from hypothesis import given
from hypothesis import strategies as st

from stream.processing.profile_cache import ENTRY_BYTES, ProfileCache
from stream.processing.step_outcome import NO_TIMER

PROFILES = st.dictionaries(st.sampled_from("abcdef"), st.binary(max_size=900), max_size=4)


def size_of(cache: ProfileCache) -> int:
    return sum(ENTRY_BYTES + len(packed or b"") for packed in cache.values())


@given(st.lists(st.tuples(st.sampled_from(["accept", "read", "drop", "clear"]), PROFILES)), st.integers(0, 4000))
def test_after_each_step_it_is_below_the_bound_and_knows_no_timer_of_others(
    plan: list[tuple[str, dict[str, bytes]]], bound: int
) -> None:
    cache = ProfileCache(bound)
    for action, profiles in plan:
        if action == "accept":
            cache.accept(profiles, dict.fromkeys(profiles, 7), [])
            assert cache.size_bytes <= bound
            assert cache.due.keys() <= cache.keys()
            assert bound < ENTRY_BYTES + 900 or not profiles or cache
        elif action == "read":
            for customer, packed in profiles.items():
                cache[customer] = packed or None
        elif action == "drop":
            for customer in profiles:
                cache.drop(customer)
        else:
            cache.clear()


def test_its_size_is_close_to_that_of_profiles_that_grow_and_differ() -> None:
    bound, chance = 4_000_000, random.Random(1)
    cache = ProfileCache(bound)
    for step in range(300):
        customers = {f"c{chance.randrange(20_000)}" for _ in range(200)}
        cache.accept({one: bytes(chance.randrange(50, 300 + 2 * step)) for one in customers}, {}, [])
    assert 0.9 * bound < size_of(cache) < 1.1 * bound


def test_who_was_seen_longest_ago_goes_first_with_what_is_known_of_their_timer() -> None:
    cache = ProfileCache(2 * (ENTRY_BYTES + 10))
    cache.accept({"ada": b"0123456789", "bob": b"0123456789"}, {"ada": 5, "bob": 6}, [])
    cache.accept({"ada": b"012345678"}, {}, ["ada"])
    cache.accept({"cleo": b"0123456789"}, {"cleo": 8}, [])
    assert [*cache] == ["ada", "cleo"]
    assert cache.due == {"ada": NO_TIMER, "cleo": 8}


def test_whose_timer_is_gone_and_who_is_not_kept_is_not_known() -> None:
    cache = ProfileCache(1000)
    cache.accept({}, {}, ["ada"])
    assert cache.due == {}
