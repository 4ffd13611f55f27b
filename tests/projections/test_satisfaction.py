"""Satisfaction and loyalty, by the figures of the formula and against sums over a list."""

from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.alerts.alert_records import Alert, AlertKind
from stream.events.kinds import EventType
from stream.projections.folding import Outcome
from stream.projections.loyalty import FIRST_LOYALTY, loyalty_after
from stream.projections.protocol import Projection
from stream.projections.ratings import MAX_MONTHS, Ratings, RatingTally
from stream.projections.satisfaction import HALF_LIFE_DAYS, MAX_SAID, Opinion, Satisfaction
from stream.settings import Settings
from tests.oracle.record import Record
from tests.projections.stepping import SteppedPartition, part_of

DAY_MS = 86_400_000
NOW_MS = 1_767_225_600_000
SETTINGS = Settings()


def record(number: int, name: str, *, day: int = 0, customer: str = "a", event_id: str = "", **said: object) -> Record:
    body = {
        "event_id": event_id or f"e{number}",
        "customer_id": customer,
        "occurred_at": (NOW_MS + day * DAY_MS) / 1000,
        "name": name,
        **said,
    }
    return Record(customer.encode(), orjson.dumps(body), offset=number, timestamp=NOW_MS + 3000 * DAY_MS)


def stepped(projection: Projection[Opinion] | Projection[RatingTally], records: Sequence[Record]) -> Outcome:
    return SteppedPartition(projection).step(part_of(0, records))


def opinion(records: Sequence[Record], customer: str = "a") -> Opinion:
    written = stepped(Satisfaction(SETTINGS), records).written[customer]
    return msgspec.json.decode(written, type=Opinion)


def rated(satisfactions: Sequence[float]) -> list[Record]:
    """NPS from 0 to 10 is the satisfaction times ten."""
    return [record(k, "rated", scale="nps", value=10 * s) for k, s in enumerate(satisfactions)]


def test_loyalty_follows_each_satisfaction() -> None:
    found = opinion(rated([0.8, 0.9, 0.7]))
    assert [round(said.loyalty or 0.0, 6) for said in found.said] == [0.53, 0.567, 0.5803]
    assert found.loyalty == pytest.approx(0.5803, abs=1e-12)


def test_loyalty_follows_the_mean() -> None:
    loyalty, steps = FIRST_LOYALTY, []
    for _ in range(10):
        loyalty = loyalty_after(loyalty, 0.8)
        steps.append(loyalty)
    assert [round(step, 6) for step in steps[:3]] == [0.53, 0.557, 0.5813]
    assert round(steps[-1], 6) == 0.695396
    # in closed form
    assert steps[-1] == pytest.approx(0.8 - 0.3 * 0.9**10)
    assert opinion(rated([0.8] * 10)).loyalty == pytest.approx(steps[-1])


@pytest.mark.parametrize(
    ("scale", "value", "expected"),
    [("stars", 1, 0.0), ("stars", 4, 0.75), ("nps", 7, 0.7), ("csat", 5, 1.0), ("ces", 4, 0.5)],
)
def test_a_score_is_its_place_on_the_scale(scale: str, value: float, expected: float) -> None:
    assert opinion([record(0, "rated", scale=scale, value=value)]).satisfaction == pytest.approx(expected)


def test_a_complaint_without_a_score_is_zero_and_said_to_be_implied() -> None:
    found = opinion([record(0, "complained"), record(1, "praised"), record(2, "suggested")])
    assert (found.satisfaction, found.scores, found.implied, found.complaints) == (0.5, 0, 2, 1)
    assert [(said.satisfaction, said.source) for said in found.said] == [(0.0, "kind"), (1.0, "kind"), (None, None)]
    # a score is worth more than the kind
    assert opinion([record(0, "complained", scale="stars", value=3)]).satisfaction == 0.5


