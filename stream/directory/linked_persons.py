"""Which ids are one person, as the directory knows it: from the links of the log, in the transaction of its rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Final, Self

import msgspec
from sqlalchemy import Connection, select

from stream.directory.customer_rows import chunks, rows_of_customers
from stream.directory.schema import persons
from stream.identity.links import Link, Node
from stream.identity.resolver import LinkLimits, Resolver, reached

__all__ = ["Grouping", "LinkedPersons", "customer_of", "ids_of", "node_row", "regrouped", "without"]

_LIMITS: Final = LinkLimits()
_decoder: Final = msgspec.json.Decoder(Node)
_encode: Final = msgspec.json.Encoder().encode


class LinkedPersons:
    """To whom some ids belong. ``linked``: those of which a link tells; who belongs to nobody else is there as well."""

    def __init__(self, customers: Mapping[str, str], ids: Mapping[str, Sequence[str]]) -> None:
        self._customers = customers
        self._ids = ids
        self.linked = customers.keys()

    @classmethod
    def of(cls, connection: Connection, ids: Sequence[str]) -> Self:
        """The persons of ``ids``, with all ids of each."""
        customers = {row.customer_id: row.person for row in rows_of_customers(connection, persons, ids)}
        members: dict[str, list[str]] = defaultdict(list)
        of = persons.c
        for chunk in chunks([*{*customers.values()}]):
            query = select(of.person, of.customer_id).where(of.person.in_(chunk)).order_by(of.customer_id)
            for person, own_id in connection.execute(query):
                members[person].append(own_id)
        return cls(customers, members)

    def customer_of(self, one: str) -> str:
        """The customer to whom an id belongs."""
        return self._customers.get(one, one)

    def ids_of(self, customer_id: str) -> Sequence[str]:
        """All ids of a customer."""
        return self._ids.get(customer_id, (customer_id,))


class Grouping:
    """Ids near which links have changed something. ``before``, ``after``: the customer of each id; ``nodes``: to store.

    ``touched``: customers who changed otherwise, as an id of theirs was erased.
    """

    def __init__(
        self, nodes: dict[str, Node], before: Mapping[str, str], after: Mapping[str, str], touched: Iterable[str] = ()
    ) -> None:
        self.nodes = nodes
        self.before = before
        self.after = after
        self._touched = touched

    def lots(self, most: int) -> Iterable[list[str]]:
        """All ids of customers who get ids or lose some; those that have to do with each other in one lot.

        ``most``: a lot is full then.
        """
        moved = [(self.before[one], customer) for one, customer in self.after.items() if self.before[one] != customer]
        lead = {customer: customer for customer in chain(*moved, self._touched)}

        def first(customer: str) -> str:
            while lead[customer] != customer:
                lead[customer] = customer = lead[lead[customer]]
            return customer

        for one, other in moved:
            lead[first(one)] = first(other)
        together: dict[str, list[str]] = defaultdict(list)
        for one, customer in self.after.items():
            if customer in lead or self.before[one] in lead:
                together[first(customer if customer in lead else self.before[one])].append(one)
        lot: list[str] = []
        for ids in together.values():
            lot += ids
            if len(lot) >= most:
                yield lot
                lot = []
        if lot:
            yield lot


def regrouped(connection: Connection, links: Sequence[Link]) -> Grouping:
    """What ``links`` change. They may come in any order and any number of times."""
    nodes = _near(connection, [end for link in links for end in (link.one, link.other)])
    resolver = Resolver(nodes, _LIMITS)
    before = {one: resolver.customer_of(one) for one in nodes}
    for link in links:
        resolver.take(link)
    return _grouping(resolver, before)


def without(connection: Connection, ids: Sequence[str]) -> Grouping:
    """What it changes that ``ids`` are erased, also from what other ids remember."""
    nodes = _near(connection, ids)
    resolver = Resolver(nodes, _LIMITS)
    before = {one: resolver.customer_of(one) for one in nodes}
    touched = {before.pop(one) for one in ids if one in before}
    for one in ids:
        resolver.forget(one)
    # who has no link any more is a customer by itself, and remembers so
    for one in before.keys() - resolver.nodes.keys():
        resolver.nodes[one] = Node()
    return _grouping(resolver, before, touched)


def customer_of(connection: Connection, one: str) -> str:
    """The customer to whom an id belongs."""
    return LinkedPersons.of(connection, [one]).customer_of(one)


def ids_of(connection: Connection, one: str) -> Sequence[str]:
    """All ids of the person of an id."""
    found = LinkedPersons.of(connection, [one])
    return found.ids_of(found.customer_of(one))


def node_row(one: str, node: Node) -> dict[str, Any]:
    """The columns of an id in the table of persons that follow from links."""
    return {"customer_id": one, "person": node.canonical or one, "node": _encode(node).decode()}


def _grouping(resolver: Resolver, before: Mapping[str, str], touched: Iterable[str] = ()) -> Grouping:
    after = {one: resolver.customer_of(one) for one in resolver.nodes}
    return Grouping(resolver.nodes, {one: before.get(one, one) for one in after}, after, touched)


def _near(connection: Connection, ends: Sequence[str]) -> dict[str, Node]:
    """What is stored of ``ends`` and of everything that may be joined with them: as `Identity.reach` reads it."""
    nodes: dict[str, Node] = {}
    asked: set[str] = set()
    while wanted := [one for one in dict.fromkeys(reached(ends, nodes, _LIMITS)) if one not in asked]:
        asked.update(wanted)
        nodes |= {row.customer_id: _decoder.decode(row.node) for row in rows_of_customers(connection, persons, wanted)}
    return nodes
