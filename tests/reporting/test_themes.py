from datetime import UTC, date, datetime

import pytest
from scipy.stats import chi2_contingency  # type: ignore[import-untyped]  # SciPy has no types

from stream.projections.judgements import Judged, Judgement
from stream.projections.texts import Text
from stream.reporting.themes import MAX_EXAMPLES, SaidText, Theme, growth, themes_of
from stream.texts.text_records import Mood

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
DAY_MS = 86_400_000


def said(
    number: int,
    text: str,
    *,
    day: int,
    customer: str = "",
    told: Mood | None = None,
    mood: str | None = None,
    category: str | None = None,
) -> SaidText:
    at_ms = int(MONDAY.timestamp() * 1000) + day * DAY_MS
    written = Text(number, f"e{number}", at_ms, "reviewed", text, mood=told)
    judged = Judged(written.event_id, at_ms, "reviewed", Judgement(category, 0.9), Judgement(mood, 0.9, told=told))
    return SaidText(customer or f"c{number}", written, judged)


def found(texts: list[SaidText]) -> dict[str, Theme]:
    of = themes_of(texts)
    assert of is not None
    return {theme.name: theme for theme in of.words}


BEFORE = [said(k, "nice shirt, good fit", day=-7 - k % 20, told="positive") for k in range(60)]


def test_a_word_that_grew_is_a_theme_with_three_examples_of_three_customers() -> None:
    now = [said(100 + k, f"the zipper broke {k}", day=k % 7) for k in range(8)]
    repeated = [said(200 + k, "zipper again", day=6, customer="c100") for k in range(5)]
    theme = found(BEFORE + now + repeated)["zipper"]
    assert (theme.now, theme.before) == (8, 0)
    assert len(theme.examples) == MAX_EXAMPLES == len(set(theme.examples))
    assert all("zipper" in example for example in theme.examples)


def test_a_word_that_did_not_grow_or_that_two_customers_wrote_is_none() -> None:
    now = [said(100 + k, "nice shirt", day=1) for k in range(10)]
    two = [said(200 + k, "zipper", day=1) for k in range(2)]
    assert found(BEFORE + now + two) == {}


def test_chinese_themes_are_pairs_of_characters() -> None:
    now = [said(100 + k, "拉链坏了", day=1) for k in range(8)]
    assert {"拉链", "坏了"} <= set(found(BEFORE + now))


@pytest.mark.parametrize(("now", "of", "before", "of_before"), [(10, 100, 10, 400), (8, 8, 1, 60), (3, 50, 0, 900)])
def test_growth_is_the_likelihood_ratio_of_the_table(now: int, of: int, before: int, of_before: int) -> None:
    table = [[now, of - now], [before, of_before - before]]
    if of == now:
        pytest.skip("scipy takes no table with an expected frequency of zero") if before == of_before else None
    expected = chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
    assert growth(now, of, before, of_before) == pytest.approx(expected)


def test_there_is_no_growth_without_a_before() -> None:
    assert growth(5, 10, 0, 0) == 0.0
    assert found([said(k, "zipper", day=1) for k in range(9)]) == {}


def test_moods_that_were_told_go_before_those_that_were_decided() -> None:
    told: list[Mood] = ["negative", "negative", "neutral", "positive"]
    rated = [said(k, "arrived", day=1, told=mood, mood="positive") for k, mood in enumerate(told)]
    of = themes_of([*rated, said(10, "terrible, I hate it", day=2, mood="negative"), said(11, "xyz", day=0)])
    assert of is not None
    assert {mood.name: mood.now for mood in of.moods} == {"negative": 3, "neutral": 1, "positive": 1}
    assert (of.estimated, of.undecided, of.customers) == (1, 1, 6)


def test_a_category_that_grew_says_how_sure_that_is() -> None:
    before = [said(k, "x", day=-7, category="fit" if k % 2 else "delivery") for k in range(40)]
    now = [said(100 + k, f"late {k}", day=1, category="delivery") for k in range(9)]
    of = themes_of(before + now)
    assert of is not None
    (delivery,) = of.categories
    assert (delivery.name, delivery.now, delivery.before) == ("delivery", 9, 20)
    assert delivery.growth == pytest.approx(growth(9, 9, 20, 40), abs=0.01)
    assert delivery.growth > 0
    assert len(delivery.examples) == 3


def test_a_week_may_be_named_and_the_weeks_before_it_are_four() -> None:
    texts = [said(k, "x", day=-7 * k) for k in range(8)]
    of = themes_of(texts, date(2025, 12, 29))
    assert of is not None
    assert (of.week, of.customers, of.customers_before) == ("2025-12-29", 1, 4)
    assert themes_of([]) is None


def test_a_long_text_is_clipped_and_is_one_line() -> None:
    now = [said(100 + k, "zipper\n" + "z" * 500, day=1) for k in range(5)]
    (example, *_) = found(BEFORE + now)["zipper"].examples
    assert len(example) == 200
    assert "\n" not in example
