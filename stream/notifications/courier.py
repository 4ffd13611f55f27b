"""One thread for each channel, so that a slow address delays its own messages only."""

import logging
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from stream.notifications.sender import Failure, Sender
from stream.notifications.templates import Message
from stream.notifications.waiting_line import Delivery

__all__ = ["Courier", "DeliveryReport", "Parcel"]

_LOG = logging.getLogger(__name__)

_MAX_LEFT: Final = 3


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message, and the deliveries that it is for."""

    channel: str
    message: Message
    deliveries: Sequence[Delivery]


class DeliveryReport(NamedTuple):
    """What became of a parcel. ``failure``: None when it was delivered."""

    parcel: Parcel
    failure: Failure | None
    seconds: float


class Courier:
    """Carries one parcel at a time and puts a `DeliveryReport` into ``reports``.

    A delivery that has not ended after ``timeout_s`` has failed: the other side may answer a byte at a time for ever.
    Its thread cannot be ended and is left to itself; while `_MAX_LEFT` of them are, nothing more is delivered. Threads
    are daemons: a delivery that does not end does not keep the process from ending.
    """

    def __init__(
        self, channel: str, sender: Sender, reports: "queue.SimpleQueue[DeliveryReport]", *, timeout_s: float = 60.0
    ) -> None:
        self._channel = channel
        self._sender = sender
        self._reports = reports
        self._timeout_s = timeout_s
        self._left: list[threading.Thread] = []
        self._parcels: queue.SimpleQueue[Parcel] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=f"courier-{channel}", daemon=True).start()

    def carry(self, parcel: Parcel) -> None:
        """Deliver; returns at once."""
        self._parcels.put(parcel)

    def _run(self) -> None:
        while True:
            parcel = self._parcels.get()
            started = time.monotonic()
            failure = self._within_time(parcel)
            self._reports.put(DeliveryReport(parcel, failure, time.monotonic() - started))

    def _within_time(self, parcel: Parcel) -> Failure | None:
        self._left = [thread for thread in self._left if thread.is_alive()]
        if len(self._left) >= _MAX_LEFT:
            return Failure(is_permanent=False, detail="earlier deliveries have not ended yet")
        ended: queue.SimpleQueue[Failure | None] = queue.SimpleQueue()
        thread = threading.Thread(
            target=lambda: ended.put(self._deliver(parcel)), name=f"delivery-{self._channel}", daemon=True
        )
        thread.start()
        try:
            return ended.get(timeout=self._timeout_s)
        except queue.Empty:
            self._left.append(thread)
            return Failure(is_permanent=False, detail=f"the delivery had not ended after {self._timeout_s:g} s")

    def _deliver(self, parcel: Parcel) -> Failure | None:
        try:
            return self._sender.send(parcel.message)
        except Exception as error:  # noqa: BLE001 - see below, and it is logged
            # the parcel must come back, or its alerts would wait for ever
            _LOG.exception("a delivery on channel %s failed unexpectedly", parcel.channel)
            return Failure(is_permanent=False, detail=type(error).__name__)
