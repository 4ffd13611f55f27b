"""How the customers stand: segment sizes, and those with most value at risk, with the reasons in plain English."""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from stream.alerts.sentences import WORDINGS, sentence
from stream.features.registry import COLUMN, FEATURES, complete
from stream.online_models.snapshot import ModelSnapshot

__all__ = ["NO_SEGMENT", "CustomerCard", "Standing", "reason_sentences", "stand"]

#: What the customers without an order, and those before there were segments, are counted under.
NO_SEGMENT = "none yet"


class CustomerCard(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a customer document that summaries show; see `stream.processing.document`."""

    customer_id: str
    as_of: str
    risk: float | None = None
    alert: bool
    value_at_risk: float | None = None
    expected_orders: float | None = None
    expected_spend: float | None = None
    lifetime_value: float | None = None
    segment: str | None = None
    reasons: dict[str, float] | None = None
    orders: int
    spend: float
    last_order_at: str | None = None
    features: dict[str, float]


@dataclass(frozen=True, slots=True)
class Standing:
    """``segments``: customers by segment, most first. ``top``: most value at risk first."""

    customers: int
    segments: dict[str, int]
    top: list[CustomerCard]


_decoder = msgspec.json.Decoder(CustomerCard)


def stand(documents: Iterable[bytes], top: int = 10) -> Standing:
    """Count segments over ``documents`` and find the ``top`` customers by value at risk."""
    sizes: Counter[str] = Counter()

    def counted() -> Iterator[CustomerCard]:
        for document in documents:
            card = _decoder.decode(document)
            sizes[card.segment or NO_SEGMENT] += 1
            yield card

    most = heapq.nlargest(top, counted(), key=lambda card: (card.value_at_risk or 0.0, card.customer_id))
    return Standing(
        customers=sizes.total(),
        segments=dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0]))),
        top=[card for card in most if card.value_at_risk],
    )


def reason_sentences(card: CustomerCard, snapshot: ModelSnapshot | None) -> list[tuple[float, str]]:
    """(contribution, sentence) of the reasons of a document, those that raise the risk first.

    A value is a high one if its input is above that of a typical customer; without a snapshot, if its contribution goes
    the feature's natural way.
    """
    told = []
    values = complete(card.features)
    for feature, contribution in (card.reasons or {}).items():
        raises = contribution > 0
        if snapshot is None:
            is_high = raises == WORDINGS[feature].high_raises
        else:
            column = COLUMN[feature]
            is_high = FEATURES[column].input_of(values[feature]) > snapshot.churn.means[column]
        told.append((contribution, sentence(feature, values, is_high=is_high, raises=raises)))
    return sorted(told, key=lambda reason: (reason[0] < 0, -abs(reason[0])))
