"""Texts of customers: masked, kept for a time, independent of the order, erased."""

from collections.abc import Sequence
from random import Random

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.projections.folding import FoldingPartition, Part, Topics
from stream.projections.texts import MAX_TEXTS, PERIODS, Text, Texts, Written, keys_of
from stream.settings import Settings
from tests.oracle.record import Record

DAY_MS = 86_400_000
NOW_MS = 1_767_225_600_000
SETTINGS = Settings(text_keep_days=80)


def record(number: int, text: str | None, *, day: float = 0, customer: str = "a", **said: object) -> Record:
    body = {
        "event_id": f"e{number}",
        "customer_id": customer,
        "occurred_at": (NOW_MS + day * DAY_MS) / 1000,
        "name": "reviewed",
        "text": text,
        **said,
    }
    body = {name: value for name, value in body.items() if value is not None}
    return Record(customer.encode(), orjson.dumps(body), offset=number, timestamp=NOW_MS + 3000 * DAY_MS)


def written(records: Sequence[Record]) -> dict[str, Written]:
    partition = FoldingPartition(Texts(SETTINGS), 0, Topics("dead-letters", "alerts"), 0)
    missing = partition.read([Part(0, records, len(records))])
    partition.remember(missing, [None] * len(missing))
    states = partition.step(0).written
    return {key: msgspec.json.decode(state, type=Written) for key, state in states.items()}


def texts(records: Sequence[Record]) -> list[Text]:
    return [text for state in written(records).values() for text in state.texts]


def test_what_is_stored_has_no_personal_data() -> None:
    (found,) = texts([record(0, " mail eva@example.com, card 4111 1111 1111 1111 ", scale="stars", value=2)])
    assert found.text == "mail [email], card [card]"
    assert found.stars == 2
    (other,) = texts([record(0, "fine", name="rated", scale="nps", value=9)])
    assert other.stars is None


def test_an_event_without_a_text_leaves_nothing() -> None:
    assert written([record(0, None), record(1, "  ")]) == {}


def test_a_text_that_is_sent_twice_is_kept_once() -> None:
    assert len(texts([record(0, "fine"), record(0, "fine")])) == 1


@given(st.lists(st.tuples(st.integers(0, 79), st.sampled_from(["good", "bad"])), max_size=20), st.randoms())
def test_the_order_of_the_events_does_not_matter(said: list[tuple[int, str]], chance: Random) -> None:
    records = [record(k, text, day=day) for k, (day, text) in enumerate(said)]
    shuffled = chance.sample(records, len(records))
    first = written(records)
    assert first == written(shuffled)
    # a window as long as the time of keeping begins within a period: its oldest period may have left
    kept = {text.id for state in first.values() for text in state.texts}
    newest = max((day for day, _ in said), default=0)
    assert sum(newest - day < 70 for day, _ in said) <= len(kept) <= len(said)


def test_a_period_takes_the_place_of_the_one_before_it_and_never_the_other_way() -> None:
    period = 80 / PERIODS
    new, old = record(1, "new", day=period * PERIODS), record(0, "old", day=0)
    assert [text.text for text in texts([old, new])] == ["new"] == [text.text for text in texts([new, old])]


def test_a_state_expires_before_its_oldest_text_is_too_old() -> None:
    keep_s, period_s = 80 * 86_400, 80 * 86_400 // PERIODS
    # the last write of a period is at its end, the oldest text at its beginning
    assert Texts(SETTINGS).keep_s + period_s <= keep_s


def test_the_texts_of_a_period_are_bounded() -> None:
    found = texts([record(k, f"text {k}", day=k / 1e4) for k in range(MAX_TEXTS + 5)])
    assert [text.text for text in found] == [f"text {k}" for k in range(5, MAX_TEXTS + 5)]


@pytest.mark.parametrize("customer", ["a", "1_a", "c-1"])
def test_erasing_names_every_state_of_the_customer_and_of_nobody_else(customer: str) -> None:
    said = [record(k, "x", day=10 * k, customer=customer) for k in range(PERIODS)]
    others = [record(100 + k, "x", day=10 * k, customer="b") for k in range(PERIODS)]
    mine, all_states = written(said), written(said + others)
    assert set(mine) == set(keys_of(customer)) == set(Texts(SETTINGS).erase(customer))
    assert set(all_states) - set(mine) == set(keys_of("b"))
