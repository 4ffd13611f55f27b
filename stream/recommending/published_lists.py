"""What the topic ``recommendations`` says of a customer: compacted, keyed by ``customer_id``, sent at least once."""

from __future__ import annotations

import msgspec
import xxhash
from msgspec import Struct

from stream.alerts.alert_records import Instant
from stream.events.model import CustomerId
from stream.events.times import rfc3339
from stream.recommending.fading import HOUR_MS
from stream.recommending.recommended import RecommendationLists, Recommended

__all__ = ["CustomerRecommendations", "encode_lists", "fingerprint_of"]


class CustomerRecommendations(Struct, frozen=True, kw_only=True):
    """The first items of each list of a customer, the best first, as of the hour of what changed them.

    ``again``: items to buy again. ``also``: what else they may like. ``goes_with``: what goes with the last order. A
    record without a value takes the customer out.
    """

    customer_id: CustomerId
    as_of: Instant
    again: tuple[Recommended, ...]
    also: tuple[Recommended, ...]
    goes_with: tuple[Recommended, ...]


def encode_lists(customer_id: str, hour: int, found: RecommendationLists) -> bytes:
    """The record of a customer, as of an hour since 1970."""
    as_of = rfc3339(hour * HOUR_MS)
    lists = {"again": found.again, "also": found.also, "goes_with": found.goes_with}
    return msgspec.json.encode(CustomerRecommendations(customer_id=customer_id, as_of=as_of, **lists))


def fingerprint_of(found: RecommendationLists) -> int:
    """A hash of the items of the lists in their order, above 0; reasons change every day and do not count.

    >>> item = Recommended("tea", "Bought in 3 orders.")
    >>> fingerprint_of(RecommendationLists(again=(item,))) == fingerprint_of(RecommendationLists(also=(item,)))
    False
    """
    names = [[one.item for one in items] for items in (found.again, found.also, found.goes_with)]
    # of 62 bits, as numbers of JSON are signed
    return (xxhash.xxh3_64_intdigest(msgspec.json.encode(names)) >> 2) + 1
