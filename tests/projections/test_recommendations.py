"""Recommendations: what is counted, against its definition; and the lists."""

from random import Random
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.projections.recommendations import (
    HEAD,
    Recommendations,
    RecommendationState,
    bounds_of,
    item_key,
    shard_key,
    shopper_key,
)
from stream.recommending.fading import HALF_LIFE_H, HOUR_MS
from stream.recommending.follower_rows import item_id
from stream.recommending.item_shards import SHARDS, ItemShard, shard_of
from stream.recommending.recommended import recommended
from stream.recommending.shop_tables import ShopTables
from stream.settings import Settings
from tests.projections.store import Store

BEGIN_MS = 1_767_571_200_000
ORDERS, FEEDBACK = 0, 1
SETTINGS = Settings(customer_ids="any", recommend_items=256, recommend_followers=5)

baskets = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=5, unique=True)
order = st.tuples(st.just("completed"), st.sampled_from("xyz"), st.integers(0, 40), baskets)
retraction = st.tuples(st.sampled_from(["cancelled", "refunded"]), st.sampled_from("xyz"), st.integers(0, 40), baskets)
told = st.lists(order | retraction, max_size=25)
Told = list[tuple[str, str, int, list[str]]]


def store(of: Settings = SETTINGS, cache: int = 3) -> Store:
    return Store(Recommendations(of), 0, cache, BEGIN_MS + 3000 * 24 * HOUR_MS)


def body(number: int, customer: str, day: float, **more: Any) -> bytes:
    at_s = BEGIN_MS / 1000 + day * 86_400
    return orjson.dumps({"event_id": f"e{number}", "customer_id": customer, "occurred_at": at_s, **more})


def append(kept: Store, events: Told, begin: int = 0) -> None:
    """The orders of a customer have numbers from ``begin`` on, a retraction that of one of the first."""
    for number, (name, customer, day, items) in enumerate(events, begin):
        of = f"{customer}{number}" if name == "completed" else f"{customer}{day % 25}"
        lines = [{"product_id": item, "category": "early" if item < "d" else None} for item in items]
        kept.append(ORDERS, customer, body(number, customer, day, name=name, order_id=of, items=lines))


def states(kept: Store) -> dict[str, RecommendationState]:
    return {key: msgspec.json.decode(state, type=RecommendationState) for key, state in kept.stored.items()}


def tables_of(kept: Store, of: Settings = SETTINGS) -> ShopTables:
    found = states(kept)
    head = found[HEAD].head
    assert head is not None
    rows = {one.item: one.row for one in found.values() if one.item is not None and one.row is not None}
    empty = RecommendationState()
    shards = {number: found.get(shard_key(number), empty).shard or ItemShard() for number in range(SHARDS)}
    return ShopTables(head, rows, shards, bounds_of(of))


