"""What to offer to a customer, as the console shows it."""

from __future__ import annotations

from typing import NamedTuple

from stream.recommending.recommended import RecommendationLists

__all__ = ["Offered"]


class Offered(NamedTuple):
    """``lists``: None if no order with items is known; empty if the customer does not agree to be scored."""

    lists: RecommendationLists | None
    is_withheld: bool = False
