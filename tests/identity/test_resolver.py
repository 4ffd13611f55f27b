"""The laws of joining: the order of links does not matter, and forbidden joins never happen."""

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.identity.links import Link, LinkName, Node, is_known, strength_of
from stream.identity.resolver import LinkLimits, LinkRefusal, Resolver, resolve

LIMITS = LinkLimits(max_customers=2, max_members=4)
CUSTOMERS = ["c-1", "c-2", "c-3", "c-4"]
EMAILS, COOKIES = ([f"{kind}:h1_{letter * 22}" for letter in "abc"] for kind in ("email", "anonymous_id"))
IDS = [*CUSTOMERS, *EMAILS, *COOKIES]
IDENTIFIED, ALIAS, MERGE, UNMERGE = LinkName

evidence = st.builds(
    Link,
    st.sampled_from([IDENTIFIED, ALIAS]),
    st.sampled_from(IDS),
    st.sampled_from(IDS),
    st.integers(0, 5),
    st.just(""),
)
decisions = st.builds(
    Link,
    st.sampled_from([MERGE, UNMERGE]),
    st.sampled_from(IDS),
    st.sampled_from(IDS),
    st.integers(0, 5),
    st.sampled_from("xyz"),
)
links = st.lists(evidence | decisions, max_size=14)


def taken(found: list[Link], limits: LinkLimits = LIMITS) -> Resolver:
    resolver = Resolver(limits=limits)
    for link in found:
        resolver.take(link)
    return resolver


def customers(resolver: Resolver) -> dict[str, str]:
    return {name: resolver.customer_of(name) for name in IDS}


def groups(resolver: Resolver) -> list[set[str]]:
    found: dict[str, set[str]] = {}
    for name, customer in customers(resolver).items():
        found.setdefault(customer, set()).add(name)
    return list(found.values())


def link(name: LinkName, one: str, other: str, at_ms: int = 0) -> Link:
    return Link(name, one, other, at_ms, f"{at_ms}")


def newest_decisions(found: list[Link]) -> dict[frozenset[str], Link]:
    """The decision in force for each pair, computed without `Pair`."""
    newest: dict[frozenset[str], Link] = {}
    for one in found:
        if one.name in {MERGE, UNMERGE} and one.one != one.other:
            pair = frozenset((one.one, one.other))
            into = one.other if one.name is MERGE else ""
            if pair not in newest or (one.at_ms, one.link_id, into) > (
                newest[pair].at_ms,
                newest[pair].link_id,
                newest[pair].other if newest[pair].name is MERGE else "",
            ):
                newest[pair] = one
    return newest


@given(links, st.sampled_from(IDS))
def test_forgetting_an_id_equals_never_having_seen_it(found: list[Link], gone: str) -> None:
    resolver, limits = taken(found, LinkLimits()), LinkLimits()
    before = customers(resolver)
    changed = resolver.forget(gone)
    wanted = taken([one for one in found if gone not in {one.one, one.other}], limits)
    assert resolver.nodes == wanted.nodes
    after = customers(resolver)
    assert changed == {name: after[name] for name in IDS if name != gone and after[name] != before[name]}


@given(links, st.randoms(use_true_random=False))
def test_the_order_of_links_does_not_matter_nor_how_often_they_come(found: list[Link], chance: random.Random) -> None:
    first = taken(found)
    again = [*found, *found]
    chance.shuffle(again)
    assert customers(taken(again)) == customers(first)
    assert taken(again).shared() == first.shared()


@given(links)
def test_links_one_by_one_give_what_all_of_them_give_at_once(found: list[Link]) -> None:
    resolver = taken(found)
    at_once = resolve(resolver.nodes, LIMITS).canonical
    assert {name: resolver.customer_of(name) for name in at_once} == at_once


@given(links)
def test_take_returns_the_changes(found: list[Link]) -> None:
    resolver = Resolver(limits=LIMITS)
    for one in found:
        before = customers(resolver)
        changed = resolver.take(one)
        after = customers(resolver)
        assert changed == {name: after[name] for name in IDS if before[name] != after[name]}


@given(links)
def test_two_known_customers_are_one_only_by_merges(found: list[Link]) -> None:
    merged = {pair for pair, made in newest_decisions(found).items() if made.name is MERGE}
    pieces = {name: {name} for name in IDS}
    for pair in resolve(taken(found).nodes, LIMITS).joined:
        if frozenset(pair) not in merged:
            union = pieces[pair[0]] | pieces[pair[1]]
            pieces.update((name, union) for name in union)
    assert all(sum(map(is_known, piece)) <= 1 for piece in pieces.values())


@given(st.lists(evidence, max_size=20))
def test_evidence_alone_never_joins_two_known_customers(found: list[Link]) -> None:
    for group in groups(taken(found)):
        assert sum(map(is_known, group)) <= 1


@given(links)
def test_no_group_has_more_ids_than_allowed(found: list[Link]) -> None:
    assert max(map(len, groups(taken(found)))) <= LIMITS.max_members


