"""Runs of aligned events for a step, and the events that they are made of."""

import numpy as np

from stream.catalogue.events import KERNEL_TYPES
from stream.events.decode import Decoder
from stream.events.kinds import EventKind
from stream.processing.align import Aligner, Taken
from tests.features.lists_of_events import BEGIN, DAY
from tests.oracle.event import Event
from tests.oracle.record import logs_of
from tests.processing.station import EVERYTHING, Log

__all__ = ["TOPICS", "order", "taken", "view"]

TOPICS = [event_type.value for event_type in KERNEL_TYPES]


def taken(log: Log) -> Taken:
    aligner = Aligner(len(TOPICS))
    logs = logs_of(log)
    for source, event_type in enumerate(KERNEL_TYPES):
        if records := logs[event_type]:
            decoded = Decoder().decode(event_type, records)
            aligner.push(source, None, np.arange(len(records)), records, decoded)
    run = aligner.take([True] * len(TOPICS), EVERYTHING)
    assert run is not None
    return run


def view(customer: str, name: str, days: float) -> tuple[str, Event]:
    return customer, Event(name, EventKind.PAGE_VIEWED, BEGIN + int(days * DAY))


def order(customer: str, name: str, days: float, amount: int = 100_000) -> tuple[str, Event]:
    return customer, Event(name, EventKind.ORDER_COMPLETED, BEGIN + int(days * DAY), f"order-{name}", amount)
