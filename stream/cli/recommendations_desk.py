"""Reads what to offer to a customer: their own items, and what all partitions have counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import reduce
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from stream.cli.identity_lookup import place_of_node
from stream.cli.known_rows import KnownRows
from stream.cli.shop_day import now_of
from stream.clock import SystemClock
from stream.identity.persons_of_ids import Persons
from stream.projections.recommendation_news import never_of
from stream.projections.recommendations import (
    HEAD,
    Recommendations,
    RecommendationState,
    shard_key,
    shopper_key,
)
from stream.recommending.fading import HOUR_MS, FadingCounts
from stream.recommending.follower_rows import Floats, item_id
from stream.recommending.item_index import IndexedRow, IndexShelf, ItemIndex
from stream.recommending.item_shards import SHARDS
from stream.recommending.list_ranker import ListRanker, RankerRecord
from stream.recommending.own_items import Shopper
from stream.recommending.persons_shopping import as_one
from stream.recommending.recommended import RecommendationLists, recommended
from stream.recommending.shop_tables import ShopHead, needed_for
from stream.recommending.sold_counts import SoldCounts, part_of_day, times_of_day
from stream.settings import Settings
from stream.storage.consent_desk import ConsentDesk
from stream.storage.person_ids import customers_of, persons_of
from stream.storage.projection_desk import ProjectionDesk, StatePlace

if TYPE_CHECKING:
    from stream.recommending.association_rules import AssociationRules

__all__ = [
    "KnownItems",
    "ListsRecord",
    "ShopRecord",
    "agreed_lists",
    "agreed_lists_of",
    "known_items",
    "newest_ms_of",
    "recommendations_for",
    "record_of_shop",
    "rules_of_shop",
]

_PROJECTION: Final = (Recommendations.name, Recommendations.version)

_decode: Final = msgspec.json.Decoder(RecommendationState).decode


class KnownItems(NamedTuple):
    """What all partitions have counted of all items: as it was read once, for any number of customers.

    ``newest_ms``: the time of the newest order. ``heads`` by partition: their rankers are asked. ``times``: as
    `times_of_day`. Nothing of it is ever changed.
    """

    newest_ms: int
    heads: Mapping[int, ShopHead]
    popular: FadingCounts
    times: Floats
    items: ItemIndex


def known_items(desk: ProjectionDesk, settings: Settings) -> KnownItems | None:
    """The counts of all items; None if the projection has folded nothing."""
    newest_ms = newest_ms_of(desk)
    if newest_ms is None:
        return None
    heads = _heads(desk, settings)
    stored = map(_decode, desk.shared(*_PROJECTION, *map(shard_key, range(SHARDS))))
    items = ItemIndex.of([one.shard for one in stored if one.shard is not None])
    popular = FadingCounts.merged([one.popular for one in heads.values()])
    times = times_of_day(SoldCounts.merged([one.sold for one in heads.values()]))
    return KnownItems(newest_ms, heads, popular, times, items)


def recommendations_for(
    desk: ProjectionDesk, settings: Settings, customer_id: str, now_ms: int, limit: int
) -> RecommendationLists | None:
    """What to offer to a customer at a time (ms), by the orders under all their ids; None if no order is known."""
    known = known_items(desk, settings)
    if known is None:
        return None
    owned = _owned_by_person(desk, persons_of(desk, [customer_id]), customer_id)
    if not owned.shopper.items:
        return None
    return _lists(desk, owned, known, KnownRows(), now_ms, limit, never_of(settings))


def newest_ms_of(desk: ProjectionDesk) -> int | None:
    """The time (ms) of the newest order that the projection has read; None if it has folded nothing."""
    progress = desk.progress(*_PROJECTION)
    return max(state.stream_time_ms or 0 for state in progress.states.values()) if progress.folded else None


def agreed_lists(
    settings: Settings, customer_id: str, limit: int, refused: AbstractSet[str] = frozenset()
) -> tuple[RecommendationLists | None, bool]:
    """As `agreed_lists_of`, of counts that are read now."""
    with ProjectionDesk(settings) as desk, ConsentDesk(settings) as consents:
        return agreed_lists_of(desk, consents, settings, customer_id, limit, refused=refused)


def agreed_lists_of(
    desk: ProjectionDesk,
    consents: ConsentDesk,
    settings: Settings,
    customer_id: str,
    limit: int,
    known: KnownItems | None = None,
    rows: KnownRows | None = None,
    refused: AbstractSet[str] = frozenset(),
) -> tuple[RecommendationLists | None, bool]:
    """What to offer to a customer, and whether it is withheld, as they do not agree to be scored: then lists are empty.

    It goes by what was bought under all ids of the person.

    ``known`` and ``rows``: None: they are read. None: no order with items is known. Two round trips: what is stored of
    the customer, and what goes with their items, unless all of it is known; some more where something is linked.
    Raises `StorageError` when Redis fails.
    """
    known = known or known_items(desk, settings)
    if known is None:
        return None, False
    place = _place(desk, customer_id)
    node, said, own = desk.stored_at([place_of_node(desk, customer_id), consents.place_of(customer_id), place])
    persons = None if node is None else persons_of(desk, [customer_id])
    if persons is None:
        owned = _Owned(_shopper(own), place.partition)
    else:
        owned = _owned_by_person(desk, persons, customer_id)
    if not owned.shopper.items:
        return None, False
    now_ms = SystemClock().now_ms()
    if persons is None:
        consented = consents.said_in(customer_id, said)
    else:
        consented = consents.read([customer_id], persons=persons)
    if not consented.may_score(customer_id, now_ms):
        return RecommendationLists(), True
    at_ms = now_of(known.newest_ms, now_ms)
    never = refused | never_of(settings)
    return _lists(desk, owned, known, rows or KnownRows(), at_ms, limit, never), False


class ListsRecord(msgspec.Struct, frozen=True):
    """How good lists of ten were, each made before the order with which it is compared; of a part of all orders.

    ``hit_share``: of the ``lists``, those with an item that was bought. ``ndcg``: the mean. None: there are no lists.
    """

    lists: int
    hit_share: float | None
    ndcg: float | None

    @classmethod
    def of(cls, records: Iterable[RankerRecord]) -> ListsRecord:
        """Of several partitions."""
        record = reduce(RankerRecord.plus, records, RankerRecord())
        if not record.lists:
            return cls(0, None, None)
        return cls(record.lists, record.hits / record.lists, record.ndcg / record.lists)


class ShopRecord(msgspec.Struct, frozen=True):
    """How good the lists of own items, ``again``, and those of new items, ``also``, were."""

    again: ListsRecord
    also: ListsRecord


def record_of_shop(desk: ProjectionDesk, settings: Settings) -> ShopRecord:
    """How good the lists of all partitions were."""
    heads = _heads(desk, settings).values()
    return ShopRecord(
        ListsRecord.of(head.repeat.record for head in heads), ListsRecord.of(head.explore.record for head in heads)
    )


def rules_of_shop(desk: ProjectionDesk, newest_ms: int, days: int) -> AssociationRules:
    """What is bought after what within some days, by the customers of all partitions."""
    from stream.recommending.association_rules import association_rules

    before = shopper_key("")
    stored = {key: state for key, state in desk.keyed_states(*_PROJECTION) if key.startswith(before)}
    owners = customers_of(desk, [key.removeprefix(before) for key in stored])
    of_persons: dict[str, list[Shopper]] = {}
    # by a hash, so that the first ones are as good as drawn
    for key in sorted(stored, key=item_id):
        shopper, one = _decode(stored[key]).shopper, key.removeprefix(before)
        if shopper is not None and shopper.items:
            of_persons.setdefault(owners.get(one, one), []).append(shopper)
    firsts = [{item: own.first for item, own in as_one(of).items.items()} for of in of_persons.values()]
    return association_rules(firsts, newest_ms // HOUR_MS, days)


def _heads(desk: ProjectionDesk, settings: Settings) -> dict[int, ShopHead]:
    """What each partition knows of all its orders."""
    partitions = range(settings.partitions)
    stored = desk.stored_at([StatePlace(*_PROJECTION, partition, HEAD) for partition in partitions])
    states = zip(partitions, stored, strict=True)
    return {partition: head for partition, state in states if state and (head := _decode(state).head) is not None}


class _Owned(NamedTuple):
    """What is stored of a customer, or of a person with several ids; and the partition whose rankers are asked."""

    shopper: Shopper
    partition: int


class _KnownShop(NamedTuple):
    """Sums over all partitions; the rankers are those of one, which have learned from the orders of its customers."""

    known: KnownItems
    head: ShopHead
    rows: Mapping[str, IndexedRow | None]

    @property
    def rankers(self) -> tuple[ListRanker, ListRanker]:
        return self.head.repeat, self.head.explore

    def shelf_at(self, hour: int) -> IndexShelf:
        known, part = self.known, part_of_day(hour, self.head.zone)
        return IndexShelf(known.items, self.rows.get, known.popular, known.times, hour, part)


def _place(desk: ProjectionDesk, customer_id: str) -> StatePlace:
    return desk.place(*_PROJECTION, shopper_key(customer_id), customer_id)


def _shopper(state: bytes | None) -> Shopper:
    return (_decode(state).shopper if state else None) or Shopper()


def _owned_by_person(desk: ProjectionDesk, persons: Persons, customer_id: str) -> _Owned:
    """What was bought under all ids of a person, in the partition of the customer to whom these belong."""
    stored = desk.stored_at([_place(desk, one) for one in persons.ids_of(customer_id)])
    owner = persons.customer_of(customer_id)
    return _Owned(as_one(map(_shopper, stored)), _place(desk, owner).partition)


def _lists(
    desk: ProjectionDesk,
    owned: _Owned,
    known: KnownItems,
    rows: KnownRows,
    now_ms: int,
    limit: int,
    refused: AbstractSet[str],
) -> RecommendationLists:
    found = rows.of(desk, [*dict.fromkeys(needed_for(owned.shopper))])
    shop = _KnownShop(known, known.heads.get(owned.partition, ShopHead()), found)
    return recommended(owned.shopper, shop, now_ms // HOUR_MS, limit, refused)