def test_a_complaint_counts_half_once_it_is_resolved() -> None:
    told = [
        record(0, "complained", day=0),
        record(1, "complained", ticket_id="t-2", day=180),
        record(2, "resolved", ticket_id="e0", day=200),
        record(3, "resolved", ticket_id="t-3", day=201),
    ]
    found = opinion(told)
    # the older one has half the weight, and is worth a half
    assert found.satisfaction == pytest.approx((0.5 * 0.5 + 1.0 * 0.0) / 1.5)
    assert (found.complaints, found.resolved) == (2, 2)
    assert opinion([*told, record(4, "resolved", ticket_id="e0", day=202)]).satisfaction == pytest.approx(1 / 6)
    # a score stays what it is
    scored = [record(0, "complained", scale="stars", value=1), record(1, "resolved", ticket_id="e0")]
    assert opinion(scored).satisfaction == 0.0


def alerts(records: Sequence[Record], settings: Settings) -> list[Alert]:
    return [*stepped(Satisfaction(settings), records).alerts]


@pytest.mark.parametrize(
    ("satisfied_from", "dropped_below", "expected"),
    [(0.7, 0.5, [3, 18]), (0.6, 0.45, [4, 20]), (0.72, 0.5, [3]), (0.96, 0.64, [2])],
)
def test_a_drop_of_satisfaction_raises_one_alert_until_it_has_recovered(
    satisfied_from: float, dropped_below: float, expected: list[int]
) -> None:
    scores = [1.0, 0.9, 0.0, 0.0, 0.0, 0.9, 0.5, *[1.0] * 6, *[0.0] * 8]
    settings = Settings(satisfied_from=satisfied_from, dropped_below=dropped_below)
    found = alerts(rated(scores), settings)
    assert [alert.heard.feedback_id for alert in found if alert.heard] == [f"e{k}" for k in expected]
    assert {alert.kind for alert in found} == {AlertKind.DROPPED}
    for alert, k in zip(found, expected, strict=True):
        assert alert.heard is not None
        assert alert.heard.satisfaction == pytest.approx(sum(scores[: k + 1]) / (k + 1))
    assert found[0].sentence.startswith("Satisfaction has dropped to ")


def test_a_never_satisfied_customer_has_no_drop() -> None:
    assert alerts(rated([0.0, 0.1, 0.2]), SETTINGS) == []


def test_repeats_count_once() -> None:
    once = rated([0.8, 0.2])
    assert opinion([*once, *once]) == opinion(once)


feedback = st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 10), st.sampled_from("ab")), min_size=1, max_size=30)


@given(feedback, st.randoms(use_true_random=False))
def test_the_mean_is_that_of_a_list_in_any_order(told: list[tuple[int, int, str]], random: Random) -> None:
    records = [
        record(k, "rated", scale="nps", value=value, day=day, customer=who) for k, (day, value, who) in enumerate(told)
    ]
    random.shuffle(records)
    for who in {who for _, _, who in told}:
        of_who = [(day, value / 10) for day, value, one in told if one == who]
        newest = max(day for day, _ in of_who)
        weights = [2.0 ** ((day - newest) / HALF_LIFE_DAYS) for day, _ in of_who]
        expected = sum(w * s for w, (_, s) in zip(weights, of_who, strict=True)) / sum(weights)
        found = opinion(records, who)
        assert found.satisfaction == pytest.approx(expected, abs=1e-9)
        assert found.answers == pytest.approx(sum(weights) ** 2 / sum(w * w for w in weights))
        estimate, low, high = found.interval
        assert estimate == pytest.approx(expected, abs=1e-9)
        assert low is not None
        assert high is not None
        assert 0.0 <= low <= expected + 1e-9 <= high + 2e-9 <= 1.0 + 2e-9


cases = st.lists(
    st.tuples(
        st.sampled_from(["complained", "resolved", "praised"]), st.integers(0, 40), st.sampled_from(["t-1", "t-2"])
    ),
    min_size=1,
    max_size=12,
)


