"""Reads what to offer to a customer: their own items, and what all partitions have counted."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Final

import msgspec

from stream.cli.identity_lookup import customer_of
from stream.cli.shop_day import now_of
from stream.clock import SystemClock
from stream.consent.purposes import Purpose
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
from stream.recommending.own_items import Shopper
from stream.recommending.recommended import RecommendationLists, recommended
from stream.recommending.shop_tables import SHARDS, ItemShard, ShopHead, ShopTables, needed_for
from stream.settings import Settings
from stream.storage.consent_desk import ConsentDesk
from stream.storage.projection_desk import ProjectionDesk

if TYPE_CHECKING:
    from stream.recommending.association_rules import AssociationRules

__all__ = ["agreed_lists", "lists_now", "newest_ms_of", "recommendations_for", "rules_of_shop"]

_decode: Final = msgspec.json.Decoder(RecommendationState).decode


def recommendations_for(
    desk: ProjectionDesk,
    settings: Settings,
    customer_id: str,
    now_ms: int,
    limit: int,
    refused: AbstractSet[str] = frozenset(),
) -> RecommendationLists | None:
    """What to offer to a customer now; None if no order of theirs is known."""
    own = desk.state(Recommendations.name, Recommendations.version, shopper_key(customer_id), customer_id)
    shopper = None if own is None else _decode(own).shopper
    if shopper is None or not shopper.items:
        return None
    head = desk.state(Recommendations.name, Recommendations.version, HEAD, customer_id)
    tables = _tables(desk, settings, shopper, None if head is None else _decode(head).head)
    return recommended(shopper, tables, now_ms // HOUR_MS, limit, refused | never_of(settings))


def newest_ms_of(desk: ProjectionDesk) -> int | None:
    """The time (ms) of the newest order that the projection has read; None if it has folded nothing."""
    progress = desk.progress(Recommendations.name, Recommendations.version)
    return max(state.stream_time_ms or 0 for state in progress.states.values()) if progress.folded else None


def lists_now(
    desk: ProjectionDesk, settings: Settings, customer_id: str, limit: int, refused: AbstractSet[str] = frozenset()
) -> RecommendationLists | None:
    """What to offer to the customer of an id, as of now; None if the projection knows no order of theirs."""
    newest_ms = newest_ms_of(desk)
    if newest_ms is None:
        return None
    now_ms = now_of(newest_ms, SystemClock().now_ms())
    found = recommendations_for(desk, settings, customer_id, now_ms, limit, refused)
    if found is None and (owner := customer_of(desk, customer_id)) != customer_id:
        found = recommendations_for(desk, settings, owner, now_ms, limit, refused)
    return found


def agreed_lists(settings: Settings, customer_id: str, limit: int) -> tuple[RecommendationLists | None, bool]:
    """What to offer to a customer, and whether it is withheld, as they do not agree to be scored: then lists are empty.

    None: no order with items is known. Raises `StorageError` when Redis fails.
    """
    with ProjectionDesk(settings) as desk, ConsentDesk(settings) as consents:
        found = lists_now(desk, settings, customer_id, limit)
        # the lists may be those of the customer to whom the id belongs
        persons = {customer_id, customer_of(desk, customer_id)}
        consented, now_ms = consents.read([*persons]), SystemClock().now_ms()
    if found is None or all(consented.may(one, Purpose.PROFILING, None, now_ms) for one in persons):
        return found, False
    return RecommendationLists(), True


def rules_of_shop(desk: ProjectionDesk, newest_ms: int, days: int) -> AssociationRules:
    """What is bought after what within some days, by the customers of all partitions."""
    from stream.recommending.association_rules import association_rules

    stored = desk.keyed_states(Recommendations.name, Recommendations.version)
    # by a hash, so that the first ones are as good as drawn
    of_customers = sorted((item_id(key), state) for key, state in stored if key.startswith(shopper_key("")))
    shoppers = [shopper for _, state in of_customers if (shopper := _decode(state).shopper) is not None]
    firsts = [{item: own.first for item, own in shopper.items.items()} for shopper in shoppers if shopper.items]
    return association_rules(firsts, newest_ms // HOUR_MS, days)


def _tables(desk: ProjectionDesk, settings: Settings, shopper: Shopper, own: ShopHead | None) -> ShopTables:
    """Sums over all partitions; the rankers are those of the customer's own, which have learned from its orders."""
    items = map(item_key, dict.fromkeys(needed_for(shopper)))
    keys = (HEAD, *map(shard_key, range(SHARDS)), *items)
    found = [_decode(state) for state in desk.shared(Recommendations.name, Recommendations.version, *keys)]
    head = ShopHead() if own is None else own
    heads = [one.head for one in found if one.head is not None]
    head.customers = sum(one.customers for one in heads)
    head.popular = FadingCounts.merged([one.popular for one in heads])
    rows: dict[str, list[FollowerRow]] = {}
    shards: dict[int, list[ItemShard]] = {number: [] for number in range(SHARDS)}
    for one in found:
        if one.item is not None and one.row is not None:
            rows.setdefault(one.item, []).append(one.row)
        elif one.number is not None and one.shard is not None:
            shards[one.number].append(one.shard)
    return ShopTables(
        head,
        {item: FollowerRow.merged(parts) for item, parts in rows.items()},
        {number: _merged(parts) for number, parts in shards.items()},
        bounds_of(settings),
    )


def _merged(parts: Iterable[ItemShard]) -> ItemShard:
    of = [*parts]
    categories = {item: category for part in of for item, category in part.categories.items()}
    return ItemShard(FadingCounts.merged([part.counts for part in of]), categories)
