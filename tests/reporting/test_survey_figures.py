"""NPS, CSAT and CES with their intervals, recomputed."""

import math
from zoneinfo import ZoneInfo

import pytest

from stream.alerts.intervals import share, shares_apart
from stream.cli.feedback_view import opinion_rows
from stream.projections.ratings import RatingTally
from stream.projections.satisfaction import Opinion, Said
from stream.reporting.feedback_groups import FeedbackCounts, as_object
from stream.reporting.survey_figures import added, figure
from stream.reporting.writing import Writing


def wilson(successes: float, trials: float) -> tuple[float, float]:
    z = 1.959963984540054
    p = successes / trials
    centre = (p + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials**2))
    return centre - half, centre + half


def test_nps_is_promoters_less_detractors() -> None:
    found = figure("nps", {"10": 20, "9": 30, "8": 20, "7": 10, "6": 5, "0": 15})
    assert found is not None
    assert found.answers == 100
    assert found.interval.estimate == pytest.approx(0.5 - 0.2)
    (low_p, high_p), (low_q, high_q) = wilson(50, 100), wilson(20, 100)
    correlation = -math.sqrt(0.5 * 0.2 / (0.5 * 0.8))
    below = math.sqrt((0.5 - low_p) ** 2 + (high_q - 0.2) ** 2 - 2 * correlation * (0.5 - low_p) * (high_q - 0.2))
    above = math.sqrt((high_p - 0.5) ** 2 + (0.2 - low_q) ** 2 - 2 * correlation * (high_p - 0.5) * (0.2 - low_q))
    assert list(found.interval[1:]) == pytest.approx([0.3 - below, 0.3 + above])


@pytest.mark.parametrize(("scale", "good_from"), [("stars", 4), ("csat", 4), ("ces", 5)])
def test_the_share_of_good_answers_has_wilsons_interval(scale: str, good_from: int) -> None:
    counts = {str(value): value for value in range(1, 6)}
    found = figure(scale, counts)
    good = sum(value for value in range(1, 6) if value >= good_from)
    assert found is not None
    assert found.mean == pytest.approx(sum(v * v for v in range(1, 6)) / 15)
    assert list(found.interval) == pytest.approx([good / 15, *wilson(good, 15)])


def test_nobody_has_no_figure() -> None:
    assert figure("nps", {}) is None
    assert shares_apart(0, 0, 0) == (None, None, None)
    assert Opinion().interval == (None, None, None)


def test_all_alike_is_at_the_limit() -> None:
    found = figure("nps", {"10": 8})
    assert found is not None
    assert found.interval.estimate == found.interval.high == 1.0
    assert found.interval.low == pytest.approx(1 - math.hypot(1 - wilson(8, 8)[0], wilson(0, 8)[1]))


def test_a_mean_has_the_interval_of_a_share() -> None:
    opinion = Opinion(total=2.4, weight=3.0, squares=3.0, scores=3)
    assert opinion.interval == share(2.4, 3.0)
    assert list(opinion.interval[1:]) == pytest.approx(wilson(2.4, 3.0))


def test_parts_of_partitions_add_up() -> None:
    parts = [
        RatingTally({"2026-01": {"nps": {"9": 2}}}, {"web": {"nps": {"9": 2}}}, {"2026-01": {"rated": 2}}),
        RatingTally({"2026-01": {"nps": {"9": 1, "3": 1}}}, {"": {"nps": {"9": 1, "3": 1}}}, {"2026-01": {"rated": 2}}),
    ]
    assert added([part.months["2026-01"] for part in parts]) == {"nps": {"9": 3, "3": 1}}
    told = as_object(FeedbackCounts(parts))
    assert [(one["of"], one["answers"], one["value"]) for one in told["figures"] if one["scale"] == "nps"] == [
        ("all", 4, 0.5),
        ("2026-01", 4, 0.5),
        ("by no channel", 2, 0.0),
        ("by web", 2, 1.0),
    ]
    assert told["kinds"] == {"rated": 4}


WRITING = Writing("en_GB", "", ZoneInfo("Europe/Berlin"))


def test_a_customer_is_shown_with_an_interval_and_what_they_said() -> None:
    said = [Said(1, 0, "rated", "nps", 8, 0.8, "score", 0.53, "p-7"), Said(2, 86_400_000, "complained", loyalty=0.477)]
    opinion = Opinion(0.477, 0.8, 2.0, 2.0, 86_400_000, 1, 1, 1, 0, said=said)
    rows = dict(list(opinion_rows(opinion, WRITING))[:2])
    low, high = wilson(0.8, 2.0)
    assert rows["satisfaction"].startswith(f"40% (95 %: {low:.0%} to {high:.0%}), 2 answers, 1 of them from complaints")
    assert rows["loyalty"] == "0.48 (by formula; the latest: 0.53 0.48)"
    words = [value for name, value in opinion_rows(opinion, WRITING) if name == "said"]
    assert words == [
        "2 January 1970, 01:00: complained, loyalty then 0.48",
        "1 January 1970, 01:00: rated 8 (nps) about p-7: satisfaction 80%, mean then 40%, loyalty then 0.53",
    ]
