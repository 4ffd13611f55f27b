"""Satisfaction by the mood of texts, where there is no answer."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.cli.feedback_view import opinion_rows
from stream.projections.judgements import Judged, Judgement
from stream.projections.satisfaction import HALF_LIFE_DAYS, MAX_SAID, Opinion, Said
from stream.reporting.mood_satisfaction import means_then, with_moods
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


answers = st.tuples(st.integers(0, 900), st.one_of(st.none(), st.floats(0.0, 1.0)))


@given(st.lists(answers, max_size=12), st.lists(st.integers(0, 900), max_size=4), st.integers(0, 3))
def test_the_mean_then_is_that_of_what_had_been_said_until_then(
    told: list[tuple[int, float | None]], moods: list[int], forgotten: int
) -> None:
    whole, prefixes = Opinion(), []
    texts = [judged(day, "positive") for day in moods]
    for number, (day, satisfaction) in enumerate(told):
        if satisfaction is not None:
            whole.add(satisfaction, day * DAY_MS)
        whole.said.append(Said(number, day * DAY_MS, "rated", satisfaction=satisfaction))
        so_far, _ = with_moods(whole, [text for text in texts if text.at_ms <= day * DAY_MS])
        prefixes.append(so_far.satisfaction)
    # the oldest are counted, and no longer kept
    del whole.said[:forgotten]
    found = means_then(whole, texts)
    assert found == [None if mean is None else pytest.approx(mean, abs=1e-6) for mean in prefixes[forgotten:]]
    assert len(found) <= MAX_SAID