@given(links)
def test_unmerged_customers_stay_apart(found: list[Link]) -> None:
    resolver = taken(found)
    for pair, made in newest_decisions(found).items():
        if made.name is UNMERGE:
            one, other = pair
            assert resolver.customer_of(one) != resolver.customer_of(other)


@given(links, st.sampled_from(IDS), st.sampled_from(IDS))
def test_unmerge_restores_what_would_be_without_the_link(found: list[Link], one: str, other: str) -> None:
    wide = LinkLimits(max_customers=2, max_members=20)
    without = [made for made in found if {made.one, made.other} != {one, other}]
    expected = taken(without, wide)
    if one == other or expected.customer_of(one) == expected.customer_of(other):
        return
    linked = [*found, link(MERGE, one, other, 6), link(UNMERGE, one, other, 7)]
    assert customers(taken(linked, wide)) == customers(expected)


@given(links)
def test_a_shared_identifier_joins_nobody_and_is_listed(found: list[Link]) -> None:
    made = newest_decisions(found)
    resolver = taken(found)
    for name in [*EMAILS, *COOKIES]:
        sharing = {
            other
            for one in found
            if name in {one.one, one.other}
            for other in {one.one, one.other} - {name}
            if is_known(other)
            if frozenset((name, other)) not in made or made[frozenset((name, other))].name is not UNMERGE
        }
        decided = any(name in pair for pair in made)
        if len(sharing) > LIMITS.max_customers:
            assert name in resolver.shared()
            if not decided:
                assert [group for group in groups(resolver) if name in group] == [{name}]


@pytest.mark.parametrize("nobody", ["guest", "null", "0000", "undefined"])
def test_placeholders_join_nobody(nobody: str) -> None:
    resolver = taken([link(IDENTIFIED, EMAILS[0], nobody), link(MERGE, nobody, "c-1")])
    assert resolver.nodes == {}


def test_a_visitor_becomes_a_customer_through_an_address() -> None:
    resolver = Resolver()
    assert resolver.take(link(IDENTIFIED, COOKIES[0], EMAILS[0])) == {COOKIES[0]: EMAILS[0]}
    assert resolver.take(link(IDENTIFIED, "c-1", EMAILS[0])) == {COOKIES[0]: "c-1", EMAILS[0]: "c-1"}
    assert resolver.take(link(IDENTIFIED, "c-1", COOKIES[0])) == {}


def test_the_earlier_of_two_customers_keeps_a_cookie_until_a_third_comes() -> None:
    resolver = taken([link(IDENTIFIED, "c-2", COOKIES[0], 5), link(IDENTIFIED, "c-1", COOKIES[0], 3)])
    assert resolver.customer_of(COOKIES[0]) == "c-1"
    assert resolver.why("c-2").refused == {tuple(sorted(("c-2", COOKIES[0]))): LinkRefusal.TWO_CUSTOMERS}
    assert resolver.take(link(IDENTIFIED, "c-3", COOKIES[0], 9)) == {COOKIES[0]: COOKIES[0]}
    assert resolver.shared() == [COOKIES[0]]
    assert set(resolver.why(COOKIES[0]).refused.values()) == {LinkRefusal.SHARED}


def test_a_merge_says_which_customer_stays() -> None:
    assert taken([link(MERGE, "c-1", "c-2")]).customer_of("c-1") == "c-2"
    both = [link(MERGE, "c-1", "c-2", 1), link(MERGE, "c-2", "c-3", 2), link(MERGE, "c-4", "c-3", 3)]
    assert {taken(both).customer_of(name) for name in CUSTOMERS} == {"c-3"}
    assert {taken(both[::-1]).customer_of(name) for name in CUSTOMERS} == {"c-3"}


def test_hashed_addresses_of_webhooks_are_identifiers_and_other_ids_are_known() -> None:
    assert not is_known(f"email:{'0' * 64}")
    assert [is_known(name) for name in ("email:ann", "c-1", "email:h1_short")] == [True, True, True]
    assert sorted(IDS, key=strength_of)[:3] == COOKIES


def test_an_identifier_of_very_many_pairs_stays_bounded_and_is_shared() -> None:
    limits = LinkLimits(max_customers=2, max_members=8)
    resolver = taken([link(IDENTIFIED, COOKIES[0], f"email:h1_{n:022d}", n) for n in range(1, 40)], limits)
    assert len(resolver.nodes[COOKIES[0]].pairs) == 8
    assert COOKIES[0] in resolver.shared()
    assert all(resolver.customer_of(name) == name for name in resolver.nodes)


def test_an_alias_takes_at_most_150_bytes() -> None:
    customer = "123e4567-e89b-12d3-a456-426614174000"
    resolver = taken([link(IDENTIFIED, customer, COOKIES[0], 1_767_312_000_000)])
    stored = msgspec.json.encode(resolver.nodes[COOKIES[0]])
    assert len(COOKIES[0]) + len(stored) <= 150
    assert msgspec.json.decode(stored, type=Node) == resolver.nodes[COOKIES[0]]
