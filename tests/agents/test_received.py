"""How much of each input is fetched ahead, and what is waited for."""

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import pytest

from stream.agents import received as received_module
from stream.agents.received import Received
from stream.agents.worker_options import WorkerOptions
from stream.clock import FixedClock
from stream.events.decode import Decoder
from stream.events.kinds import EventKind
from tests.agents.rig import Batch, Transport
from tests.features.lists_of_events import BEGIN, DAY
from tests.oracle.event import Event
from tests.oracle.record import LogEntry, logs_of

STEP = 300
#: Of twenty events eighteen are clicks.
KINDS = [EventKind.PAGE_VIEWED] * 9 + [EventKind.EMAIL_SENT] + [EventKind.PAGE_VIEWED] * 9 + [EventKind.ORDER_COMPLETED]


def entries(count: int) -> Iterator[LogEntry]:
    for k in range(count):
        kind = KINDS[k % len(KINDS)]
        order = f"o{k}" if kind is EventKind.ORDER_COMPLETED else ""
        yield "somebody", Event(f"e{k}", kind, BEGIN + 1000 * k, order, 100 if order else 0)


def inputs(count: int, *, gather_s: float = 1e9) -> tuple[Transport, Received]:
    """A partition far behind, whose clicks are most of its log."""
    transport = Transport([*logs_of(entries(count)).values()])
    # without an end of the wait, only what has come can end it
    options = WorkerOptions(step_records=STEP, gather_s=gather_s, fill_s=1e9)
    return transport, Received(0, Decoder(), transport, FixedClock(BEGIN + 300 * DAY), options)


def fetch(transport: Transport, received: Received) -> None:
    """Fetch until nothing more is wanted, as a broker that is never the slowest gives it."""
    moved = True
    while moved:
        moved = False
        for source, log in enumerate(transport.logs):
            if source not in transport.held and (part := log[transport.positions[source] :][:10]):
                transport.positions[source] += len(part)
                received.add(source, cast("Any", Batch(part, transport, source, transport.lease)))
                moved = True


def test_inputs_that_differ_in_size_fill_a_step_together() -> None:
    async def scenario() -> None:
        transport, received = inputs(5000)
        sizes = []
        for _ in range(12):
            fetch(transport, received)
            assert received.gather_s() == 0.0
            taken = received.take()
            assert taken is not None
            sizes.append(taken.records_in)
            received.note_step(taken.records_in, 1)
            assert sum(map(received.count, range(3))) <= 2 * STEP
        # of each input a third of a step, and a ninth more clicks
        assert sizes[0] < 0.5 * STEP
        assert min(sizes[8:]) > 0.8 * STEP

    asyncio.run(scenario())


def test_an_input_that_is_held_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        transport, received = inputs(5000)
        fetch(transport, received)
        monkeypatch.setattr(received_module, "_STEP_CUSTOMERS", 30)
        received.note_step(1, 1)
        for _ in range(2):
            assert received.gather_s() == 0.0
            taken = received.take()
            assert taken is not None
            assert taken.records_in == 30
        assert transport.held

    asyncio.run(scenario())


def test_one_that_brings_little_is_waited_for_until_there_is_enough_for_the_step() -> None:
    async def scenario() -> None:
        transport, received = inputs(5000)
        transport.held = {1, 2}
        fetch(transport, received)
        assert received.gather_s() > 0.0
        transport.held = {0}
        fetch(transport, received)
        assert received.gather_s() == 0.0

    asyncio.run(scenario())


def test_the_logs_are_waited_for_while_they_have_all_that_the_step_lacks() -> None:
    """No other wait is there: ``gather_s`` is over at once."""

    async def scenario() -> None:
        transport, received = inputs(STEP, gather_s=0.0)
        for source, log in enumerate(transport.logs):
            first = log[: len(log) // 2]
            received.add(source, cast("Any", Batch(first, transport, source, transport.lease)))
            transport.positions[source] = len(first)
        # a step of the first inputs takes a third of each, so those of few records lack more than their logs have
        assert received.gather_s() <= 0.0
        transport, received = inputs(30 * STEP, gather_s=0.0)
        for source, log in enumerate(transport.logs):
            received.add(source, cast("Any", Batch(log[:10], transport, source, transport.lease)))
            transport.positions[source] = 10
        assert received.gather_s() > 0.0
        fetch(transport, received)
        assert received.gather_s() == 0.0

    asyncio.run(scenario())
