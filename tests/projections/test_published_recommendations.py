"""The topic `recommendations`: when a customer has another record there, and when none."""

from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.processing.state import Outgoing
from stream.projections.recommendations import Recommendations, shopper_key
from stream.recommending.fading import HOUR_MS
from stream.recommending.published_lists import CustomerRecommendations
from stream.recommending.recommended import recommended
from stream.settings import Settings
from tests.projections.store import Store
from tests.projections.test_recommendations import (
    BEGIN_MS,
    FEEDBACK,
    ORDERS,
    Told,
    append,
    body,
    order,
    retraction,
    states,
    store,
    tables_of,
)

FIRST = 3
SETTINGS = Settings(customer_ids="any", recommend_published=FIRST)
Topic = dict[str, CustomerRecommendations]


def all_steps(kept: Store, size: int = 4) -> list[Outgoing]:
    published: list[Outgoing] = []
    while not kept.is_done:
        published += kept.step(size, lost=False)
    return published


def compacted(records: list[Outgoing]) -> Topic:
    """What the topic has in the end."""
    found: Topic = {}
    for record in records:
        assert record.topic == "recommendations"
        customer = (record.key or b"").decode()
        found.pop(customer, None)
        if record.value is not None:
            found[customer] = msgspec.json.decode(record.value, type=CustomerRecommendations)
            assert found[customer].customer_id == customer
    return found


def items(of: CustomerRecommendations) -> list[list[str]]:
    return [[one.item for one in part] for part in (of.again, of.also, of.goes_with)]


@settings(max_examples=20)
@given(st.lists(order | retraction, max_size=25), st.randoms(use_true_random=False))
def test_records_do_not_depend_on_the_steps_or_on_those_that_are_lost(events: Told, random: Random) -> None:
    whole, parts = store(SETTINGS), store(SETTINGS, cache=random.choice([0, 3, 100]))
    append(whole, events)
    append(parts, events)
    at_once = [*whole.step(len(events), lost=False)] if events else []
    in_parts: list[Outgoing] = []
    while not parts.is_done:
        in_parts += parts.step(random.randint(1, 4), lost=random.random() < 0.3)
    assert in_parts == at_once
    assert states(parts) == states(whole)


@settings(max_examples=20)
@given(st.lists(order | retraction, min_size=1, max_size=15))
def test_the_topic_has_the_lists_as_of_the_newest_order_that_changed_them(events: Told) -> None:
    kept, topic = store(SETTINGS), Topic()
    for number, event in enumerate(events):
        append(kept, [event], number)
        topic |= compacted(all_steps(kept))
        customer, found = event[1], states(kept)
        shopper = found[shopper_key(customer)].shopper if shopper_key(customer) in found else None
        if shopper is None or not shopper.items:
            topic.pop(customer, None)
            continue
        hour = max(BEGIN_MS // HOUR_MS + event[2] * 24, *(own.last for own in shopper.items.values()), 0)
        now = recommended(shopper, tables_of(kept, SETTINGS), hour, FIRST)
        assert items(topic[customer]) == [[one.item for one in part] for part in (now.again, now.also, now.goes_with)]
        assert max(map(len, items(topic[customer]))) <= FIRST


def test_nothing_is_published_by_default_and_an_order_told_again_says_nothing() -> None:
    silent, kept = store(Settings(customer_ids="any")), store(SETTINGS)
    told = {"name": "completed", "order_id": "o", "items": [{"product_id": "tea"}]}
    for one in (silent, kept):
        one.append(ORDERS, "ann", body(1, "ann", 1, **told))
        one.append(ORDERS, "ann", body(2, "ann", 1, **told))
    assert all_steps(silent) == []
    (only,) = all_steps(kept)
    assert items(compacted([only])["ann"]) == [["tea"], [], []]


def test_what_a_customer_complains_about_goes_from_their_record() -> None:
    kept = store(SETTINGS)
    kept.append(
        ORDERS,
        "ann",
        body(1, "ann", 1, name="completed", order_id="o", items=[{"product_id": one} for one in ("tea", "honey")]),
    )
    before = all_steps(kept)
    kept.append(FEEDBACK, "ann", body(2, "ann", 2, name="complained", product_id="honey"))
    after = all_steps(kept)
    assert items(compacted(before)["ann"])[0] == ["honey", "tea"]
    assert items(compacted(after)["ann"])[0] == ["tea"]


def test_who_owns_nothing_any_more_or_is_erased_leaves_a_tombstone() -> None:
    kept = store(SETTINGS)
    for customer in ("ann", "bob"):
        lines = [{"product_id": "tea"}]
        kept.append(ORDERS, customer, body(1, customer, 1, name="completed", order_id=f"o-{customer}", items=lines))
    kept.append(ORDERS, "ann", body(2, "ann", 2, name="cancelled", order_id="o-ann"))
    published = all_steps(kept)
    assert [*compacted(published)] == ["bob"]
    published += kept.erase(["bob"])
    assert compacted(published) == {}
    assert shopper_key("bob") not in kept.stored
    assert [*Recommendations(SETTINGS).erase("bob")] == [shopper_key("bob")]
