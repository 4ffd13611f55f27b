"""States in memory are bounded by what they take, and those seen last stay."""

from hypothesis import given
from hypothesis import strategies as st

from stream.projections.state_cache import ENTRY_BYTES, StateCache
from tests.projections.adding import Adding

_KEYS = ("a", "b", "c", "d")
_STATES = st.dictionaries(st.sampled_from(_KEYS), st.binary(min_size=1, max_size=60))


def test_a_large_state_takes_the_room_of_many_small_ones() -> None:
    cache = StateCache(Adding(), max_bytes=4 * (ENTRY_BYTES + 10))
    cache.accept(dict.fromkeys(("a", "b", "c", "d"), b"x" * 10), ())
    assert len(cache) == 4
    cache.accept({"a": b"x" * (ENTRY_BYTES + 20)}, ())
    assert cache.missing(_KEYS) == ["b"]
    assert cache.get("a") == b"x" * (ENTRY_BYTES + 20)


@given(st.lists(st.tuples(_STATES, _STATES, st.sets(st.sampled_from(_KEYS)))), st.integers(0, 1200))
def test_after_each_step_what_is_there_fits_and_is_what_was_stored_last(
    steps: list[tuple[dict[str, bytes], dict[str, bytes], set[str]]], max_bytes: int
) -> None:
    cache, stored = StateCache(Adding(), max_bytes), dict[str, bytes]()
    for read, written, forgotten in steps:
        missing = cache.missing(read)
        cache.remember(missing, [stored.get(key) for key in missing])
        gone = forgotten - written.keys()
        cache.accept(written, gone)
        stored = {key: state for key, state in (stored | written).items() if key not in gone}
        here = {key: cache.get(key) for key in _KEYS if not cache.missing([key])}
        assert here == {key: stored.get(key) for key in here}
        assert sum(ENTRY_BYTES + len(state or b"") for state in here.values()) <= max_bytes
        # the last one written is there if it fits
        if written and not gone and ENTRY_BYTES + len([*written.values()][-1]) <= max_bytes:
            assert [*written][-1] in here
