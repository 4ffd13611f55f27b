"""Links to customers: which ids are one person, and by which of them the customer is known.

The result follows from the set of links alone. Evidence is taken by rank, as Kruskal's algorithm takes edges: two
groups of ids become one unless a rule forbids it. The rules, by what they are called where a link is refused:

* ``two customers``: evidence never joins two of the shop's own ids. That takes a ``merge``.
* ``unmerged``: no group holds two ids that somebody has taken apart.
* ``shared``: an identifier with evidence for more than ``max_customers`` customers, as a family's address or the cookie
  of a kiosk, joins nobody.
* ``too many``: no group has more than ``max_members`` ids.

The customer of a group is the one that merges leave, else the shop's smallest id, else the strongest identifier that
was seen first.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from stream.identity.links import Link, Node, Pair, is_known, rank_of, strength_of

__all__ = ["LinkLimits", "LinkRefusal", "Resolution", "Resolver", "is_shared", "neighbours", "reached", "resolve"]


class LinkLimits(NamedTuple):
    """``max_customers``: see ``shared``; ``max_members``: ids of a group, and undecided pairs that an id remembers."""

    max_customers: int = 2
    max_members: int = 256


class LinkRefusal(StrEnum):
    """Why a link joins nothing."""

    TWO_CUSTOMERS = "two customers"
    UNMERGED = "unmerged"
    SHARED = "shared"
    TOO_MANY = "too many"


class Resolution(NamedTuple):
    """``canonical``: the customer of each id. ``joined``: pairs that connect groups. ``refused``: those that do not."""

    canonical: dict[str, str]
    joined: list[tuple[str, str]]
    refused: dict[tuple[str, str], LinkRefusal]


def resolve(nodes: Mapping[str, Node], limits: LinkLimits) -> Resolution:
    """Group ``nodes``; a pair counts if both of its ids remember it."""
    groups = {name: _Group([name], nodes) for name in nodes}
    joined: list[tuple[str, str]] = []
    refused: dict[tuple[str, str], LinkRefusal] = {}
    for one, other in _in_order(nodes):
        if groups[one] is groups[other]:
            continue
        pair = nodes[one].pairs[other]
        if why := _objection(groups[one], groups[other], pair, limits, (nodes[one], nodes[other]), (one, other)):
            refused[one, other] = why
            continue
        joined.append((one, other))
        larger, smaller = sorted((groups[one], groups[other]), key=lambda group: -len(group.members))
        larger.absorb(smaller)
        groups.update(dict.fromkeys(smaller.members, larger))
    canonical = {}
    for group in {id(group): group for group in groups.values()}.values():
        customer = _customer_of(group.members, nodes)
        canonical.update(dict.fromkeys(group.members, customer))
    return Resolution(canonical, joined, refused)


class Resolver:
    """Links one by one, with what they change. Gives what `resolve` gives for all of them at once.

    ``nodes``: what is remembered of each id; an id that is not there is a customer by itself.
    """

    def __init__(self, nodes: dict[str, Node] | None = None, limits: LinkLimits | None = None) -> None:
        self.nodes = {} if nodes is None else nodes
        self.limits = limits or LinkLimits()

    def take(self, link: Link, edition: int | None = None) -> dict[str, str]:
        """Take a link in; return the ids whose customer changes, each with its new one.

        ``edition``: of customers from whom ids go with this link, and of those whom these customers were. With it, the
        ids that stay with them are returned as well.
        """
        if link.tells_nobody:
            return {}
        starts = self._remember(link)
        if not starts:
            return {}
        if edition is None:
            return self._regroup(starts)
        near = self._near(starts)
        former = {name: self.customer_of(name) for name in near}
        changed = self._regroup(starts)
        left = {former[name] for name in changed}
        # a former customer keeps a profile with the ids of that time; one may be gone when the customer returns
        once = {name for name, customer in former.items() if customer in left and self.nodes[name].edition}
        for name in {name for name, customer in changed.items() if customer != name} | left | once:
            if name in self.nodes:
                self.nodes[name].edition = edition
        return changed | {
            name: customer for name, customer in former.items() if customer in left and name not in changed
        }

    def forget(self, customer_id: str) -> dict[str, str]:
        """Erase an id, also from what others remember; return the ids whose customer changes, each with its new one."""
        node = self.nodes.pop(customer_id, Node())
        others = {other for other in node.pairs if other in self.nodes}
        for other in others:
            self.nodes[other].pairs.pop(customer_id, None)
        changed = self._regroup(others)
        for other in others:
            if not self.nodes[other].pairs:
                del self.nodes[other]
        return changed

    def _regroup(self, starts: set[str]) -> dict[str, str]:
        """Group all ids near ``starts`` again; return those whose customer changes, each with its new one."""
        near = self._near(starts)
        changed = {}
        for name, customer in resolve(near, self.limits).canonical.items():
            if customer != self.customer_of(name):
                self.nodes[name].canonical = "" if customer == name else customer
                changed[name] = customer
        return changed

    def customer_of(self, customer_id: str) -> str:
        """The customer to whom an id belongs."""
        node = self.nodes.get(customer_id)
        return (node.canonical if node is not None else "") or customer_id

    def edition_of(self, customer_id: str) -> int:
        """The edition of a customer."""
        node = self.nodes.get(customer_id)
        return 0 if node is None else node.edition

    def why(self, customer_id: str) -> Resolution:
        """How the ids near ``customer_id`` are grouped, and which links are refused."""
        near = self._near({customer_id})
        if customer_id in near:
            # with those that are refused, which join nothing and change no group
            near |= {other: self.nodes[other] for other in near[customer_id].pairs if other in self.nodes}
        return resolve(near, self.limits)

    def shared(self) -> list[str]:
        """Identifiers that too many customers share, in order."""
        return sorted(name for name, node in self.nodes.items() if is_shared(name, node, self.limits))

    def _remember(self, link: Link) -> set[str]:
        """The ids from which groups may have changed; none if the link says nothing new."""
        starts: set[str] = set()
        for own_id, other in ((link.one, link.other), (link.other, link.one)):
            node = self.nodes.setdefault(own_id, Node())
            was_shared, before = is_shared(own_id, node, self.limits), set(node.pairs)
            if node.take(own_id, other, link, self.limits.max_members):
                starts |= {link.one, link.other} | (before ^ node.pairs.keys())
                if was_shared != is_shared(own_id, node, self.limits):
                    starts |= before
        return starts

    def _near(self, starts: Iterable[str]) -> dict[str, Node]:
        """Everything that pairs which may join connect with ``starts``."""
        near: dict[str, Node] = {}
        waiting = deque(name for name in starts if name in self.nodes)
        while waiting:
            name = waiting.popleft()
            if name in near:
                continue
            node = near[name] = self.nodes[name]
            for other in neighbours(name, node, self.limits):
                found = self.nodes.get(other)
                if found is not None and name in neighbours(other, found, self.limits):
                    waiting.append(other)
        return near


def neighbours(name: str, node: Node, limits: LinkLimits) -> set[str]:
    """The ids with which an id may be joined directly."""
    by_evidence = not is_shared(name, node, limits)
    return {other for other, pair in node.pairs.items() if not pair.is_unmerged and (pair.is_merged or by_evidence)}


def reached(ends: Iterable[str], nodes: Mapping[str, Node], limits: LinkLimits) -> Iterator[str]:
    """The ids that a link of ``ends`` may join, as far as ``nodes`` tell; some come more than once.

    Of the ends they are those of all pairs, for a decision about one of them may let others join.
    """
    for name in ends:
        yield name
        yield from nodes[name].pairs if name in nodes else ()
    for name, node in nodes.items():
        yield from neighbours(name, node, limits)


class _Group:
    """Ids that are one person so far."""

    def __init__(self, members: list[str], nodes: Mapping[str, Node]) -> None:
        self.members = members
        self.knows_customer = any(map(is_known, members))
        #: Ids with which somebody has taken a member apart.
        self.apart = {other for name in members for other, pair in nodes[name].pairs.items() if pair.is_unmerged}

    def absorb(self, other: "_Group") -> None:
        self.members += other.members
        self.knows_customer |= other.knows_customer
        self.apart |= other.apart


def _in_order(nodes: Mapping[str, Node]) -> list[tuple[str, str]]:
    """The pairs that may join: decisions by time, then evidence by rank."""
    pairs = [
        (one, other, pair)
        for one, node in nodes.items()
        for other, pair in node.pairs.items()
        if one < other and other in nodes and one in nodes[other].pairs and not pair.is_unmerged
    ]

    def order(found: tuple[str, str, Pair]) -> tuple[bool, int, int, str, str]:
        one, other, pair = found
        if pair.decision is not None:
            return False, pair.decision.at_ms, 0, one, other
        return True, *rank_of(one, other, pair)[:2], one, other

    return [(one, other) for one, other, _ in sorted(pairs, key=order)]


def _objection(
    first: _Group, second: _Group, pair: Pair, limits: LinkLimits, nodes: tuple[Node, Node], names: tuple[str, str]
) -> LinkRefusal | None:
    if not pair.is_merged:
        if any(is_shared(name, node, limits) for name, node in zip(names, nodes, strict=True)):
            return LinkRefusal.SHARED
        if first.knows_customer and second.knows_customer:
            return LinkRefusal.TWO_CUSTOMERS
    if not first.apart.isdisjoint(second.members):
        return LinkRefusal.UNMERGED
    if len(first.members) + len(second.members) > limits.max_members:
        return LinkRefusal.TOO_MANY
    return None


def is_shared(name: str, node: Node, limits: LinkLimits) -> bool:
    """Whether too many customers share an identifier for it to join anybody."""
    if is_known(name):
        return False
    return node.overflowed or sum(1 for _ in node.customers()) > limits.max_customers


def _customer_of(members: Iterable[str], nodes: Mapping[str, Node]) -> str:
    group = set(members)
    known = sorted(filter(is_known, group))
    staying = [name for name in known if not _is_merged_away(nodes[name], group)]
    if known:
        return (staying or known)[0]
    return min(group, key=lambda name: (-strength_of(name), nodes[name].first_seen_ms(), name))


def _is_merged_away(node: Node, group: set[str]) -> bool:
    decisions = ((other, pair.decision) for other, pair in node.pairs.items() if other in group)
    return any(decision is not None and decision.into == other for other, decision in decisions)
