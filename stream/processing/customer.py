"""The customer document as others may rely on it: in Redis under the customer's key, and in the topic ``customers``.

`stream.processing.document` writes it. Its packed state is private to the core: it is in Redis only, as ``state``.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

__all__ = ["CUSTOMER_VERSION", "Customer"]

#: Of the contract: raised when a field goes or changes its meaning. New fields may come at any time.
CUSTOMER_VERSION: Final = 1

Instant = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Money = Annotated[float, Meta(description="money of the base currency")]
Count = Annotated[int, Meta(ge=0)]
Days = Annotated[float, Meta(ge=0.0)]


class Customer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a customer as of a moment of stream time.

    Unknown values are left out, and so are features still at their default (docs/features.md says which that is).

    ``as_of``: the time that risk and features are of. ``risk``: probability of no order within the horizon, of
    ``model_version``. ``alert``: whether an alert is raised and not cleared. ``at_risk_from``: when silence alone will
    raise one. ``value_at_risk``, ``expected_orders`` and ``expected_spend`` are over the next horizon,
    ``lifetime_value`` over all to come. ``reasons``: the features that push the risk most, with what they add to its
    log-odds. ``spend`` is net of refunds. ``usual_gap_days``: usual days between orders.
    """

    customer_id: Annotated[str, Meta(min_length=1)]
    as_of: Instant
    risk: Annotated[float, Meta(ge=0.0, le=1.0)] | UnsetType = UNSET
    model_version: Count
    alert: bool
    at_risk_from: Instant | UnsetType = UNSET
    value_at_risk: Money | UnsetType = UNSET
    expected_orders: Annotated[float, Meta(ge=0.0)] | UnsetType = UNSET
    expected_spend: Money | UnsetType = UNSET
    lifetime_value: Money | UnsetType = UNSET
    segment: str | UnsetType = UNSET
    reasons: dict[str, float] | UnsetType = UNSET
    events: Count
    orders: Count
    spend: Money
    first_at: Instant
    last_at: Instant
    last_order_at: Instant | UnsetType = UNSET
    unsubscribed_at: Instant | UnsetType = UNSET
    usual_gap_days: Days | UnsetType = UNSET
    features: dict[str, float]
