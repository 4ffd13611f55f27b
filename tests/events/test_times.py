"""Instants and milliseconds since the epoch are the same thing."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from stream.events.times import epoch_ms, instant, rfc3339

YEAR_1_MS, YEAR_9999_MS = -62_135_596_800_000, 253_402_300_799_999


@given(st.integers(YEAR_1_MS, YEAR_9999_MS))
def test_milliseconds_survive_the_way_to_an_instant_and_back(at_ms: int) -> None:
    assert epoch_ms(instant(at_ms)) == at_ms
    assert epoch_ms(datetime.fromisoformat(rfc3339(at_ms))) == at_ms


@given(st.integers(0, 2**42))
def test_milliseconds_survive_as_seconds(at_ms: int) -> None:
    assert epoch_ms(at_ms / 1000) == at_ms
