"""What is published of an order, given what was published of it before."""

from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec
import xxhash

from stream.catalogue.windows import DAY_MS
from stream.events.kinds import EventType
from stream.events.model import Item, PurchaseEvent
from stream.events.times import instant
from stream.imports.import_ledger import Book
from stream.imports.issues import Issue, Why
from stream.imports.line import UNITS
from stream.imports.merge import Order
from stream.imports.staging import StagedEvent

__all__ = ["REMEMBERED_MS", "planned"]

#: How far before a customer's newest event workers still know every event by its id, and every order.
REMEMBERED_MS: Final = 90 * DAY_MS
#: A repeated event of an order is dated this much later than the first.
_LATER_MS: Final = 1000
_MAX_ID_CHARS: Final = 100
#: The decoder takes 64 KiB; what is around the items needs little.
_MAX_VALUE_BYTES: Final = 60_000

_ENCODER: Final = msgspec.json.Encoder()
_BOOKS: Final = msgspec.msgpack.Encoder()

Name = Literal["completed", "refunded", "cancelled"]


def planned(
    order: Order, customer_id: str, known: Book | None, newest_ms: int | None, issues: list[Issue]
) -> list[StagedEvent]:
    """The events of ``order`` that are to be published, oldest first; ``issues``: what there is to say about it.

    ``known``: what the ledger has of it. ``newest_ms``: time of the customer's newest event that workers have.
    """
    draft = _Draft(order, customer_id, known, newest_ms, issues)
    return [*(draft.new() if known is None else draft.later(known))]


class _Draft:
    def __init__(
        self, order: Order, customer_id: str, known: Book | None, newest_ms: int | None, issues: list[Issue]
    ) -> None:
        self._order = order
        self._newest_ms = newest_ms
        self._issues = issues
        by_number = "" if order.email else order.customer
        self._book = known or Book(
            customer_id=customer_id,
            at_ms=order.at_ms,
            amount=order.amount if order.has_sale else None,
            customer=by_number,
        )

    def new(self) -> Iterator[StagedEvent]:
        """Nothing of the order has been published."""
        order = self._order
        if self._is_forgotten(order.at_ms):
            self._say(Why.TOO_OLD)
            return
        if order.cancelled and (order.cancelled_at_ms or 0) - order.at_ms > REMEMBERED_MS - DAY_MS:
            self._say(Why.CANCELLED_LONG_AFTER)
            return
        if order.has_sale:
            yield self._completed()
        if order.cancelled:
            # a cancelled order counts nothing, nor does what was paid back for it
            self._book = msgspec.structs.replace(self._book, cancelled=True)
            yield self._event("cancelled", max(order.cancelled_at_ms or 0, order.at_ms), "cancelled")
            return
        for refund in order.refunds:
            if refund.at_ms is None:
                self._say(Why.REFUND_UNDATED)
            yield self._refunded(refund.amount, max(refund.at_ms or 0, order.at_ms))

    def later(self, known: Book) -> Iterator[StagedEvent]:
        """The order, or money paid back for it, has been imported before."""
        order = self._order
        if known.cancelled:
            self._say(Why.IMPORTED)
            return
        if order.cancelled:
            yield from self._cancelled_later(known)
            return
        is_changed = order.has_sale and known.amount is not None and order.amount not in (None, known.amount)
        if is_changed and self._is_forgotten(known.at_ms):
            self._say(Why.CHANGED)
        elif is_changed:
            yield self._told_again()
        more = order.refunded - known.refunded
        if self._book.amount is not None:
            more = min(more, self._book.amount - known.refunded)
        if more > 0:
            dated = max((refund.at_ms for refund in order.refunds if refund.at_ms is not None), default=None)
            yield self._refunded(more, self._accepted(dated, Why.REFUND_LATER))
        elif self._book == known:
            self._say(Why.IMPORTED)

    def _told_again(self) -> StagedEvent:
        """The order with its new total: told again it is the same order to workers, and its newest total counts."""
        updates = self._book.updates + 1
        self._book = msgspec.structs.replace(self._book, amount=self._order.amount, updates=updates)
        self._say(Why.UPDATED)
        return self._event("completed", self._book.at_ms + updates * _LATER_MS, f"completed:{updates}")

    def _cancelled_later(self, known: Book) -> Iterator[StagedEvent]:
        if not self._is_forgotten(known.at_ms):
            at_ms = self._accepted(self._order.cancelled_at_ms, Why.REFUND_LATER)
            self._book = msgspec.structs.replace(self._book, cancelled=True)
            yield self._event("cancelled", at_ms, "cancelled")
            return
        left = (known.amount or 0) - known.refunded
        self._say(Why.CANCELLED_AS_REFUND if left > 0 else Why.IMPORTED)
        if left > 0:
            self._book = msgspec.structs.replace(self._book, cancelled=True)
            yield self._refunded(left, self._accepted(self._order.cancelled_at_ms, None))

    def _is_forgotten(self, at_ms: int) -> bool:
        return self._newest_ms is not None and at_ms < self._newest_ms - REMEMBERED_MS

    def _accepted(self, at_ms: int | None, why: Why | None) -> int:
        """``at_ms`` if workers still take an event of that time, else the customer's newest, which is said."""
        if at_ms is not None and not self._is_forgotten(at_ms):
            return at_ms
        if why is not None:
            self._say(why)
        return max(self._book.at_ms, self._newest_ms or 0)

    def _say(self, why: Why) -> None:
        order = self._order
        self._issues.append(Issue(order.table, order.line, why, f"order {order.order_id}" if order.order_id else ""))

    def _completed(self) -> StagedEvent:
        order = self._order
        event = self._event(
            "completed", order.at_ms, "completed", items=order.items or None, coupon=order.coupon or None
        )
        items: tuple[Item, ...] = order.items
        while len(event.value) > _MAX_VALUE_BYTES and items:
            items = items[: len(items) // 2]
            event = self._event("completed", order.at_ms, "completed", items=items or None)
        if len(items) < len(order.items):
            self._say(Why.ITEMS_LEFT_OUT)
        return event

    def _refunded(self, amount: int, at_ms: int) -> StagedEvent:
        self._book = msgspec.structs.replace(self._book, refunded=self._book.refunded + amount)
        # the sum so far tells one refund of an order from the next, in this import and in later ones
        return self._event("refunded", at_ms, f"refunded:{self._book.refunded}", amount=amount / UNITS)

    def _event(self, name: Name, at_ms: int, suffix: str, **more: Any) -> StagedEvent:
        order, book = self._order, self._book
        given: dict[str, Any] = {"amount": None if order.amount is None else order.amount / UNITS, **more}
        if name == "cancelled":
            given["amount"] = None
        base = order.key.replace("\x1f", ":")
        event_id = f"{base}:{suffix}"
        if len(event_id) > _MAX_ID_CHARS:
            event_id = f"import:{xxhash.xxh3_128_hexdigest(base.encode())}:{suffix}"
        event = PurchaseEvent(
            event_id=event_id,
            customer_id=book.customer_id,
            occurred_at=instant(at_ms),
            name=name,
            order_id=order.order_id or base,
            currency=order.currency if given["amount"] is not None else None,
            **given,
        )
        return StagedEvent(
            at_ms,
            EventType.PURCHASE,
            order.key,
            event_id,
            book.customer_id,
            _ENCODER.encode(event),
            _BOOKS.encode(book),
        )
