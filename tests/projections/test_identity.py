"""The projection of identities: with any steps and losses, groups are those of all links at once."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.events.kinds import EventType
from stream.events.partitioner import partition_of
from stream.events.rejections import Defect
from stream.identity.links import Link, LinkName, Node
from stream.identity.records import KEY, IdentityLink, encode_link
from stream.identity.resolver import Resolver
from stream.projections.identity import Identity, LinkInput
from stream.settings import Settings
from tests.oracle.record import Record
from tests.projections.store import Store

PARTITIONS = 2
SETTINGS = Settings(partitions=PARTITIONS)
HUB = partition_of(KEY, PARTITIONS)
CLICKS, LINKS = 0, len(EventType)
AT_S = 1_717_158_600
CUSTOMERS = [f"c-{number}" for number in range(5)]
TOKENS = {kind: [f"h1_{letter * 22}" for letter in "ab"] for kind in ("email", "anonymous_id")}
IDS = [*CUSTOMERS, *(f"{kind}:{token}" for kind, tokens in TOKENS.items() for token in tokens)]


def click(number: int, customer: str, identifiers: dict[str, str], after_s: int) -> bytes:
    event: dict[str, Any] = {"event_id": f"e-{number}", "name": "page_viewed", "occurred_at": AT_S + after_s}
    return json.dumps({**event, "customer_id": customer, "identifiers": identifiers}).encode()


identified = st.tuples(
    st.sampled_from(CUSTOMERS),
    st.fixed_dictionaries({}, optional={kind: st.sampled_from(tokens) for kind, tokens in TOKENS.items()}),
    st.integers(0, 3),
)
decided = st.builds(
    IdentityLink,
    link_id=st.sampled_from("xyz"),
    name=st.sampled_from(["merge", "unmerge"]),
    one=st.sampled_from(IDS),
    other=st.sampled_from(IDS),
    occurred_at=st.integers(AT_S, AT_S + 3).map(float),
)


@given(
    st.lists(identified | decided, max_size=25),
    st.lists(st.integers(1, 4), max_size=40),
    st.lists(st.booleans(), max_size=20),
    st.integers(0, 3),
)
def test_groups_are_those_of_all_links_at_once(
    said: list[Any], sizes: list[int], losses: list[bool], cache: int
) -> None:
    stores = [Store(Identity(SETTINGS), partition, cache, AT_S * 1000) for partition in range(PARTITIONS)]
    expected = Resolver()
    for number, one in enumerate(said):
        if isinstance(one, IdentityLink):
            stores[HUB].append(LINKS, KEY, encode_link(one))
            expected.take(one.link())
            continue
        customer, identifiers, after_s = one
        value = click(number, customer, identifiers, after_s)
        stores[partition_of(customer, PARTITIONS)].append(CLICKS, customer, value)
        for kind, token in identifiers.items():
            at_ms = (AT_S + after_s) * 1000
            expected.take(Link(LinkName.IDENTIFIED, customer, f"{kind}:{token}", at_ms, f"e-{number}"))
    while not all(store.is_done for store in stores):
        for store in stores:
            lost = losses.pop() if losses else False
            for link in store.step(sizes.pop() if sizes else 10, lost=lost):
                assert (link.topic, link.key) == (SETTINGS.identities, KEY.encode())
                stores[HUB].append(LINKS, KEY, link.value or b"")
    found = {name: msgspec.json.decode(state, type=Node) for name, state in stores[HUB].stored.items()}
    assert {name: found.get(name, Node()).canonical or name for name in IDS} == {
        name: expected.customer_of(name) for name in IDS
    }


def test_repeated_identifiers_of_a_customer_are_no_new_link() -> None:
    store = Store(Identity(SETTINGS), partition_of("c-1", PARTITIONS), 10, AT_S * 1000)
    for number, after_s in enumerate([5, 9, 7, 2]):
        store.append(CLICKS, "c-1", click(number, "c-1", {"email": TOKENS["email"][0]}, after_s))
    links = [msgspec.json.decode(link.value or b"", type=IdentityLink) for link in store.step(9, lost=False)]
    # the first, and the one that is earlier than that
    assert [link.occurred_at for link in links] == [AT_S + 5, AT_S + 2]


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (b"c-1", {}, Defect.KEY_MISMATCH),
        (KEY.encode(), {"name": "joined"}, Defect.UNKNOWN_NAME),
        (KEY.encode(), {"one": "c\u0001"}, Defect.CONTROL_CHARACTER),
        (KEY.encode(), {"other": ""}, Defect.WRONG_LENGTH),
        (KEY.encode(), None, Defect.NULL_VALUE),
    ],
)
def test_an_invalid_link_is_refused(key: bytes, value: dict[str, object] | None, reason: Defect) -> None:
    good = {"link_id": "l-1", "name": "merge", "one": "c-1", "other": "c-2", "occurred_at": AT_S}
    record = Record(key, None if value is None else json.dumps(good | value).encode(), 0, 0)
    ((position, why, _),) = LinkInput("identities").read([record]).rejections
    assert (position, why) == (0, reason)


def test_a_link_of_nobody_is_skipped() -> None:
    link = IdentityLink(link_id="l-1", name="merge", one="guest", other="c-1", occurred_at=AT_S)
    reading = LinkInput("identities").read([Record(KEY.encode(), encode_link(link), 0, 0)])
    assert (reading.keyed, reading.rejections, reading.skipped) == ([], [], 1)
