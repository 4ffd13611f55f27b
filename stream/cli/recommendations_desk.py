"""Reads what to offer to a customer: their own items, and what all partitions have counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from stream.cli.identity_lookup import place_of_node
from stream.cli.shop_day import now_of
from stream.clock import SystemClock
from stream.identity.persons_of_ids import Persons
from stream.projections.recommendation_news import never_of
from stream.projections.recommendations import (
    HEAD,
    Recommendations,
    RecommendationState,
    bounds_of,
    item_key,
    shard_key,
    shopper_key,
)
from stream.recommending.fading import HOUR_MS, FadingCounts
from stream.recommending.follower_rows import FollowerRow, item_id
from stream.recommending.item_shards import SHARDS, ItemIndex, ItemShard
from stream.recommending.own_items import Shopper
from stream.recommending.persons_shopping import as_one
from stream.recommending.recommended import RecommendationLists, recommended
from stream.recommending.shop_tables import ShopHead, ShopTables, needed_for
from stream.recommending.sold_counts import SoldCounts
from stream.settings import Settings
from stream.storage.consent_desk import ConsentDesk
from stream.storage.person_ids import customers_of, persons_of
from stream.storage.projection_desk import ProjectionDesk, StatePlace

if TYPE_CHECKING:
    from stream.recommending.association_rules import AssociationRules

__all__ = [
    "KnownItems",
    "agreed_lists",
    "agreed_lists_of",
    "known_items",
    "newest_ms_of",
    "recommendations_for",
    "rules_of_shop",
]

_PROJECTION: Final = (Recommendations.name, Recommendations.version)

_decode: Final = msgspec.json.Decoder(RecommendationState).decode


class KnownItems(NamedTuple):
    """What all partitions have counted of all items: as it was read once, for any number of customers.

    ``newest_ms``: the time of the newest order. Nothing of it is ever changed.
    """

    newest_ms: int
    customers: int
    popular: FadingCounts
    sold: SoldCounts
    shards: Mapping[int, ItemShard]
    items: ItemIndex


def known_items(desk: ProjectionDesk) -> KnownItems | None:
    """The counts of all items; None if the projection has folded nothing."""
    newest_ms = newest_ms_of(desk)
    if newest_ms is None:
        return None
    stored = desk.shared(*_PROJECTION, HEAD, *map(shard_key, range(SHARDS)))
    heads: list[ShopHead] = []
    parts: dict[int, list[ItemShard]] = {number: [] for number in range(SHARDS)}
    for one in map(_decode, stored):
        if one.head is not None:
            heads.append(one.head)
        elif one.number is not None and one.shard is not None:
            parts[one.number].append(one.shard)
    shards = {number: _merged(of) for number, of in parts.items()}
    popular = FadingCounts.merged([one.popular for one in heads])
    sold = SoldCounts.merged([one.sold for one in heads])
    customers = sum(one.customers for one in heads)
    return KnownItems(newest_ms, customers, popular, sold, shards, ItemIndex.of(shards.values()))


def recommendations_for(
    desk: ProjectionDesk, settings: Settings, customer_id: str, now_ms: int, limit: int
) -> RecommendationLists | None:
    """What to offer to a customer at a time (ms), by the orders under all their ids; None if no order is known."""
    known = known_items(desk)
    if known is None:
        return None
    owned = _owned_by_person(desk, persons_of(desk, [customer_id]), customer_id)
    return _lists(desk, settings, owned, known, now_ms, limit)


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
    refused: AbstractSet[str] = frozenset(),
) -> tuple[RecommendationLists | None, bool]:
    """What to offer to a customer, and whether it is withheld, as they do not agree to be scored: then lists are empty.

    It goes by what was bought under all ids of the person.

    ``known``: None: it is read. None: no order with items is known. Two round trips: what is stored of the customer,
    and what goes with their items; some more where something is linked. Raises `StorageError` when Redis fails.
    """
    known = known or known_items(desk)
    if known is None:
        return None, False
    node, said, *stored = desk.stored_at(
        [place_of_node(desk, customer_id), consents.place_of(customer_id), *_places(desk, customer_id)]
    )
    persons = None if node is None else persons_of(desk, [customer_id])
    owned = _owned(*stored) if persons is None else _owned_by_person(desk, persons, customer_id)
    if not owned.has_items:
        return None, False
    now_ms = SystemClock().now_ms()
    if persons is None:
        consented = consents.said_in(customer_id, said)
    else:
        consented = consents.read([customer_id], persons=persons)
    if not consented.may_score(customer_id, now_ms):
        return RecommendationLists(), True
    return _lists(desk, settings, owned, known, now_of(known.newest_ms, now_ms), limit, refused), False


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


class _Owned(NamedTuple):
    """What is stored of a customer, and the ``head`` of the partition."""

    shopper: Shopper
    head: ShopHead

    @property
    def has_items(self) -> bool:
        return bool(self.shopper.items)


def _places(desk: ProjectionDesk, customer_id: str) -> list[StatePlace]:
    """Where the two are that make `_Owned`."""
    return [desk.place(*_PROJECTION, key, customer_id) for key in (shopper_key(customer_id), HEAD)]


def _owned(own: bytes | None, head: bytes | None) -> _Owned:
    shopper, stored = _decode(own).shopper if own else None, _decode(head).head if head else None
    return _Owned(shopper or Shopper(), stored or ShopHead())


def _owned_by_person(desk: ProjectionDesk, persons: Persons, customer_id: str) -> _Owned:
    """What was bought under all ids of a person, and the head of the partition of the customer to whom these belong."""
    ids, owner = persons.ids_of(customer_id), persons.customer_of(customer_id)
    keys = [*((shopper_key(one), one) for one in ids), (HEAD, owner)]
    *stored, head = desk.states_of(*_PROJECTION, keys)
    shoppers = (_decode(own).shopper for own in stored if own)
    return _owned(None, head)._replace(shopper=as_one(one for one in shoppers if one is not None))


def _lists(
    desk: ProjectionDesk,
    settings: Settings,
    owned: _Owned,
    known: KnownItems,
    now_ms: int,
    limit: int,
    refused: AbstractSet[str] = frozenset(),
) -> RecommendationLists | None:
    if not owned.has_items:
        return None
    tables = _tables(desk, settings, owned, known)
    return recommended(owned.shopper, tables, now_ms // HOUR_MS, limit, refused | never_of(settings))


def _tables(desk: ProjectionDesk, settings: Settings, owned: _Owned, known: KnownItems) -> ShopTables:
    """Sums over all partitions; the rankers are those of the customer's own, which have learned from its orders."""
    items = [*dict.fromkeys(needed_for(owned.shopper))]
    stored = desk.shared_of(*_PROJECTION, map(item_key, items))
    parts_of = [[row for state in stored[item_key(item)] if (row := _decode(state).row)] for item in items]
    rows = zip(items, FollowerRow.merged(parts_of), strict=True)
    head = owned.head
    head.customers, head.popular, head.sold = known.customers, known.popular, known.sold
    return ShopTables(
        head,
        {item: row for item, row in rows if row.ids},
        dict(known.shards),
        bounds_of(settings),
        known.items,
    )


def _merged(parts: Iterable[ItemShard]) -> ItemShard:
    of = [*parts]
    categories = {item: category for part in of for item, category in part.categories.items()}
    counts, sold = FadingCounts.merged([part.counts for part in of]), SoldCounts.merged([part.sold for part in of])
    return ItemShard(counts, categories, sold)
