"""Sentences of the list at their edges: days are counted as alerts count them."""

import pytest
from msgspec.structs import replace

from stream.catalogue.wording import habit_sentence
from stream.reporting.advice import Advice, reason_of, silence_sentence
from stream.reporting.words import ENGLISH
from tests.console.conftest import SILENT


@pytest.mark.parametrize(
    ("silent_days", "ago"),
    [
        (0.0, "less than a day ago"),
        (0.999, "less than a day ago"),
        (1.0, "1 day ago"),
        (1.4, "1 day ago"),
        (1.6, "2 days ago"),
        (89.6, "90 days ago"),
    ],
)
def test_the_time_since_the_only_order_is_of_whole_days_as_in_alerts(silent_days: float, ago: str) -> None:
    assert reason_of(silent_days, 30.0, 1) == f"One order, {ago}; a second usually follows after 30."
    if silent_days >= 1:
        assert silence_sentence(silent_days, 30.4) == habit_sentence(silent_days, 30.4)


def test_who_ordered_on_two_days_has_a_habit() -> None:
    assert reason_of(9.0, 4.0, 2) == silence_sentence(9.0, 4.0) == "No order for 9 days; usually every 4."


@pytest.mark.parametrize(
    ("looked_days", "when"), [(None, "today"), (0.5, "today"), (1.0, "1 day ago"), (3.7, "3 days ago")]
)
def test_what_to_do_names_the_day_of_the_last_visit(looked_days: float | None, when: str) -> None:
    entry = replace(SILENT, advice=Advice.WRITE_NOW, looked_days=looked_days)
    assert entry.action_as(ENGLISH) == f"Was in the shop {when}: write now, no discount needed."
