"""Satisfaction by the mood of texts, where there is no answer."""

from zoneinfo import ZoneInfo

import pytest

from stream.cli.feedback_view import opinion_rows
from stream.projections.judgements import Judged, Judgement
from stream.projections.satisfaction import HALF_LIFE_DAYS, Opinion
from stream.reporting.mood_satisfaction import with_moods
from stream.reporting.writing import Writing

DAY_MS = 86_400_000
WRITING = Writing("en_GB", "", ZoneInfo("Europe/Berlin"))


def judged(day: int, decided: str | None, told: str | None = None) -> Judged:
    return Judged(f"t-{day}", day * DAY_MS, "suggested", Judgement(), Judgement(decided, 0.8, told=told))


def test_a_mood_counts_with_the_weight_of_its_age_and_a_told_one_is_in_the_answers_already() -> None:
    opinion = Opinion()
    opinion.add(0.8, HALF_LIFE_DAYS * DAY_MS)
    texts = [
        judged(0, "negative"),
        judged(HALF_LIFE_DAYS, "neutral"),
        judged(3, None),
        judged(4, "negative", "positive"),
    ]
    found, moods = with_moods(opinion, texts)
    assert moods == 2
    # the first is a half-life older than the others
    assert found.satisfaction == pytest.approx((0.8 + 0.5 * 0.0 + 0.5) / 2.5)
    assert opinion.satisfaction == pytest.approx(0.8)


def test_satisfaction_from_moods_is_called_an_estimate() -> None:
    ((name, line),) = opinion_rows(None, WRITING, [judged(1, "positive"), judged(2, "positive")])
    assert name == "satisfaction"
    assert line.startswith("100% (95 %: ")
    assert line.endswith("2 answers, 2 of them estimated from the mood of texts")
    assert [*opinion_rows(None, WRITING, [judged(1, None)])] == []
