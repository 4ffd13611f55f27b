"""Links upon links: who comes back has what they would have without them, whatever was taken apart meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.identity.links import Link, LinkName
from stream.identity.note_proof import NoteProof
from stream.projections.arrivals import Arrivals
from stream.settings import Settings
from tests.identity.assigned_notes import assigned_notes
from tests.identity.test_histories import ADDRESS, COOKIE, IDS, NOW_MS, ON, SETTINGS, JoiningShop, check, view
from tests.oracle.event import Event
from tests.projections.store import Store

MERGE, UNMERGE, IDENTIFIED = LinkName.MERGE, LinkName.UNMERGE, LinkName.IDENTIFIED
CHAINS = {
    "taken from the one it joined, while both are a third": [
        (MERGE, "c-1", "c-2"),
        (MERGE, "c-2", "c-3"),
        (UNMERGE, "c-1", "c-2"),
        (UNMERGE, "c-2", "c-3"),
    ],
    "stays with the third": [
        (MERGE, "c-1", "c-2"),
        (MERGE, "c-2", "c-3"),
        (MERGE, "c-1", "c-3"),
        (UNMERGE, "c-2", "c-3"),
        (UNMERGE, "c-1", "c-2"),
    ],
    "an address that was a customer of its own": [
        (IDENTIFIED, ADDRESS, COOKIE),
        (IDENTIFIED, "c-1", ADDRESS),
        (UNMERGE, ADDRESS, COOKIE),
        (UNMERGE, "c-1", ADDRESS),
    ],
    "comes back with what it had": [
        (IDENTIFIED, "c-1", ADDRESS),
        (MERGE, "c-1", "c-2"),
        (UNMERGE, "c-1", "c-2"),
    ],
}


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS.keys())
@pytest.mark.parametrize("cache", [1, 100])
def test_who_comes_back_has_the_events_of_their_ids(chain: list[tuple[LinkName, str, str]], cache: int) -> None:
    shop = JoiningShop(cache)
    came = {own_id: [view(10 * number + k, number + k) for k in range(3)] for number, own_id in enumerate(IDS)}
    for own_id, events in came.items():
        for event in events:
            shop.come(own_id, event)
    for link in chain:
        shop.finish()
        shop.link(*link)
    shop.finish()
    check(shop, came)


def test_a_join_of_long_ago_is_not_undone_at_the_cost_of_what_came_since() -> None:
    """What cannot be sent again any more is in the present profile only."""
    shop = JoiningShop(settings=Settings(**{**ON, "identity_history_days": 20}))
    shop.link(IDENTIFIED, "c-1", COOKIE)
    shop.come("c-1", view(0, 0))
    shop.come(COOKIE, view(1, 1))
    own = [view(2 + k, 2 + 5 * k) for k in range(10)]
    for event in own:
        shop.come("c-1", event)
        shop.finish()
    shop.link(UNMERGE, "c-1", COOKIE)
    shop.finish()
    assert msgspec.json.decode(shop.documents.stored["c-1"])["events"] == len(own) + 2
    assert shop.resolver.customer_of(COOKIE) == COOKIE


@dataclass
class ScatteredShop(JoiningShop):
    """Each id is in a partition of `arrivals` of its own: what they publish comes in any order between them."""

    waiting: dict[str, list[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.stages = {own_id: Store(Arrivals(self.settings), 0, 3) for own_id in IDS}
        self.waiting = {own_id: [] for own_id in IDS}

    def come(self, own_id: str, event: Event) -> None:
        self.arrivals = self.stages[own_id]
        super().come(own_id, event)

    def link(self, name: LinkName, one: str, other: str) -> None:
        link = Link(name, one, other, self.versions, f"l-{self.versions}")
        notes = list(assigned_notes(self.resolver, link, self.versions, NoteProof.of(SETTINGS)))
        self.versions += 1
        for own_id, note, headers in notes:
            self.arrivals = self.stages[own_id]
            self.arrivals.append(0, own_id, note, headers, NOW_MS)
            self._pass_on()

    def deliver(self, own_id: str, count: int) -> None:
        """The next records that an id gives reach their topics."""
        queue = self.waiting[own_id]
        for one in queue[:count]:
            super()._publish(one)
        del queue[:count]

    def finish_all(self, order: Sequence[str]) -> None:
        for own_id in order:
            self.deliver(own_id, len(self.waiting[own_id]))
        self.finish()

    def _publish(self, one: Any) -> None:
        if one.topic in self.topics:
            own_id = next(own_id for own_id, stage in self.stages.items() if stage is self.arrivals)
            self.waiting[own_id].append(one)


@st.composite
def scattered_stories(draw: st.DrawFn) -> list[Any]:
    """Few events of each id, decisions of people, deliveries and steps, in any order."""
    items: list[Any] = []
    for number, own_id in enumerate(IDS):
        items += [(own_id, view(10 * number + k, number + k)) for k in range(draw(st.integers(0, 2)))]
    pairs = st.lists(st.sampled_from(IDS), min_size=2, max_size=2, unique=True)
    for one, other in draw(st.lists(pairs, min_size=1, max_size=7)):
        items.append((draw(st.sampled_from([IDENTIFIED, MERGE, UNMERGE])), one, other))
    items += draw(st.lists(st.tuples(st.sampled_from(IDS), st.integers(1, 4)), max_size=8))
    items += draw(st.lists(st.integers(1, 6), max_size=5))
    return draw(st.permutations(items))


@given(scattered_stories(), st.permutations(IDS), st.sampled_from([1, 100]))
@settings(max_examples=200, deadline=None)
def test_the_order_between_the_partitions_of_arrivals_does_not_matter(
    story: list[Any], last: list[str], cache: int
) -> None:
    shop = ScatteredShop(cache)
    came: dict[str, list[Event]] = {}
    for item in story:
        if isinstance(item, int):
            shop.core_step([item, item, item])
        elif isinstance(item[0], LinkName):
            shop.link(*item)
        elif isinstance(item[1], Event):
            came.setdefault(item[0], []).append(item[1])
            shop.come(*item)
        else:
            shop.deliver(*item)
    shop.finish_all(last)
    check(shop, came)
