"""The records that the effect is measured on, from their topics as they end now."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec

from stream.errors import TopologyError
from stream.events.columns import MONEY_SCALE
from stream.events.decode import Decoder
from stream.events.kinds import EventKind, EventType
from stream.events.rejections import Rejection
from stream.notifications.actions import decode_action
from stream.notifications.contract import Action, Notification
from stream.notifications.effect import Order
from stream.notifications.inbound import Inbound
from stream.notifications.reading import read_to_end
from stream.settings import Settings

__all__ = ["PurchaseLog", "actions_of", "notifications_of"]

_AT_ONCE: Final = 2000
_notifications: Final = msgspec.json.Decoder(Notification)


def notifications_of(settings: Settings) -> Iterator[Notification]:
    """What became of alerts. Raises `TopologyError` for a record that the notifier did not write."""
    for record in read_to_end(settings, settings.notifications):
        try:
            yield _notifications.decode(record.value or b"")
        except msgspec.DecodeError as error:
            place = f"{record.topic}[{record.partition}]@{record.offset}"
            raise TopologyError(f"{place} is no record of `stream notify`: {error}") from error


def actions_of(settings: Settings, now_ms: int) -> dict[str, list[Action]]:
    """Actions by customer, each action id once; bad records are the notifier's to reject."""
    skew_ms = round(settings.skew_s * 1000)
    found: dict[str, Action] = {}
    for record in read_to_end(settings, settings.actions):
        action = decode_action(record, now_ms, skew_ms)
        if not isinstance(action, Rejection):
            found.setdefault(action.action_id, action)
    by_customer: dict[str, list[Action]] = {}
    for action in found.values():
        by_customer.setdefault(action.customer_id, []).append(action)
    return by_customer


class PurchaseLog:
    """The orders of some customers, decoded as workers decode them: bad events and repeats do not count.

    ``as_of_ms``: the newest purchase event of any customer. Cancelled orders are taken out, refunds count where they
    fall.
    """

    def __init__(self, customers: frozenset[str], decoder: Decoder) -> None:
        self._customers = customers
        self._decoder = decoder
        self._seen: set[tuple[str, int]] = set()
        self._found: dict[str, list[tuple[int, Order]]] = {}
        self._cancelled: set[tuple[str, int]] = set()
        self.as_of_ms: int | None = None

    def read(self, settings: Settings, from_ms: int) -> None:
        """Read the purchase topic from where it may hold events after ``from_ms``."""
        # an event is written to the topic when it happened or later, by clocks that differ by the skew at most
        records = read_to_end(settings, settings.events_purchase, from_ms=from_ms - round(settings.skew_s * 1000))
        while batch := [*islice(records, _AT_ONCE)]:
            self.add(batch)

    def add(self, records: Sequence[Inbound]) -> None:
        """Take records of the purchase topic."""
        decoded = self._decoder.decode(EventType.PURCHASE, records)
        for customer, event in zip(decoded.customer_ids, decoded.events, strict=True):
            at_ms, order_id = int(event["time"]), int(event["order_id"])
            self.as_of_ms = max(at_ms, self.as_of_ms or at_ms)
            identity = (customer, int(event["event_id"]))
            if customer not in self._customers or identity in self._seen:
                continue
            self._seen.add(identity)
            kind, amount = EventKind(event["kind"]), int(event["amount"]) / MONEY_SCALE
            if kind is EventKind.ORDER_CANCELLED:
                self._cancelled.add((customer, order_id))
            elif kind is EventKind.ORDER_COMPLETED:
                self._found.setdefault(customer, []).append((order_id, Order(at_ms, amount, is_order=True)))
            else:
                self._found.setdefault(customer, []).append((0, Order(at_ms, -amount, is_order=False)))

    @property
    def orders(self) -> dict[str, list[Order]]:
        """Orders and refunds of each customer."""
        return {
            customer: [order for order_id, order in found if (customer, order_id) not in self._cancelled]
            for customer, found in self._found.items()
        }
