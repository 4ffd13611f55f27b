"""The customer document: one declaration of what it shows.

`Customer` is the public contract: the document in Redis under the customer's key, and in the topic ``customers``.
`stream.processing.document` writes each field, to as many decimal places as stand here. The packed profile is private
to the core: it is in Redis only, as ``state``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal, get_args

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.inspect import Metadata, StructType, type_info

__all__ = [
    "CUSTOMER_VERSION",
    "OUTPUTS",
    "PROFILE_FIELDS",
    "RISK_FROM",
    "RISK_SURE",
    "Customer",
    "NextOrder",
    "Rfm",
    "RiskFrom",
    "RiskSure",
    "StageCode",
    "WhyCode",
]

#: Of the contract: raised when a field goes or changes its meaning. New fields may come at any time.
CUSTOMER_VERSION: Final = 1

#: Fields of the profile that outputs need: they are there when the document is written, after the profile is packed.
PROFILE_FIELDS: Final = (
    "as_of",
    "risk",
    "risk_version",
    "raised",
    "segment",
    "events",
    "orders",
    "order_spend",
    "refund_spend",
    "first_at",
    "last_at",
    "last_order_at",
    "unsubscribed_at",
    "stage",
    "stage_since",
    "stage_cause",
)

_PLACES: Final = "decimal_places"

#: What a risk comes from: the times of orders alone, the outcomes of earlier customers alone, or both.
RiskFrom = Literal["orders", "both", "outcomes"]
RISK_FROM: Final[tuple[str, ...]] = get_args(RiskFrom)
RiskSure = Literal["low", "medium", "high"]
RISK_SURE: Final[tuple[str, ...]] = get_args(RiskSure)

Instant = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Count = Annotated[int, Meta(ge=0)]
Score = Annotated[int, Meta(ge=1, le=5)]
#: Codes of `stream.features.stages`.
StageCode = Literal["lead", "new", "active", "won_back", "due", "at_risk", "lapsed", "lost"]
WhyCode = Literal["event", "order", "silence", "correction"]


def _about(meaning: str, places: int = 0) -> Meta:
    return Meta(description=meaning, extra={_PLACES: places})


def _means(meaning: str) -> Meta:
    """Of a field inside of an output."""
    return Meta(description=meaning)


class Rfm(Struct, frozen=True, kw_only=True):
    """Scores in fifths of the shop's customers, 5 is best."""

    recency: Annotated[Score, _means("by how long ago the last order was")]
    frequency: Annotated[Score, _means("by how often the customer orders")]
    money: Annotated[Score, _means("by what the customer has spent")]
    value: Annotated[float, Meta(ge=0.0), _means("weighted sum of the scores")]
    tier: Annotated[Literal["VIP", "high", "middle", "low", "new"], _means("what the value amounts to")]


class NextOrder(Struct, frozen=True, kw_only=True, rename={"begin": "from"}):
    """When the next order is expected."""

    at: Annotated[Instant, _means("one usual gap after the last order")]
    begin: Annotated[Instant, _means("four of five come from here on and until the end")]
    until: Annotated[Instant, _means("the end of that time")]


class Customer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a customer as of a moment of stream time.

    Unknown values are left out, and so are features still at their default (docs/features.md says which that is).
    Money is of the base currency. The order of the fields is free: a document is written by name.
    """

    customer_id: Annotated[str, Meta(min_length=1), _about("the customer")]
    as_of: Annotated[Instant, _about("the time that risk and features are of")]
    risk: (
        Annotated[float, Meta(ge=0.0, le=1.0), _about("probability of no order within the horizon", 6)] | UnsetType
    ) = UNSET
    risk_from: (
        Annotated[RiskFrom, _about("what the risk was learned from: times of orders, outcomes of customers, or both")]
        | UnsetType
    ) = UNSET
    risk_sure: Annotated[RiskSure, _about("how sure the risk is, by how much was learned")] | UnsetType = UNSET
    model_version: Annotated[Count, _about("version of the churn model that gave the risk")]
    alert: Annotated[bool, _about("whether an alert is raised and not cleared")]
    at_risk_from: Annotated[Instant, _about("when silence alone will raise an alert")] | UnsetType = UNSET
    value_at_risk: Annotated[float, _about("expected spend of the horizon times the risk", 2)] | UnsetType = UNSET
    expected_orders: (
        Annotated[float, Meta(ge=0.0), _about("orders within the next horizon, as expected", 3)] | UnsetType
    ) = UNSET
    expected_spend: Annotated[float, _about("spend within the next horizon, as expected", 2)] | UnsetType = UNSET
    lifetime_value: Annotated[float, _about("spend so far and as expected of all to come", 2)] | UnsetType = UNSET
    segment: Annotated[str, _about("name of the segment")] | UnsetType = UNSET
    stage: Annotated[StageCode, _about("where the customer stands with the shop (docs/states.md)")] | UnsetType = UNSET
    stage_since: Annotated[Instant, _about("since when the customer is in that stage")] | UnsetType = UNSET
    stage_why: Annotated[WhyCode, _about("what led to it")] | UnsetType = UNSET
    rfm: Annotated[Rfm, _about("scores by recency, frequency and money", 2)] | UnsetType = UNSET
    next_order: Annotated[NextOrder, _about("when the next order is expected")] | UnsetType = UNSET
    reasons: (
        Annotated[
            dict[str, float], _about("the features that push the risk most, with what they add to its log-odds", 3)
        ]
        | UnsetType
    ) = UNSET
    events: Annotated[Count, _about("applied events")]
    orders: Annotated[Count, _about("completed orders")]
    spend: Annotated[float, _about("orders less refunds", 4)]
    first_at: Annotated[Instant, _about("time of the first event")]
    last_at: Annotated[Instant, _about("time of the newest event")]
    last_order_at: Annotated[Instant, _about("time of the last order")] | UnsetType = UNSET
    unsubscribed_at: Annotated[Instant, _about("when the customer wanted no more e-mails")] | UnsetType = UNSET
    usual_gap_days: (
        Annotated[float, Meta(ge=0.0), _about("the habit: median gap between days with an order", 2)] | UnsetType
    ) = UNSET
    features: Annotated[dict[str, float], _means("by name (docs/features.md)")]


def _outputs() -> Mapping[str, int]:
    contract = type_info(Customer)
    assert isinstance(contract, StructType)  # noqa: S101
    return MappingProxyType(
        {
            field.encode_name: field.type.extra[_PLACES]
            for field in contract.fields
            if isinstance(field.type, Metadata) and field.type.extra
        }
    )


#: Decimal places of each output, 0 where it is no number or a whole one. Features have declarations of their own.
OUTPUTS: Final = _outputs()
