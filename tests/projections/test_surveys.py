"""Who was asked and who answered, against sets made of the list of events."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.alerts.intervals import share, shares_apart
from stream.projections.channels import Channels
from stream.projections.ratings import Ratings, RatingTally
from stream.projections.satisfaction import Satisfaction
from stream.projections.surveys import MAX_NAMED, SHOP, Surveyed, Surveys, channel_key, product_key, survey_key
from stream.reporting.feedback_groups import FeedbackCounts, as_object, groups_of
from stream.settings import Settings
from tests.projections.store import Store
from tests.projections.test_satisfaction import DAY_MS, NOW_MS, record

SETTINGS = Settings(customer_ids="any")
AT_MS = NOW_MS + 3000 * DAY_MS


class SurveyEvent(NamedTuple):
    """``channel``: of who was asked, an answer has none."""

    customer: str
    survey: str
    day: int
    is_asked: bool
    channel: str
    product: str


def folded(projection: Any, bodies: Sequence[tuple[str, bytes]], seed: int = 0) -> dict[str, bytes]:
    """States after steps of random sizes, some of which are lost, with few states in the cache."""
    random = Random(seed)
    store = Store(projection, 0, cache=2, at_ms=AT_MS)
    for customer, body in bodies:
        store.append(0, customer, body)
    while not store.is_done:
        store.step(random.randint(1, 7), lost=random.random() < 0.2)
    return store.stored


def body(number: int, one: SurveyEvent) -> tuple[str, bytes]:
    said: dict[str, Any] = {"channel": one.channel, "product_id": one.product} if one.is_asked else {}
    name = "asked" if one.is_asked else "answered"
    made = record(number, name, day=one.day, customer=one.customer, survey_id=one.survey, **said)
    return one.customer, bytes(made.value or b"")


events = st.lists(
    st.builds(
        SurveyEvent,
        st.sampled_from(["a", "b", "/shop"]),
        st.sampled_from(["s-1", "s-2"]),
        st.integers(0, 70),
        st.booleans(),
        st.sampled_from(["email", "sms"]),
        st.sampled_from(["p-1", "p-2"]),
    ),
    max_size=25,
)


@given(events, st.integers(0, 1000))
def test_a_customer_counts_once_for_each_survey_whatever_the_order(told: list[SurveyEvent], seed: int) -> None:
    repeated = [*enumerate(told), *enumerate(told[::3])]
    Random(seed).shuffle(repeated)
    stored = folded(Surveys(SETTINGS), [body(k, one) for k, one in repeated], seed)
    asked: dict[tuple[str, str], SurveyEvent] = {}
    for one in sorted((one for one in told if one.is_asked), key=lambda one: (one.day, one.channel, one.product)):
        asked.setdefault((one.customer, one.survey), one)
    answered = {(one.customer, one.survey) for one in told if not one.is_asked}
    expected: dict[str, dict[str, list[int]]] = {}
    for person, one in asked.items():
        month = datetime.fromtimestamp(NOW_MS / 1000 + one.day * 86_400, UTC).strftime("%Y-%m")
        for key in (SHOP, survey_key(one.survey), channel_key(one.channel), product_key(one.product)):
            counts = expected.setdefault(key, {}).setdefault(month, [0, 0])
            counts[0] += 1
            counts[1] += person in answered
    states = {key: msgspec.json.decode(state, type=Surveyed) for key, state in stored.items()}
    assert {key: state.months for key, state in states.items() if state.months} == expected
    heard: dict[str, int] = {}
    for one in told:
        heard[one.survey] = max(one.day, heard.get(one.survey, 0))
    named = states[SHOP].named if told else {}
    assert named == {survey: NOW_MS + day * DAY_MS for survey, day in heard.items()}
    customers = {one.customer for one in told}
    assert {key for key, state in states.items() if state.surveys} == {
        "//shop" if one == "/shop" else one for one in customers
    }


def test_the_share_without_an_answer_has_wilsons_interval() -> None:
    asked = [SurveyEvent(f"c-{k}", "s-1", 0, is_asked=True, channel="sms", product="p-1") for k in range(40)]
    answers = [SurveyEvent(f"c-{k}", "s-1", 40, is_asked=False, channel="", product="") for k in range(6)]
    stored = folded(Surveys(SETTINGS), [body(k, one) for k, one in enumerate([*answers[:3], *asked, *answers])])

    def of(key: str) -> list[Surveyed]:
        return [msgspec.json.decode(stored[key], type=Surveyed)]

    # in two parts, as two partitions have them
    parts = [*of(SHOP), *of(SHOP)]
    assert parts[0].channels == ["sms"]
    found = FeedbackCounts((), {}, parts, {"sms": of(channel_key("sms"))})
    groups = {group.title: group for group in groups_of(found)}
    assert [*groups] == ["all", "2026-01", "by sms"]
    z, n, p = 1.959963984540054, 80, 68 / 80
    centre, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + (z / (2 * n)) ** 2)
    limits = [(centre + sign * half) / (1 + z * z / n) for sign in (-1, 1)]
    assert groups["all"].asked == 80
    assert [*groups["all"].unanswered] == pytest.approx([p, *limits])
    assert groups["by sms"].unanswered.estimate == pytest.approx(34 / 40)
    assert as_object(found)["unanswered"][0] == {
        "of": "all",
        "kind": "all",
        "name": "",
        "asked": 80,
        "share": p,
        "low": pytest.approx(limits[0]),
        "high": pytest.approx(limits[1]),
    }


@given(st.integers(0, 1000))
def test_the_newest_surveys_are_named_whatever_the_order(seed: int) -> None:
    last = MAX_NAMED + 20
    told = [
        SurveyEvent(f"c-{day}", f"s-{day}", day, is_asked=day % 2 == 0, channel="sms", product="p-1")
        for day in range(last)
    ]
    bodies = [body(k, one) for k, one in enumerate(told)]
    Random(seed).shuffle(bodies)
    shop = msgspec.json.decode(folded(Surveys(SETTINGS), bodies, seed)[SHOP], type=Surveyed)
    assert set(shop.named) == {f"s-{day}" for day in range(20, last)}


def test_each_survey_has_its_figures_and_who_did_not_answer() -> None:
    def asked(customer: str, survey: str) -> tuple[str, bytes]:
        return body(int(customer[2:]), SurveyEvent(customer, survey, 0, is_asked=True, channel="email", product=""))

    def answer(customer: str, survey: str, scale: str, value: int) -> tuple[str, bytes]:
        number = 1000 + int(customer[2:])
        made = record(number, "answered", day=2, customer=customer, survey_id=survey, scale=scale, value=value)
        return customer, bytes(made.value or b"")

    told = [
        *(asked(f"c-{k}", "spring") for k in range(10)),
        *(answer(f"c-{k}", "spring", "nps", 10 if k < 3 else 4) for k in range(4)),
        *(asked(f"c-{k}", "nobody-answers") for k in range(5)),
        # nobody told that these were asked
        *(answer(f"c-{k}", "form", "csat", k) for k in range(1, 6)),
    ]
    counts = folded(Surveys(SETTINGS), told)
    tallies = folded(Ratings(SETTINGS), told)

    def parts(survey: str) -> tuple[list[RatingTally], list[Surveyed]]:
        rated, surveyed = tallies.get(f"survey:{survey}"), counts.get(survey_key(survey))
        return (
            [] if rated is None else [msgspec.json.decode(rated, type=RatingTally)],
            [] if surveyed is None else [msgspec.json.decode(surveyed, type=Surveyed)],
        )

    found = FeedbackCounts((), surveys={one: parts(one) for one in ("spring", "nobody-answers", "form")})
    spring, nobody, form = groups_of(found)
    assert (spring.title, spring.asked, spring.unanswered) == ("survey spring", 10, share(6, 10))
    assert [(one.scale, one.answers, one.interval) for one in spring.figures][:1] == [("nps", 4, shares_apart(3, 1, 4))]
    assert (nobody.title, nobody.figures, nobody.asked, nobody.unanswered) == (
        *("survey nobody-answers", [], 5),
        share(5, 5),
    )
    assert (form.title, form.asked, form.figures[0].scale, form.figures[0].interval) == (
        *("survey form", 0, "csat"),
        share(2, 5),
    )


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ({"name": "asked", "survey_id": "s"}, True),
        ({"name": "asked", "survey_id": "s", "ticket_id": "t"}, False),
        ({"name": "asked"}, False),
        ({"name": "resolved", "survey_id": "s"}, False),
    ],
)
def test_only_what_the_shop_asks_is_an_invitation_and_no_word_of_the_customer(
    said: dict[str, Any], counts: bool
) -> None:
    bodies = [("a", bytes(record(0, **said).value or b""))]
    assert ("a" in folded(Surveys(SETTINGS), bodies)) is counts
    for projection in (Channels(SETTINGS), Ratings(SETTINGS), Satisfaction(SETTINGS)):
        assert bool(folded(projection, bodies)) is not counts


scored = st.lists(
    st.tuples(st.sampled_from([("nps", 0, 10), ("stars", 1, 5), ("ces", 1, 7)]), st.integers(0, 4), st.integers(0, 70)),
    min_size=1,
    max_size=20,
)


@given(scored, st.integers(0, 3), st.integers(0, 3))
def test_satisfaction_of_a_month_is_the_mean_place_on_the_scales(
    told: list[tuple[tuple[str, int, int], int, int]], complaints: int, praises: int
) -> None:
    records = [
        record(k, "reviewed", day=day, scale=scale, value=low + step, product_id="p-1", channel="web")
        for k, ((scale, low, _), step, day) in enumerate(told)
    ]
    records += [record(k, name) for name, n in (("complained", complaints), ("praised", praises)) for k in range(n)]
    stored = folded(Ratings(SETTINGS), [("a", bytes(one.value or b"")) for one in records])
    tally = msgspec.json.decode(stored["shop"], type=RatingTally)
    product = msgspec.json.decode(stored["product:p-1"], type=RatingTally)
    found = {group.title: group for group in groups_of(FeedbackCounts([tally], {"p-1": [product]}))}
    places = [
        (datetime.fromtimestamp(NOW_MS / 1000 + day * 86_400, UTC).strftime("%Y-%m"), step / (high - low))
        for (_, low, high), step, day in told
    ]
    month = datetime.fromtimestamp(NOW_MS / 1000, UTC).strftime("%Y-%m")
    everything = [*places, *[(month, 0.0)] * complaints, *[(month, 1.0)] * praises]
    for title in {of for of, _ in everything}:
        of_month = [place for of, place in everything if of == title]
        figure = found[title].figures[-1]
        assert (figure.scale, figure.answers) == ("satisfaction", len(of_month))
        assert figure.interval.estimate == pytest.approx(sum(of_month) / len(of_month))
    for title, of in (("by web", places), ("about p-1", places), ("all", everything)):
        figure = found[title].figures[-1]
        assert figure.answers == len(of)
        assert figure.mean == pytest.approx(sum(place for _, place in of) / len(of))
