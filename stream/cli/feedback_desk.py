"""Reads what customers said, as counts, and who was asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, TypeVar

import msgspec

from stream.projections.ratings import PRODUCT, SHOP, SURVEY, Ratings, RatingTally
from stream.projections.surveys import SHOP as ASKED
from stream.projections.surveys import Surveyed, Surveys, channel_key, product_key, survey_key
from stream.reporting.feedback_groups import FeedbackCounts
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["feedback_of"]

S = TypeVar("S")

#: Products and surveys that are shown beside the shop.
_MAX_PRODUCTS: Final = 10
_MAX_SURVEYS: Final = 10


def feedback_of(desk: ProjectionDesk, product: str | None = None, survey: str | None = None) -> FeedbackCounts:
    """Counts of the shop with its latest surveys and its products that most was said about, or of one of them."""
    if product is not None:
        return _counts_of(desk, f"{PRODUCT}{product}", product_key(product))
    if survey is not None:
        return _counts_of(desk, f"{SURVEY}{survey}", survey_key(survey))
    tallies = _parts(desk.shared(Ratings.name, Ratings.version, SHOP), RatingTally)
    surveyed = _parts(desk.shared(Surveys.name, Surveys.version, ASKED), Surveyed)
    channels = {channel for one in tallies for channel in one.channels} | {
        channel for one in surveyed for channel in one.channels
    }
    products = _most_rated(desk)
    surveys = _latest(surveyed)
    rated_keys = [*(f"{PRODUCT}{one}" for one in products), *(f"{SURVEY}{one}" for one in surveys)]
    rated = desk.shared_of(Ratings.name, Ratings.version, rated_keys)
    asked_keys = [*map(channel_key, sorted(channels)), *map(product_key, products), *map(survey_key, surveys)]
    asked = desk.shared_of(Surveys.name, Surveys.version, asked_keys)
    return FeedbackCounts(
        tallies,
        {one: _parts(rated[f"{PRODUCT}{one}"], RatingTally) for one in products},
        surveyed,
        {one: _parts(asked[channel_key(one)], Surveyed) for one in channels},
        {one: _parts(asked[product_key(one)], Surveyed) for one in products},
        {
            one: (_parts(rated[f"{SURVEY}{one}"], RatingTally), _parts(asked[survey_key(one)], Surveyed))
            for one in surveys
        },
    )


def _counts_of(desk: ProjectionDesk, rated: str, asked: str) -> FeedbackCounts:
    """Of a key of each of the two projections."""
    return FeedbackCounts(
        _parts(desk.shared(Ratings.name, Ratings.version, rated), RatingTally),
        surveyed=_parts(desk.shared(Surveys.name, Surveys.version, asked), Surveyed),
    )


def _latest(parts: Iterable[Surveyed]) -> list[str]:
    """The surveys that were heard of last, the newest first."""
    heard_ms: dict[str, int] = {}
    for part in parts:
        for survey, at_ms in part.named.items():
            heard_ms[survey] = max(at_ms, heard_ms.get(survey, at_ms))
    return sorted(heard_ms, key=lambda one: (-heard_ms[one], one))[:_MAX_SURVEYS]


def _most_rated(desk: ProjectionDesk) -> list[str]:
    """The products with most answers. A scan may find a state twice, so this only chooses."""
    answers: Counter[str] = Counter()
    for key, state in desk.keyed_states(Ratings.name, Ratings.version):
        if key.startswith(PRODUCT):
            months = msgspec.json.decode(state, type=RatingTally).months.values()
            scales = [counts for of in months for counts in of.values()]
            answers[key.removeprefix(PRODUCT)] += sum(sum(counts.values()) for counts in scales)
    ordered = sorted((one for one in answers.items() if one[1]), key=lambda one: (-one[1], one[0]))
    return [product for product, _ in ordered[:_MAX_PRODUCTS]]


def _parts(stored: Iterable[bytes], of: type[S]) -> list[S]:
    return [msgspec.json.decode(state, type=of) for state in stored]