@given(cases, st.randoms(use_true_random=False))
def test_a_complaint_is_resolved_whatever_comes_first_and_one_after_it_is_not(
    told: list[tuple[str, int, str]], random: Random
) -> None:
    records = [record(k, name, day=day, ticket_id=ticket) for k, (name, day, ticket) in enumerate(told)]
    random.shuffle(records)
    scored = []
    for name, day, ticket in told:
        is_closed = any(of == "resolved" and one == ticket and at >= day for of, at, one in told)
        if name != "resolved":
            scored.append((day, 1.0 if name == "praised" else 0.5 if is_closed else 0.0))
    found = opinion(records)
    if not scored:
        assert found.satisfaction is None
        return
    newest = max(day for day, _ in scored)
    weights = [2.0 ** ((day - newest) / HALF_LIFE_DAYS) for day, _ in scored]
    assert found.satisfaction == pytest.approx(
        sum(w * s for w, (_, s) in zip(weights, scored, strict=True)) / sum(weights), abs=1e-9
    )


def test_only_the_newest_words_are_kept_and_no_text() -> None:
    found = opinion([record(k, "suggested", text="my name is Ann") for k in range(MAX_SAID + 5)])
    assert len(found.said) == MAX_SAID
    assert b"Ann" not in msgspec.json.encode(found)


def test_invalid_feedback_is_a_dead_letter_of_one_projection() -> None:
    bad = [record(0, "rated", scale="stars", value=9), record(1, "rated", scale="stars", value=5)]
    outcome = stepped(Satisfaction(SETTINGS), bad)
    assert [str(reason) for reason in outcome.rejected] == ["bad_score"]
    outcome = stepped(Ratings(SETTINGS), bad)
    assert (outcome.rejected, outcome.skipped, outcome.outgoing) == ((), 1, [])


scored = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.sampled_from(["nps", "stars"]),
        st.integers(1, 5),
        st.sampled_from(["", "web", "store"]),
        st.sampled_from(["", "p-1", "p-2"]),
    ),
    max_size=30,
)


@given(scored)
def test_scores_are_counted_by_month_channel_and_product(told: list[tuple[int, str, int, str, str]]) -> None:
    records = [
        record(k, "reviewed", day=day, scale=scale, value=value, channel=channel or None, product_id=product or None)
        for k, (day, scale, value, channel, product) in enumerate(told)
    ]
    written = stepped(Ratings(SETTINGS), records).written
    tallies = {key: msgspec.json.decode(state, type=RatingTally) for key, state in written.items()}
    assert {*tallies} == {*(["shop"] if told else []), *(f"product:{one[4]}" for one in told if one[4])}
    for key, tally in tallies.items():
        of_key = [one for one in told if key == "shop" or key == f"product:{one[4]}"]
        expected: dict[str, dict[str, dict[str, int]]] = {}
        for _, scale, value, channel, _ in of_key:
            counts = expected.setdefault(channel, {}).setdefault(scale, {})
            counts[str(value)] = counts.get(str(value), 0) + 1
        assert tally.channels == expected
        assert sum(n for of in tally.months.values() for c in of.values() for n in c.values()) == len(of_key)
        assert sum(n for of in tally.kinds.values() for n in of.values()) == len(of_key)


def test_only_the_newest_months_are_kept_whatever_the_order() -> None:
    days = [31 * k for k in range(MAX_MONTHS + 5)]
    for order in (days, days[::-1]):
        records = [record(k, "rated", day=day, scale="nps", value=9) for k, day in enumerate(order)]
        tally = msgspec.json.decode(stepped(Ratings(SETTINGS), records).written["shop"], type=RatingTally)
        assert len(tally.kinds) == MAX_MONTHS
        told = {datetime.fromtimestamp(NOW_MS / 1000 + day * 86_400, UTC).strftime("%Y-%m") for day in days}
        assert sorted(tally.kinds) == sorted(told)[-MAX_MONTHS:]


def test_erasing_forgets_the_customer_and_leaves_the_counts() -> None:
    assert list(Satisfaction(SETTINGS).erase("a")) == ["a"]
    assert list(Ratings(SETTINGS).erase("a")) == []
    assert Satisfaction(SETTINGS).describe().topics == (SETTINGS.topic_of(EventType.FEEDBACK),)
