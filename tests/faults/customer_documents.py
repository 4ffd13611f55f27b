"""A: the compacted topic of customer documents. Read to its end, it has the current alert, segment and landmark of
each.
"""

from collections.abc import Iterator
from typing import Any

import orjson

from stream.processing.document import public
from tests.faults.bench import Bench
from tests.faults.published import differing, few
from tests.faults.scope import Scope

__all__ = ["customer_documents"]


def customer_documents(bench: Bench, scope: Scope, *, in_order: bool) -> Iterator[str]:
    """A: the last document of each customer, against those stored; and the first copies come in order.

    A document is as of the end of its step, which is no function of the log. But the customers in the topic and the
    fields that people act on are one. ``in_order``: each step was made once, by a worker that knew that it owned the
    partition, so only a copy goes back in time. A successor publishes the document as it finds it, so what its
    predecessor sends late can be an older one that nobody has sent before.
    """
    if not scope.is_everything:
        return
    topic = _Topic()
    for message in bench.topics.read("customers"):
        topic.take(message.key() or b"", message.value() or b"")
    last, wanted = topic.last, bench.expectation.told
    if in_order and topic.disordered:
        yield f"A: customers: documents of {few(topic.disordered)} were published out of order"
    # stages, which the release before does not know, publish documents
    absent = set() if scope.two_releases else wanted - last.keys()
    if absent or last.keys() - wanted:
        missing, extra = few(absent), few(last.keys() - wanted)
        yield f"A: customers: [{missing}] have no document, [{extra}] should have none"
    stored = {customer: orjson.loads(public(document)) for customer, document in bench.stored.documents().items()}
    both = sorted(last.keys() & stored.keys())
    differences = {customer: _difference(last[customer], stored[customer]) for customer in both}
    if stale := [f"{customer}: {difference}" for customer, difference in differences.items() if difference]:
        yield f"A: customers: {len(stale)} last documents are not the present ones: {few(stale)}"


class _Topic:
    """``last``: the last document of each customer. ``disordered``: which first copies go back in time."""

    def __init__(self) -> None:
        self.last: dict[str, dict[str, Any]] = {}
        self.disordered: set[str] = set()
        self._seen: set[bytes] = set()
        self._newest: dict[str, tuple[int, str]] = {}

    def take(self, key: bytes, value: bytes) -> None:
        document, customer = orjson.loads(value), key.decode()
        if document["customer_id"] != customer:
            raise AssertionError(f"{customer} is the key of the document of {document['customer_id']}")
        self.last[customer] = document
        if value not in self._seen:
            self._seen.add(value)
            when = _version(document)
            newest = self._newest.get(customer, when)
            if when < newest:
                self.disordered.add(f"{customer} {when} after {newest}")
            self._newest[customer] = when


def _version(document: dict[str, Any]) -> tuple[int, str]:
    return document["events"], document["as_of"]


def _difference(found: dict[str, Any], stored: dict[str, Any]) -> str:
    if _version(found) == _version(stored):
        return differing(found, stored)
    names = ("alert", "segment", "stage")  # only changes of these publish a document
    return differing({name: found.get(name) for name in names}, {name: stored.get(name) for name in names})
