"""Deliveries that have no outcome yet."""

from collections.abc import Collection, Iterable

from stream.alerts.alert_records import Alert, AlertKind
from stream.alerts.decoding import occurred_ms
from stream.notifications.offset_ledger import Partition
from stream.notifications.waiting_line import Delivery

__all__ = ["UnderWay"]


class UnderWay:
    """Deliveries by alert and channel, and the raised alerts among them by customer."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], Delivery] = {}
        self._raised: dict[str, list[Delivery]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def all(self) -> list[Delivery]:
        """All deliveries."""
        return [*self._open.values()]

    def of(self, alert: Alert, channel: str) -> Delivery | None:
        """The delivery of ``alert`` to ``channel``."""
        return self._open.get((alert.alert_id, channel))

    def add(self, delivery: Delivery) -> None:
        """From now on ``delivery`` is under way."""
        self._open[delivery.key] = delivery
        if delivery.alert.kind is AlertKind.RAISED:
            self._raised.setdefault(delivery.alert.customer_id, []).append(delivery)

    def remove(self, delivery: Delivery) -> None:
        """``delivery`` is over, or not ours any more."""
        del self._open[delivery.key]
        raised = self._raised.get(delivery.alert.customer_id, [])
        if delivery in raised:
            raised.remove(delivery)
            if not raised:
                del self._raised[delivery.alert.customer_id]

    def raised_before(self, clear: Alert) -> Iterable[Delivery]:
        """What raised the alarm for the customer of ``clear`` before it."""
        raised = self._raised.get(clear.customer_id, ())
        return [delivery for delivery in raised if occurred_ms(delivery.alert) < occurred_ms(clear)]

    def without(self, dropped: Collection[Partition]) -> list[Delivery]:
        """Forget the records of ``dropped``; return the deliveries that none is left of."""
        for delivery in self._open.values():
            delivery.positions[:] = [place for place in delivery.positions if place[:2] not in dropped]
        return [delivery for delivery in self._open.values() if not delivery.positions]
