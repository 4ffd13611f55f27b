"""Reads what customers said, as counts, and who was asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, TypeVar

import msgspec

from stream.projections.ratings import PRODUCT, SHOP, Ratings, RatingTally
from stream.projections.surveys import SHOP as ASKED
from stream.projections.surveys import Surveyed, Surveys, channel_key, product_key
from stream.reporting.feedback_groups import FeedbackCounts
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["feedback_of"]

S = TypeVar("S")

#: Products that are shown beside the shop.
_MAX_PRODUCTS: Final = 10


def feedback_of(desk: ProjectionDesk, product: str | None = None) -> FeedbackCounts:
    """Counts of the shop with its products that most was said about, or of one product."""
    if product is not None:
        return FeedbackCounts(
            _parts(desk.shared(Ratings.name, Ratings.version, f"{PRODUCT}{product}"), RatingTally),
            surveyed=_parts(desk.shared(Surveys.name, Surveys.version, product_key(product)), Surveyed),
        )
    tallies = _parts(desk.shared(Ratings.name, Ratings.version, SHOP), RatingTally)
    surveyed = _parts(desk.shared(Surveys.name, Surveys.version, ASKED), Surveyed)
    channels = {channel for one in tallies for channel in one.channels} | {
        channel for one in surveyed for channel in one.channels
    }
    products = _most_rated(desk)
    rated = desk.shared_of(Ratings.name, Ratings.version, [f"{PRODUCT}{one}" for one in products])
    asked_keys = [*map(channel_key, sorted(channels)), *map(product_key, products)]
    asked = desk.shared_of(Surveys.name, Surveys.version, asked_keys)
    return FeedbackCounts(
        tallies,
        {one: _parts(rated[f"{PRODUCT}{one}"], RatingTally) for one in products},
        surveyed,
        {one: _parts(asked[channel_key(one)], Surveyed) for one in channels},
        {one: _parts(asked[product_key(one)], Surveyed) for one in products},
    )


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
