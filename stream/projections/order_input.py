"""Purchases as messages, with what they say of an order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, cast

from stream.catalogue.events import EventKind, EventType
from stream.events.decode import Decoder
from stream.events.model import PurchaseEvent
from stream.events.record import Record
from stream.projections.protocol import Reading
from stream.projections.topic_inputs import EventInput

__all__ = ["OrderInput", "ToldOrder"]

_KINDS: Final = {int(kind): kind for kind in EventKind}


class ToldOrder(NamedTuple):
    """An event of an order. ``amount``: of the base currency; ``event`` has it in its own, and the items."""

    kind: EventKind
    order_id: str
    event_id: str
    at_ms: int
    amount: int
    event: PurchaseEvent


class OrderInput(EventInput):
    """Purchases by customer; ``key_of``: the key of a customer's state."""

    def __init__(self, topic: str, decoder: Decoder, key_of: Callable[[str], str] = str) -> None:
        super().__init__(EventType.PURCHASE, topic, decoder)
        self._key_of = key_of

    def read(self, records: Sequence[Record]) -> Reading:
        customers, events, rejections, contents = self._decoder.decode(EventType.PURCHASE, records)
        rows = events[["kind", "order_id", "event_id", "time", "amount"]].tolist()
        keyed: list[tuple[str, object]] = [
            (
                self._key_of(customer),
                ToldOrder(_KINDS[kind], f"{order_id:x}", f"{event_id:x}", at_ms, amount, cast("PurchaseEvent", event)),
            )
            for customer, event, (kind, order_id, event_id, at_ms, amount) in zip(
                customers, contents, rows, strict=True
            )
        ]
        newest_ms = max(events["time"].tolist(), default=None)
        return Reading(keyed, events["record"].tolist(), [], len(rejections), newest_ms)
