"""One thread for each channel, so that a slow address delays its own messages only."""

import logging
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from stream.notifications.sender import Failure, Sender
from stream.notifications.templates import Message
from stream.notifications.waiting import Delivery

__all__ = ["Courier", "Parcel", "Report"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message, and the deliveries that it is for."""

    channel: str
    message: Message
    deliveries: Sequence[Delivery]


class Report(NamedTuple):
    """What became of a parcel. ``failure``: None when it was delivered."""

    parcel: Parcel
    failure: Failure | None
    seconds: float


class Courier:
    """Carries one parcel at a time and puts a `Report` into ``reports``.

    The thread is a daemon: a delivery that does not end does not keep the process from ending.
    """

    def __init__(self, channel: str, sender: Sender, reports: "queue.SimpleQueue[Report]") -> None:
        self._sender = sender
        self._reports = reports
        self._parcels: queue.SimpleQueue[Parcel] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=f"courier-{channel}", daemon=True).start()

    def carry(self, parcel: Parcel) -> None:
        """Deliver; returns at once."""
        self._parcels.put(parcel)

    def _run(self) -> None:
        while True:
            parcel = self._parcels.get()
            started = time.monotonic()
            try:
                failure = self._sender.send(parcel.message)
            except Exception as error:  # noqa: BLE001 - see below, and it is logged
                # the parcel must come back, or its alerts would wait for ever
                _LOG.exception("a delivery on channel %s failed in an unexpected way", parcel.channel)
                failure = Failure(is_permanent=False, detail=type(error).__name__)
            self._reports.put(Report(parcel, failure, time.monotonic() - started))
