"""What customers buy, what goes with it, and what to offer to whom."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Final, NamedTuple, TypeAlias, cast

import msgspec
import xxhash

from stream.catalogue.events import EventType
from stream.events.columns import HASH_BITS
from stream.events.decode import Decoder
from stream.events.model import Event, FeedbackEvent, PurchaseEvent
from stream.processing.state import Outgoing
from stream.projections.fold import Fold
from stream.projections.protocol import Folded
from stream.projections.recommendation_news import ListPublisher, News
from stream.projections.shop_time import shop_zone
from stream.projections.topic_inputs import ContentInput, Told
from stream.recommending.fading import HOUR_MS
from stream.recommending.follower_rows import FollowerRow
from stream.recommending.item_shards import SHARDS, ItemShard, shard_of
from stream.recommending.own_items import Shopper
from stream.recommending.shop_tables import (
    Bounds,
    ShopHead,
    ShopOrder,
    ShopTables,
    all_antecedents_of,
    antecedents_of,
    needed_for,
)
from stream.settings import Settings

__all__ = [
    "HEAD",
    "RecommendationState",
    "Recommendations",
    "bounds_of",
    "item_key",
    "shard_key",
    "shopper_key",
]

_LOG = logging.getLogger(__name__)
#: The key of what a partition knows of all its orders.
HEAD: Final = "shop"


class RecommendationState(msgspec.Struct, omit_defaults=True, gc=False):
    """Of an item, named ``item``: ``row``. Of some items, a ``shard``; or of all: ``head``.

    Of a customer: ``shopper``, and ``published``, the `fingerprint_of` the lists that the topic has, 0 for none.

    All but those of customers are parts: each partition counts what its own customers buy.
    """

    shopper: Shopper | None = None
    published: int = 0
    item: str | None = None
    row: FollowerRow | None = None
    number: int | None = None
    shard: ItemShard | None = None
    head: ShopHead | None = None


class _Erased(NamedTuple):
    """A customer who is to be erased."""

    customer_id: str


_Message: TypeAlias = Told | _Erased

#: Of whom nothing is known.
_NOBODY: Final = Shopper()


class Recommendations(Fold[RecommendationState]):
    """Own items of each customer, and counts of what goes together, by the order of the topic of orders.

    An order counts at once. One that is told again says nothing, as long as it is among the newest of the customer.
    Complaints about an item only say what is not to be offered, so the order of the two topics is no matter.

    Orders of who does not agree to profiling then are passed over (`Asking`); what was counted can be returned.

    The time of the day is that of ``shop_timezone`` as a partition began. Rebuild after a change of it.

    With ``recommend_published`` the topic `recommendations` gets the first items of a customer whenever they change.
    """

    name: ClassVar[str] = "recommendations"
    version: ClassVar[int] = 4
    state: ClassVar[type[RecommendationState]] = RecommendationState
    about: ClassVar[str] = "What each customer buys, and what is bought with it or after it."
    why: ClassVar[str] = "to offer what a customer may need"
    key: ClassVar[str] = "customer (customer/ID), item (item/ID), and the shop, in each partition"

    def __init__(self, settings: Settings) -> None:
        decoder = Decoder.of(settings)
        self._bounds = bounds_of(settings)
        self._publisher = ListPublisher(settings)
        zone = shop_zone(settings).key
        self._zone = "" if zone == "UTC" else zone
        self._has_told_of_zone = False
        self.inputs = (
            ContentInput(EventType.PURCHASE, settings.topic_of(EventType.PURCHASE), decoder, _of_order, reports=False),
            ContentInput(
                EventType.FEEDBACK, settings.topic_of(EventType.FEEDBACK), decoder, _of_complaint, reports=False
            ),
        )

    def release(self, customer_id: str) -> None:
        """What goes with what is of nobody alone, and an order counts once.

        What the shop learned from it cannot be taken back exactly: weights were rounded, and rows may be full.
        """

    def learned_from(self, message: object) -> str | None:
        """The customer who ordered; a return takes back what was counted, and teaches nothing."""
        event = message.event if isinstance(message, Told) else None
        return event.customer_id if isinstance(event, PurchaseEvent) and event.name == "completed" else None

    def reach(self, states: Mapping[str, RecommendationState], messages: Sequence[tuple[str, object]]) -> Iterable[str]:
        """The rows of items from which an order concludes to others, and the counts of all items."""
        events = [*_events(messages)]
        purchases = [event for _, event in events if isinstance(event, PurchaseEvent)]
        publishes = self._publisher.is_on
        if not events or not (purchases or publishes):
            return
        head = states[HEAD].head if HEAD in states else None
        if head is not None and (publishes or any(head.learns_from(_order_hash(event)) for event in purchases)):
            yield from map(shard_key, range(SHARDS))
            return
        items: set[str] = set()
        for key, event in events:
            state = states.get(key)
            shopper = _NOBODY if state is None or state.shopper is None else state.shopper
            if isinstance(event, PurchaseEvent):
                items.update(antecedents_of(shopper, _items(event)))
            if publishes:
                items.update(needed_for(shopper))
            if isinstance(event, PurchaseEvent) and event.name != "completed":
                items.update(all_antecedents_of(shopper))
        if head is None:
            # asked first, or of a shop that has counted nothing
            yield HEAD
            yield from map(item_key, items)
        else:
            yield from map(shard_key, {*map(shard_of, items)})

    def fold(self, states: Mapping[str, RecommendationState], messages: Sequence[tuple[str, object]]) -> Folded:
        shoppers = {key: state.shopper for key, state in states.items() if state.shopper is not None}
        published = {key: state.published for key, state in states.items()}
        tables = self._tables(states.values())
        changed: dict[str, RecommendationState | None] = {}
        outgoing: list[Outgoing] = []
        for key, message in cast("Sequence[tuple[str, _Message]]", messages):
            if isinstance(message, _Erased):
                changed[key] = None
                # also where nothing was published lately: an earlier version or generation may have
                outgoing.append(self._publisher.tombstone(message.customer_id))
                continue
            shopper = shoppers.setdefault(key, Shopper())
            _take(shopper, tables, message)
            news = self._news(shopper, tables, message, published.get(key, 0))
            published[key] = news.published
            outgoing += news.outgoing
            is_known = shopper != _NOBODY or news.published
            changed[key] = RecommendationState(shopper=shopper, published=news.published) if is_known else None
        for name, row in tables.rows.changed():
            changed[item_key(name)] = RecommendationState(item=name, row=row) if row is not None else None
        for number, shard in tables.changed_shards.items():
            changed[shard_key(number)] = RecommendationState(number=number, shard=shard)
        if tables.head_has_changed:
            changed[HEAD] = RecommendationState(head=tables.head)
        return Folded(changed, outgoing)

    def forget(self, customer_id: str) -> Iterable[tuple[str, object]]:
        """Counts of items are of nobody alone; the topic is told."""
        return ((shopper_key(customer_id), _Erased(customer_id)),)

    def _news(self, shopper: Shopper, tables: ShopTables, told: Told, published: int) -> News:
        customer_id = told.event.customer_id
        if isinstance(told.event, FeedbackEvent):
            return self._publisher.after_complaint(customer_id, shopper, tables, published)
        return self._publisher.after_order(customer_id, shopper, tables, told.at_ms // HOUR_MS, published)

    def _tables(self, states: Iterable[RecommendationState]) -> ShopTables:
        rows: dict[str, FollowerRow] = {}
        shards: dict[int, ItemShard] = {}
        head = ShopHead(zone=self._zone)
        for state in states:
            if state.item is not None and state.row is not None:
                rows[state.item] = state.row
            elif state.number is not None and state.shard is not None:
                shards[state.number] = state.shard
            elif state.head is not None:
                head = state.head
        if head.zone != self._zone and not self._has_told_of_zone:
            self._has_told_of_zone = True
            _LOG.warning(
                "shop_timezone is %s, recommendations go on by %s, by which they began: stream projections rebuild %s",
                *(self._zone or "UTC", head.zone or "UTC", self.name),
            )
        return ShopTables(head, rows, shards, self._bounds)

    def erase(self, customer_id: str) -> Iterable[str]:
        """Counts of items are of nobody alone."""
        return (shopper_key(customer_id),)


def bounds_of(settings: Settings) -> Bounds:
    return Bounds(settings.recommend_items, settings.recommend_followers)


def shopper_key(customer_id: str) -> str:
    return f"customer/{customer_id}"


def item_key(item: str) -> str:
    return f"item/{item}"


def shard_key(number: int) -> str:
    """The key of the counts of a part of all items."""
    return f"counts/{number}"


def _of_order(event: Event) -> Sequence[str]:
    order = cast("PurchaseEvent", event)
    return (shopper_key(event.customer_id),) if order.items or order.name != "completed" else ()


def _of_complaint(event: Event) -> Sequence[str]:
    feedback = cast("FeedbackEvent", event)
    return (shopper_key(event.customer_id),) if feedback.name == "complained" and feedback.product_id else ()


def _events(messages: Sequence[tuple[str, object]]) -> Iterable[tuple[str, Event]]:
    return ((key, message.event) for key, message in messages if isinstance(message, Told))


def _items(event: PurchaseEvent) -> list[str]:
    return [*dict.fromkeys([item.product_id for item in event.items or () if item.product_id])]


def _order_hash(event: PurchaseEvent) -> int:
    digest: int = xxhash.xxh3_64_intdigest(event.order_id.encode("utf-8", "surrogatepass"))
    return digest & ((1 << HASH_BITS) - 1)


def _take(shopper: Shopper, tables: ShopTables, told: Told) -> None:
    event = told.event
    if isinstance(event, FeedbackEvent):
        shopper.refuse(event.product_id or "")
    elif isinstance(event, PurchaseEvent):
        order_id = _order_hash(event)
        if event.name == "completed":
            items = {item.product_id: item.category for item in event.items or () if item.product_id}
            tables.buy(shopper, ShopOrder(order_id, told.at_ms // HOUR_MS, items))
        elif event.name == "cancelled":
            tables.take_back(shopper, order_id, None)
        elif event.items:
            tables.take_back(shopper, order_id, _items(event))
        elif event.amount is None:
            tables.take_back(shopper, order_id, None)
