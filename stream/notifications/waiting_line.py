"""Alerts that wait to be sent on one channel, the most urgent first."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from stream.alerts.alert_records import OF_FEEDBACK, Alert
from stream.notifications.routing import Route

__all__ = ["Delivery", "WaitingLine", "urgency"]

#: A record: topic, partition, offset.
Position = tuple[str, int, int]


def urgency(alert: Alert) -> tuple[bool, float]:
    """Sorts the most urgent first: what customers said, for they wait for an answer, then by value at risk."""
    return alert.kind not in OF_FEEDBACK, -alert.value_at_risk


@dataclass(slots=True, eq=False)
class Delivery:
    """One alert on its way to one channel.

    ``positions``: the records of the alert that wait for it (a record may come twice). ``value``: the record as it
    came. ``arrived_ms``: when the broker got it. ``since_ms``: from when on its age counts. ``is_cleared``: the alarm
    that it raises has been cleared since.
    """

    alert: Alert
    value: bytes
    route: Route
    arrived_ms: int
    since_ms: int
    positions: list[Position] = field(default_factory=list)
    attempts: int = 0
    is_waiting: bool = False
    is_cleared: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Alert and channel."""
        return self.alert.alert_id, self.route.channel


class WaitingLine:
    """Deliveries that are ready leave in order of fewest attempts, then `urgency`, then age.

    Fewest attempts first: one that cannot be delivered must not stand in the way of those that can.
    """

    def __init__(self) -> None:
        self._ready: list[tuple[int, tuple[bool, float], int, Delivery]] = []
        self._later: list[tuple[int, int, Delivery]] = []
        self._numbers = count()
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def __iter__(self) -> Iterator[Delivery]:
        """All that wait, in no order."""
        for delivery in (*(entry[3] for entry in self._ready), *(entry[2] for entry in self._later)):
            if delivery.is_waiting:
                yield delivery

    def put(self, delivery: Delivery, ready_ms: int) -> None:
        """Let a delivery wait; it may leave from `ready_ms` on."""
        delivery.is_waiting = True
        self._waiting += 1
        heapq.heappush(self._later, (ready_ms, next(self._numbers), delivery))

    def take(self, now_ms: int) -> Delivery | None:
        """The next delivery that is ready, None if there is none."""
        while self._later and self._later[0][0] <= now_ms:
            _, number, delivery = heapq.heappop(self._later)
            if delivery.is_waiting:
                order = (delivery.attempts, urgency(delivery.alert), number, delivery)
                heapq.heappush(self._ready, order)
        while self._ready:
            delivery = heapq.heappop(self._ready)[3]
            if delivery.is_waiting:
                self._leave(delivery)
                return delivery
        return None

    def remove(self, delivery: Delivery) -> None:
        """Take one that waits out of the line, wherever it stands."""
        if delivery.is_waiting:
            self._leave(delivery)

    def _leave(self, delivery: Delivery) -> None:
        delivery.is_waiting = False
        self._waiting -= 1
