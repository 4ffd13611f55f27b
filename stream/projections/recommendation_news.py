"""When the projection `recommendations` publishes the lists of a customer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from stream.processing.state import Outgoing
from stream.recommending.own_items import Shopper
from stream.recommending.published_lists import encode_lists, fingerprint_of
from stream.recommending.recommended import RecommendationLists, recommended
from stream.recommending.shop_tables import ShopTables
from stream.settings import Settings

__all__ = ["ListPublisher", "News", "never_of"]

_JSON: Final = ("content-type", b"application/json")


class News(NamedTuple):
    """``published``: the fingerprint of the lists that the topic has, 0 for none. ``outgoing``: what makes it so."""

    published: int
    outgoing: Sequence[Outgoing] = ()


class ListPublisher:
    """Publishes the first ``recommend_published`` items of each list, where they change.

    What the topic has is compared without regard to complaints. So it follows from the topic of orders alone, in
    whatever order complaints come between them.
    """

    def __init__(self, settings: Settings) -> None:
        self._topic = settings.recommendations
        self._limit = settings.recommend_published
        self._never = never_of(settings)

    @property
    def is_on(self) -> bool:
        return self._limit > 0

    def after_order(self, customer_id: str, shopper: Shopper, tables: ShopTables, hour: int, published: int) -> News:
        """After an order of an ``hour``, or its return. All shards, and the rows of `needed_for`, must be there."""
        if not shopper.items:
            return News(0, (self.tombstone(customer_id),)) if published else News(0)
        if not self.is_on:
            return News(published)
        hour = _newest(shopper, hour)
        found = recommended(replace(shopper, refused=[]), tables, hour, self._limit, self._never)
        fingerprint = fingerprint_of(found)
        if fingerprint == published:
            return News(published)
        if shopper.refused:
            return News(fingerprint, (self._record(customer_id, shopper, tables, hour),))
        return News(fingerprint, (self._told(customer_id, hour, found),))

    def after_complaint(self, customer_id: str, shopper: Shopper, tables: ShopTables, published: int) -> News:
        """What they complained about goes from the lists, whether it was in them or not."""
        if not (self.is_on and published and shopper.items):
            return News(published)
        return News(published, (self._record(customer_id, shopper, tables, _newest(shopper, 0)),))

    def tombstone(self, customer_id: str) -> Outgoing:
        """The record that takes a customer out of the compacted topic."""
        return Outgoing(self._topic, customer_id.encode(), None, [])

    def _record(self, customer_id: str, shopper: Shopper, tables: ShopTables, hour: int) -> Outgoing:
        return self._told(customer_id, hour, recommended(shopper, tables, hour, self._limit, self._never))

    def _told(self, customer_id: str, hour: int, found: RecommendationLists) -> Outgoing:
        return Outgoing(self._topic, customer_id.encode(), encode_lists(customer_id, hour, found), [_JSON])


def never_of(settings: Settings) -> set[str]:
    """Items that are offered to nobody."""
    return {item.strip() for item in settings.recommend_never.split(",") if item.strip()}


def _newest(shopper: Shopper, hour: int) -> int:
    return max(hour, *(own.last for own in shopper.items.values()))
