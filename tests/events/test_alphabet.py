"""Customer ids that could be something else to a reader are refused, and by the same rule everywhere."""

import html
import json
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.client.event_contract import Draft, EventContract
from stream.events.alphabet import Alphabet
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.rejections import Defect
from stream.settings import Settings

NOW_MS = 1_900_000_000_000

GOOD = [
    "c-1",
    "4711",
    "A_b.c:d+e=f~g",
    "email:0f3a",
    "ann@example.com",
    "Zo\u00eb",
    "\u5f20\u4f1f-7",
    "\u0928\u093f\u0924\u093e",
]
#: Texts with another meaning: markup, mentions, links, or the twin of another id.
BAD = [
    "<b>x</b>",
    "<!channel>",
    "<@U024BE7LH>",
    "<https://evil.example|invoice>",
    "[invoice](https://evil.example)",
    "https://evil.example/x",
    "//evil.example",
    "@everyone",
    "@here",
    "x@everyone",
    "x@y@evil.example",
    "a&b",
    "a'b",
    'a"b',
    "`x`",
    "*x*",
    "a b",
    " a",
    "a\u00a0b",
    "Zoe\u0308",
    "a\u202eb",
    "a\u200bb",
    "a\u2066b",
    "a\u3164",
    "a\ufe0f",
    "a\x7f",
    "a\x85b",
    "\U000e0061",
]


class Raw(NamedTuple):
    key: bytes
    value: bytes
    timestamp: int = NOW_MS
    offset: int = 0
    headers: Sequence[tuple[str, bytes | None]] = ()


def record(customer_id: str) -> Raw:
    event = {"event_id": "e", "customer_id": customer_id, "occurred_at": 1_717_158_600, "name": "page_viewed"}
    return Raw(customer_id.encode(), json.dumps(event).encode())


def judged(*customer_ids: str, alphabet: str = "plain") -> list[tuple[int, Defect]]:
    decoder = Decoder.of(Settings(customer_ids=alphabet))
    return [
        (bad.record, bad.reason) for bad in decoder.decode(EventType.CLICK, [*map(record, customer_ids)]).rejections
    ]


@pytest.mark.parametrize("customer_id", GOOD)
def test_letters_digits_and_addresses_are_ids(customer_id: str) -> None:
    assert judged(customer_id) == []


@pytest.mark.parametrize("customer_id", BAD)
def test_a_text_with_another_meaning_is_no_id(customer_id: str) -> None:
    ((_, reason),) = judged(customer_id)
    assert reason in {Defect.BAD_CUSTOMER_ID, Defect.CONTROL_CHARACTER}
    (refused,) = EventContract(Settings()).admit([Draft(record(customer_id).value)], NOW_MS).rejections
    assert refused.reason is reason
    assert Alphabet.PLAIN.objection(customer_id)


def test_a_bad_id_spoils_no_neighbour() -> None:
    assert judged("a", "<b>", "c", "@all", "d") == [(1, Defect.BAD_CUSTOMER_ID), (3, Defect.BAD_CUSTOMER_ID)]


def test_a_setting_allows_more() -> None:
    assert judged("<b>", "gid://shop/Customer/7", "Ann Smith", "a&b", alphabet="printable") == []
    assert [row for row, _ in judged("Zoe\u0308", "a\u202eb", "a\u200bb", " a", alphabet="printable")] == [0, 1, 2, 3]
    assert judged("Zoe\u0308", "a\u200bb", " a", "<b>", alphabet="any") == []
    assert judged("a\u202eb", "a\x00b", alphabet="any") == [
        (0, Defect.CONTROL_CHARACTER),
        (1, Defect.CONTROL_CHARACTER),
    ]


@given(st.text(min_size=1, max_size=20))
def test_an_id_that_is_taken_is_seen_and_has_no_twin(customer_id: str) -> None:
    if Alphabet.PLAIN.objection(customer_id) == "":
        assert html.escape(customer_id) == customer_id
        assert unicodedata.normalize("NFC", customer_id) == customer_id
        assert customer_id.isprintable()
        assert not {*customer_id} & {*"<>&\"'`*[]()/\\|! #\n"}
        assert Alphabet.PRINTABLE.objection(customer_id) == ""


@given(st.lists(st.text(st.sampled_from("ab@.<>\u00e9\u0308"), min_size=1, max_size=6), min_size=1, max_size=8))
def test_a_batch_is_judged_like_its_single_records(customer_ids: list[str]) -> None:
    one_by_one = [k for k, customer_id in enumerate(customer_ids) if judged(customer_id)]
    assert [row for row, _ in judged(*customer_ids)] == one_by_one
