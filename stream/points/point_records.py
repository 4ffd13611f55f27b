"""Points that were given or spent beside orders: the records of the topic ``points``.

JSON objects keyed by ``customer_id``, sent at least once; ``movement_id`` makes a repeat known.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from stream.events.model import CustomerId, Id, Instant

__all__ = ["MAX_POINTS", "PointsMovement"]

MAX_POINTS = 1_000_000_000
Note = Annotated[str, Meta(max_length=2000)]


class PointsMovement(Struct, frozen=True, kw_only=True):
    """Points of a customer were ``spent``, or ``given`` to them. Points for orders follow from the orders."""

    movement_id: Id
    customer_id: CustomerId
    name: Literal["spent", "given"]
    points: Annotated[int, Meta(ge=1, le=MAX_POINTS)]
    occurred_at: Instant
    note: Note | None = None
