"""Texts of customers: masked, kept for a time, independent of the order, erased."""

from collections.abc import Sequence
from random import Random

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.projections.texts import MAX_TEXTS, PERIODS, Text, Texts, Written, keys_of
from stream.settings import Settings
from stream.texts.text_records import KEY, FeedbackText
from tests.oracle.record import Record
from tests.projections.stepping import SteppedPartition, part_of

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
    states = SteppedPartition(Texts(SETTINGS), cache=0).step(part_of(0, records)).written
    return {key: msgspec.json.decode(state, type=Written) for key, state in states.items()}


def texts(records: Sequence[Record]) -> list[Text]:
    return [text for state in written(records).values() for text in state.texts]


def test_stored_texts_have_no_personal_data() -> None:
    (found,) = texts([record(0, " mail eva@example.com, card 4111 1111 1111 1111 ", scale="stars", value=2)])
    assert found.text == "mail [email], card [card]"
    assert found.mood == "negative"
    (other,) = texts([record(0, "fine")])
    assert other.mood is None


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


def test_a_period_replaces_the_previous_one_and_never_the_reverse() -> None:
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
    assert set(mine) < set(keys_of(customer)) == set(Texts(SETTINGS).erase(customer))
    assert set(all_states) - set(mine) == set(keys_of("b")) - {"labels/b"}


def labelled(number: int, event_id: str, category: str) -> Record:
    action = {"action_id": f"a{number}", "customer_id": "a", "action": "labelled", "event_id": event_id}
    body = {**action, "category": category, "occurred_at": NOW_MS / 1000}
    return Record(b"a", orjson.dumps(body), offset=number, timestamp=NOW_MS)


FEEDBACK, REPLIES, ACTIONS = 0, 2, 3


def published(parts: Sequence[tuple[int, Sequence[Record]]]) -> list[FeedbackText]:
    """What is published when inputs are read one part after the other."""
    stepped = SteppedPartition(Texts(SETTINGS), cache=0)
    outgoing = [one for part in parts for one in stepped.step(part_of(*part)).outgoing]
    assert {(one.topic, one.key) for one in outgoing} <= {(SETTINGS.feedback_texts, KEY.encode())}
    return [msgspec.json.decode(one.value or b"", type=FeedbackText) for one in outgoing]


def test_a_text_is_published_once_and_again_with_its_category() -> None:
    text = record(0, "where is it, ann@example.com", name="complained")
    found = published([(FEEDBACK, [text, text]), (ACTIONS, [labelled(0, "e0", "delivery")] * 2)])
    assert [(one.text_id, one.text, one.mood, one.category) for one in found] == [
        ("e0", "where is it, [email]", "negative", None),
        ("e0", "where is it, [email]", "negative", "delivery"),
    ]


def test_a_text_under_a_key_is_kept_as_it_is_and_nothing_is_learned_of_it() -> None:
    # digits as of a card number may stand in a ciphertext; changed, it could not be read again
    concealed = f"c1_{'a' * 22}.4111111111111111{'b' * 30}"
    said = record(0, concealed, name="complained")
    assert [text.text for text in texts([said])] == [concealed]
    assert published([(FEEDBACK, [said]), (ACTIONS, [labelled(0, "e0", "delivery")])]) == []


def test_a_label_that_is_read_before_its_text_is_not_lost() -> None:
    (found,) = published([(ACTIONS, [labelled(0, "e0", "delivery")]), (FEEDBACK, [record(0, "where is it")])])
    assert found.category == "delivery"


def test_the_category_of_a_resolved_ticket_is_that_of_its_texts_unless_one_has_its_own() -> None:
    texts_of_ticket = [record(k, f"text {k}", day=k, ticket_id="t-1", name="asked") for k in range(2)]
    resolved = record(9, None, day=5, name="resolved", ticket_id="t-1", category="returns")
    found = published([(ACTIONS, [labelled(0, "e0", "delivery")]), (FEEDBACK, [*texts_of_ticket, resolved])])
    assert {one.text_id: one.category for one in found} == {"e0": "delivery", "e1": "returns"}


@pytest.mark.parametrize("first", [ACTIONS, FEEDBACK])
def test_peoples_labels_win_over_the_events_in_any_order(first: int) -> None:
    parts = {
        FEEDBACK: [record(0, "where is it", category="other")],
        ACTIONS: [labelled(0, "e0", "delivery")],
    }
    second = ACTIONS if first == FEEDBACK else FEEDBACK
    *_, last = published([(first, parts[first]), (second, parts[second])])
    assert last.category == "delivery"


def test_the_category_of_an_event_is_that_of_its_text() -> None:
    (found,) = published([(FEEDBACK, [record(0, "where is it", category="delivery")])])
    assert found.category == "delivery"


def test_a_reply_to_an_email_is_a_text_and_what_the_shop_sent_is_none() -> None:
    emails = [record(0, "our offer", name="sent"), record(1, "please stop", name="replied")]
    assert [(one.text_id, one.channel) for one in published([(REPLIES, emails)])] == [("e1", "email")]
