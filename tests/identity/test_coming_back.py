"""Whoever is taken apart from another customer is there again at once, whether something of theirs comes or not."""

from hypothesis import given, settings
from hypothesis import strategies as st

from stream.identity.links import LinkName
from stream.processing.document import public
from stream.processing.editions import merged_into, without_edition
from tests.identity.test_histories import COOKIE, NOW_MS, TOPICS, JoiningShop, check, record_told, view
from tests.oracle.event import Event
from tests.oracle.record import Record, record_of

MERGE, UNMERGE, IDENTIFIED = LinkName.MERGE, LinkName.UNMERGE, LinkName.IDENTIFIED


def come_straight(shop: JoiningShop, customer: str, event: Event) -> None:
    """Publish an event to its own topic: it is not sent again."""
    log = shop.topics[TOPICS[0]]
    log.append(Record(customer.encode(), record_of(customer, event).value, NOW_MS, len(log)))


def test_who_has_nothing_that_is_sent_again_comes_back_with_the_link() -> None:
    shop, old = JoiningShop(), [view(1, 0), view(2, 1)]
    for event in old:
        come_straight(shop, "c-2", event)
    shop.come("c-1", view(3, 2))
    shop.finish()
    shop.link(MERGE, "c-2", "c-1")
    shop.finish()
    assert merged_into(shop.documents.stored["c-2"]) == "c-1"
    shop.link(UNMERGE, "c-2", "c-1")
    shop.finish()
    assert merged_into(shop.documents.stored["c-2"]) is None
    check(shop, {"c-1": [view(3, 2)], "c-2": old})
    # the topic has them again, and what is published straight counts for them again
    assert record_told(shop, "c-2").events == 2
    come_straight(shop, "c-2", view(4, 3))
    shop.finish()
    check(shop, {"c-1": [view(3, 2)], "c-2": [*old, view(4, 3)]})


def test_who_has_no_event_at_all_leaves_nothing_that_says_they_are_another_one() -> None:
    shop = JoiningShop()
    shop.come("c-1", view(1, 0))
    for name in (MERGE, UNMERGE):
        shop.link(name, "c-2", "c-1")
        shop.finish()
    assert merged_into(shop.documents.stored["c-2"]) is None
    assert shop.public.get("c-2") is None
    check(shop, {"c-1": [view(1, 0)]})


def test_the_topic_of_customers_adds_up_after_links() -> None:
    """Each event counts in one record, also before any of them has an alert."""
    shop = JoiningShop()
    came = {own_id: [view(10 * n + k, n + k) for k in range(3)] for n, own_id in enumerate(["c-1", COOKIE, "c-2"])}
    for own_id, events in came.items():
        for event in events:
            shop.come(own_id, event)
    shop.finish()
    for link in [(IDENTIFIED, "c-1", COOKIE), (MERGE, "c-2", "c-1"), (UNMERGE, "c-2", "c-1"), (UNMERGE, "c-1", COOKIE)]:
        shop.link(*link)
        shop.finish()
        told = {who: record_told(shop, who) for who, value in shop.public.items() if value is not None}
        assert sum(one.events for one in told.values()) == 9, link
        for who, record in told.items():
            document = shop.documents.stored[who]
            assert merged_into(document) == (record.merged_into or None), who
            if record.events:
                assert public(without_edition(document)) == shop.public[who]


@given(st.lists(st.tuples(st.sampled_from([MERGE, UNMERGE]), st.permutations(["c-1", "c-2", "c-3"])), max_size=6))
@settings(max_examples=60, deadline=None)
def test_documents_say_who_is_who_after_any_decisions(decisions: list[tuple[LinkName, list[str]]]) -> None:
    """None of the customers has anything that is sent again."""
    shop = JoiningShop()
    for number, customer in enumerate(["c-1", "c-2", "c-3"]):
        come_straight(shop, customer, view(number, number))
    for name, (one, other, _) in decisions:
        shop.finish()
        shop.link(name, one, other)
    shop.finish()
    for customer in ("c-1", "c-2", "c-3"):
        into = shop.resolver.customer_of(customer)
        assert merged_into(shop.documents.stored[customer]) == (None if into == customer else into), customer