def row_of(tables: ShopTables, item: str) -> dict[int, float]:
    row = tables.rows.followers([item], BEGIN_MS // HOUR_MS).of
    return dict(zip(row.ids.tolist(), row.customers.tolist(), strict=True))


@settings(max_examples=20)
@given(told, st.randoms(use_true_random=False))
def test_states_do_not_depend_on_the_steps_or_on_those_that_are_lost(events: Told, random: Random) -> None:
    whole, parts = store(), store(cache=random.choice([0, 3, 100]))
    append(whole, events)
    append(parts, events)
    if events:
        whole.step(len(events), lost=False)
    while not parts.is_done:
        parts.step(random.randint(1, 4), lost=random.random() < 0.3)
    assert states(parts) == states(whole)


@settings(max_examples=30)
@given(st.lists(order, max_size=20))
def test_counts_are_those_of_first_purchases(events: Told) -> None:
    of = Settings(customer_ids="any")
    kept = store(of)
    append(kept, events)
    if events:
        kept.step(len(events), lost=False)
    own: dict[str, set[str]] = {}
    pairs: dict[tuple[str, str], list[int]] = {}
    buyers: dict[str, list[int]] = {}
    for _, customer, day, items in events:
        had = own.setdefault(customer, set())
        for follower in {*items} - had:
            buyers.setdefault(follower, []).append(day)
            for item in (had | {*items}) - {follower}:
                pairs.setdefault((item, follower), []).append(day)
        had |= {*items}
    if not events:
        assert not kept.stored
        return
    tables = tables_of(kept, of)
    at = BEGIN_MS // HOUR_MS + 50 * 24

    def worth(days: list[int]) -> Any:
        return pytest.approx(sum(0.5 ** ((50 - day) * 24 / HALF_LIFE_H) for day in days), rel=0.01)

    rows = {item: tables.rows.followers([item], at).of for item in "abcdefgh"}
    assert tables.rows.pairs() == len(pairs)
    for (item, follower), days in pairs.items():
        assert rows[item].of(item_id(follower)) == worth(days)
    for name, days in buyers.items():
        assert tables.shards[shard_of(name)].counts.weight(name, at) == worth(days)
    assert tables.head.customers == len(own)


@settings(max_examples=20)
@given(st.lists(order, min_size=1, max_size=12), baskets)
def test_an_order_that_is_cancelled_at_once_leaves_no_counts(events: Told, items: list[str]) -> None:
    without, with_it = store(Settings(customer_ids="any")), store(Settings(customer_ids="any"))
    for kept in (without, with_it):
        append(kept, events)
    cancelled = {"name": "completed", "order_id": "new", "items": [{"product_id": item} for item in items]}
    with_it.append(ORDERS, "x", body(998, "x", 41, **cancelled))
    with_it.append(ORDERS, "x", body(999, "x", 42, name="cancelled", order_id="new"))
    for kept in (without, with_it):
        while not kept.is_done:
            kept.step(5, lost=False)
    before, after = tables_of(without), tables_of(with_it)
    for item in "abcdefgh":
        assert row_of(after, item) == row_of(before, item)
        assert after.shards[shard_of(item)].counts.counts == before.shards[shard_of(item)].counts.counts
    assert after.head.customers == before.head.customers


def test_an_order_may_be_cancelled_in_the_step_of_a_newer_one() -> None:
    at_once, apart = store(), store()
    events: Told = [("completed", "x", 1, ["a"]), ("completed", "x", 2, ["b"]), ("cancelled", "x", 25, ["a"])]
    for kept in (at_once, apart):
        append(kept, events)
    at_once.step(3, lost=False)
    while not apart.is_done:
        apart.step(1, lost=False)
    assert states(at_once) == states(apart)
    shopper = states(at_once)[shopper_key("x")].shopper
    assert shopper is not None
    assert [*shopper.items] == ["b"]


def test_memory_is_bounded_by_the_settings() -> None:
    kept = store()
    random = Random(3)
    for number in range(400):
        lines = [{"product_id": f"i{random.randrange(3000)}"} for _ in range(4)]
        customer = f"c{number % 40}"
        kept.append(ORDERS, customer, body(number, customer, 1, name="completed", order_id=f"o{number}", items=lines))
    while not kept.is_done:
        kept.step(50, lost=False)
    found = states(kept)
    rows = [one.row for one in found.values() if one.row is not None]
    assert sum(len(one.shard.counts.counts) for one in found.values() if one.shard is not None) <= 2 * 256
    assert len(rows) <= 2 * 256
    assert max(len(row.ids) for row in rows) == 2 * 5 * 8


def shop() -> Store:
    """Ten customers buy tea, then honey; all buy bread. One bought tea, and tea again every ten days."""
    kept = store(Settings(customer_ids="any"))
    number = 0

    def buy(customer: str, day: float, *items: str) -> None:
        nonlocal number
        number += 1
        lines = [{"product_id": item, "category": "sweet" if item.startswith("s") else None} for item in items]
        kept.append(ORDERS, customer, body(number, customer, day, name="completed", order_id=f"o{number}", items=lines))

    for k in range(10):
        buy(f"c{k}", k, "tea", "bread")
        buy(f"c{k}", k + 1, "honey")
        buy(f"d{k}", k, "bread", "nails")
        buy(f"e{k}", k, *(f"s{j}" for j in range(6)), "bread")
    for day in (10, 20, 30):
        buy("ann", day, "tea")
    return kept


def test_lists_say_what_to_offer_and_why() -> None:
    kept = shop()
    while not kept.is_done:
        kept.step(7, lost=False)
    shopper = states(kept)[shopper_key("ann")].shopper
    assert shopper is not None
    tables, at = tables_of(kept), BEGIN_MS // HOUR_MS + 40 * 24
    found = recommended(shopper, tables, at, 10)
    assert [one.item for one in found.again] == ["tea"]
    assert found.again[0].reason == "Bought in 3 orders, about every 10 days, the last 10 days ago."
    offered = [one.item for one in found.also]
    assert offered[0] in {"honey", "bread"}
    reason = next(one.reason for one in found.also if one.item == "honey")
    # ten of eleven customers: 6.7 of 7.3, faded for about five weeks
    assert reason == "Bought with tea, or after it, by 7 of 7 customers lately."
    assert sum(item.startswith("s") for item in offered) == 3
    assert not {one.item for one in found.goes_with} & {*offered, "tea"}
    without = recommended(shopper, tables, at, 10, {"honey", "tea"})
    everywhere = (*without.again, *without.also, *without.goes_with)
    assert not {"honey", "tea"} & {one.item for one in everywhere}


def test_what_they_complained_about_is_not_offered() -> None:
    kept = shop()
    complaint = {"name": "complained", "product_id": "honey"}
    kept.append(FEEDBACK, "ann", body(900, "ann", 31, **complaint))
    kept.append(FEEDBACK, "ann", body(901, "ann", 31, name="praised", product_id="bread"))
    while not kept.is_done:
        kept.step(1000, lost=False)
    shopper = states(kept)[shopper_key("ann")].shopper
    assert shopper is not None
    assert shopper.refused == ["honey"]
    found = recommended(shopper, tables_of(kept), BEGIN_MS // HOUR_MS + 40 * 24, 10)
    assert "honey" not in {one.item for one in (*found.again, *found.also, *found.goes_with)}
    assert "bread" in {one.item for one in found.also}


def test_erasing_a_customer_leaves_only_counts() -> None:
    assert [*Recommendations(SETTINGS).erase("ann")] == ["customer/ann"]


def test_orders_without_items_and_what_is_no_event_begin_no_state() -> None:
    kept = store()
    kept.append(ORDERS, "a", body(1, "a", 1, name="completed", order_id="o"))
    kept.append(ORDERS, "a", body(2, "a", 2, name="cancelled", order_id="o"))
    kept.append(ORDERS, "a", b"no event")
    kept.step(10, lost=False)
    assert kept.stored == {}


def test_an_item_may_have_any_name() -> None:
    kept = store()
    odd = ["shop", "counts/1", "customer/a", "é 世界", ""]
    kept.append(ORDERS, "a", body(1, "a", 1, name="completed", order_id="o", items=[{"product_id": i} for i in odd]))
    kept.step(10, lost=False)
    found = states(kept)
    assert {one.item for one in found.values() if one.item is not None} == {*odd} - {""}
    assert all(one.item is None or key == item_key(one.item) for key, one in found.items())
