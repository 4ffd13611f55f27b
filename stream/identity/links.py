"""What is said about two ids being one person, and what each id remembers of it.

An id is a customer id: one of the shop's own, or an identifier as `stream.identity.sealing` writes it
(``email:h1_...``). What is remembered of a pair is a semilattice: links may come in any order and any number of times.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from msgspec import Struct

from stream.catalogue.identifiers import IDENTIFIERS
from stream.identity.nobody import is_nobody

__all__ = ["Link", "LinkName", "Node", "Pair", "PersonDecision", "Rank", "is_known", "rank_of", "strength_of"]

#: What the shop's own customer ids count: more than any identifier.
_KNOWN_STRENGTH: Final = 100
_IDENTIFIER: Final = re.compile(
    # an address, as adapters and imports without a key write it
    rf"(?P<kind>{'|'.join(IDENTIFIERS)}):h1_[A-Za-z0-9_-]{{22}}|(?P<hashed>email):[0-9a-f]{{64}}"
)

#: Evidence with a smaller rank joins first.
Rank: TypeAlias = tuple[int, int, str]


class LinkName(StrEnum):
    """``identified`` and ``alias`` are evidence; ``merge`` and ``unmerge`` are decisions of people, and stronger."""

    IDENTIFIED = "identified"
    ALIAS = "alias"
    MERGE = "merge"
    UNMERGE = "unmerge"


class Link(NamedTuple):
    """``one`` and ``other`` are one person, or with ``unmerge`` two. Of a ``merge``, ``other`` stays as the customer.

    ``at_ms``: when it was observed or decided. ``link_id`` decides between two decisions of the same time.
    """

    name: LinkName
    one: str
    other: str
    at_ms: int
    link_id: str

    @property
    def tells_nobody(self) -> bool:
        """Whether an end is a placeholder, or both are the same."""
        return self.one == self.other or is_nobody(self.one) or is_nobody(self.other)


@lru_cache(maxsize=65_536)
def strength_of(customer_id: str) -> int:
    """How much an id proves.

    >>> strength_of("c-1") > strength_of("email:" + 64 * "0") > strength_of("anonymous_id:h1_" + 22 * "a")
    True
    """
    found = _IDENTIFIER.fullmatch(customer_id)
    return IDENTIFIERS[found["kind"] or found["hashed"]].strength if found else _KNOWN_STRENGTH


def is_known(customer_id: str) -> bool:
    """Whether it is one of the shop's own ids, and no other identifier."""
    return strength_of(customer_id) == _KNOWN_STRENGTH


class PersonDecision(Struct, frozen=True, array_like=True, order=True, gc=False):
    """The newest ``merge`` or ``unmerge`` of a pair. ``into``: the customer that stays; empty for an ``unmerge``."""

    at_ms: int
    link_id: str
    into: str


class Pair(Struct, frozen=True, array_like=True, omit_defaults=True):
    """What is known about two ids. ``seen_ms``: the earliest evidence."""

    seen_ms: int | None = None
    decision: PersonDecision | None = None

    def with_link(self, link: Link) -> "Pair":
        """What is known after ``link``; the order of links does not matter."""
        if link.name in {LinkName.IDENTIFIED, LinkName.ALIAS}:
            return Pair(link.at_ms if self.seen_ms is None else min(self.seen_ms, link.at_ms), self.decision)
        made = PersonDecision(link.at_ms, link.link_id, link.other if link.name is LinkName.MERGE else "")
        return Pair(self.seen_ms, made if self.decision is None else max(self.decision, made))

    @property
    def is_merged(self) -> bool:
        return self.decision is not None and self.decision.into != ""

    @property
    def is_unmerged(self) -> bool:
        return self.decision is not None and self.decision.into == ""


class Node(Struct, array_like=True):
    """What an id remembers: who it is (``canonical``, empty for itself) and its ``pairs`` by the other id.

    All decisions are kept, and the ``max_pairs`` first pieces of evidence by rank. ``overflowed``: there was more.
    ``edition``: of the customer that the id is, or was; see `stream.identity.departures`.
    """

    canonical: str = ""
    pairs: dict[str, Pair] = {}
    overflowed: bool = False
    edition: int = 0

    def take(self, own_id: str, other: str, link: Link, max_pairs: int) -> bool:
        """Remember a link; return whether that changed anything."""
        before, was_overflowed = self.pairs.get(other), self.overflowed
        self.pairs[other] = (before or Pair()).with_link(link)
        evident = [name for name, pair in self.pairs.items() if pair.seen_ms is not None]
        if len(evident) > max_pairs:
            last = max(evident, key=lambda name: rank_of(own_id, name, self.pairs[name]))
            decision = self.pairs.pop(last).decision
            if decision is not None:
                self.pairs[last] = Pair(None, decision)
            self.overflowed = True
            if last != other:
                return True
        return self.pairs.get(other) != before or self.overflowed != was_overflowed

    def customers(self) -> Iterator[str]:
        """The known customers that evidence connects with this id."""
        return (other for other, pair in self.pairs.items() if not pair.is_unmerged and is_known(other))

    def first_seen_ms(self) -> int:
        """The earliest evidence of all pairs that nobody has taken apart; after any time if there is none."""
        seen = (pair.seen_ms for pair in self.pairs.values() if pair.seen_ms is not None and not pair.is_unmerged)
        return min(seen, default=_NEVER)


_NEVER: Final = 2**62


def rank_of(one: str, other: str, pair: Pair) -> Rank:
    """Stronger identifiers first, then earlier evidence."""
    seen_ms = _NEVER if pair.seen_ms is None else pair.seen_ms
    return -min(strength_of(one), strength_of(other)), seen_ms, other
