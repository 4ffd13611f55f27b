"""The points file: what it means, and what is said of mistakes."""

from pathlib import Path

import pytest

from stream.errors import SettingsError
from stream.points.points_file import PointsRules, load, parse

EXAMPLE = Path(__file__).parents[2] / "examples" / "points.yaml"


def test_the_example_is_right() -> None:
    rules = load(EXAMPLE)
    assert rules.earn.thousandths("coffee") == 2000
    assert rules.earn.thousandths("tea") == 1000
    assert rules.earn.events["interaction_referred"].points == 200
    assert [tier.name for tier in rules.tiers] == ["silver", "gold"]
    assert parse("{}", source="p.yaml") == PointsRules()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("earn: {rate: -1}", "earn.rate"),
        ("earned: {}", "earned"),
        ("expire_days: 3\nexpire_months: 1", "expected one of them"),
        ("earn: {events: {interaction_refered: {points: 5}}}", "interaction_referred"),
        ("earn: {events: {order_completed: {points: 5}}}", "order_completed"),
        ("earn: {events: {feedback_rated: {points: 0}}}", "earn.events"),
        ("bonus_days: [{factor: 2}]", "all days have a bonus"),
        ("bonus_days: [{factor: 1, weekdays: [friday]}]", "factor"),
        ("bonus_days: [{factor: 2, weekdays: [freitag]}]", "weekdays"),
        ("bonus_days: [{factor: 2, since: 2026-02-01, until: 2026-01-01}]", "is after"),
        ("tiers: [{name: a, points: 5}, {name: b, points: 5}]", "rising"),
        ("[1]", "expected"),
    ],
)
def test_mistakes_are_told_with_their_places(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=r"p\.yaml") as caught:
        parse(text, source="p.yaml")
    assert said in str(caught.value)


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="points file"):
        load(tmp_path / "none.yaml")
