"""A stored customer as of now: every sentence speaks of the same habit, and of money in the shop's currency."""

import re

import orjson

from stream.reporting.refreshed import Refreshed, refreshed
from tests.reporting.conftest import Processed

_USUAL = re.compile(r"usually every (day|[0-9,]+)")


def of_all(shop: Processed) -> list[Refreshed]:
    return [
        refreshed(document, orjson.loads(document), shop.basis, lambda amount: f"¤{amount:.2f}")
        for document in shop.documents
    ]


def test_the_reason_and_the_standing_name_the_same_habit(small: Processed, middling: Processed) -> None:
    pairs = [
        (found[1], told[1])
        for now in (*of_all(small), *of_all(middling))
        for _, sentence in now.reasons
        if (found := _USUAL.search(sentence)) and (told := _USUAL.search(now.standing))
    ]
    assert len(pairs) > 20
    assert [pair for pair in pairs if pair[0] != pair[1]] == []


def test_amounts_in_reasons_are_written_as_the_shop_writes_money(middling: Processed) -> None:
    spent = [
        sentence for now in of_all(middling) for _, sentence in now.reasons if re.search(r"[0-9]\.[0-9]{2}", sentence)
    ]
    assert spent
    assert all(re.search(r"¤-?[0-9]+\.[0-9]{2}", sentence) for sentence in spent)
