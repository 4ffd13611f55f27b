"""The outbox publishes stored records in order, repeats them until they are confirmed, and forgets none."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import cast

import pytest

from stream.agents import outbox as module
from stream.agents.outbox import Outbox
from stream.agents.publisher import Publisher
from stream.agents.publishing import Publishing
from stream.errors import PublishError
from stream.processing.state import Outgoing
from tests.agents.rig import until


class FailingPublisher:
    """A publisher that fails ``failures`` times, and holds calls while it is not ``open`` (or ``only_next`` opens)."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.calls: list[list[bytes]] = []
        self.confirmed: list[bytes] = []
        self.open = asyncio.Event()
        self.open.set()
        self.only_next = False

    async def publish(self, records: Sequence[Outgoing]) -> None:
        values = [record.value or b"" for record in records]
        self.calls.append(values)
        await self.open.wait()
        if self.only_next:
            self.open.clear()
        if self.failures > 0:
            self.failures -= 1
            raise PublishError("made up")
        self.confirmed += values


def numbered(begin: int, end: int) -> list[Outgoing]:
    return [Outgoing("topic", b"key", value, []) for value in values(begin, end)]


def values(begin: int, end: int) -> list[bytes]:
    return [str(k).encode() for k in range(begin, end)]


def play(scenario: Callable[[Outbox, FailingPublisher], Awaitable[None]], failures: int = 0) -> None:
    """Run ``scenario`` beside a running outbox."""

    async def both() -> None:
        broker = FailingPublisher(failures)
        outbox = Outbox(cast("Publisher", broker))
        task = asyncio.create_task(outbox.run())
        try:
            await scenario(outbox, broker)
            assert not task.done()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    asyncio.run(both())


def test_records_are_published_in_the_order_in_which_they_were_stored() -> None:
    async def scenario(outbox: Outbox, broker: FailingPublisher) -> None:
        for begin in range(0, 5_000, 250):
            outbox.add(numbered(begin, begin + 250))
            await asyncio.sleep(0)
        await until(lambda: outbox.confirmed == 5_000, "published")
        assert broker.confirmed == values(0, 5_000)
        assert outbox.depth == 0
        assert max(map(len, broker.calls)) <= 4_000

    play(scenario)


def test_refused_records_are_sent_again_before_newer_ones() -> None:
    async def scenario(outbox: Outbox, broker: FailingPublisher) -> None:
        outbox.add(numbered(0, 3))
        await until(lambda: len(broker.calls) >= 2, "published")
        outbox.add(numbered(3, 5))
        await until(lambda: outbox.confirmed == 5, "published")
        assert broker.confirmed == values(0, 5)
        assert all(call[0] == b"0" for call in broker.calls[:4])

    play(scenario, failures=3)


def test_confirmed_records_are_counted_until_they_are_trimmed() -> None:
    async def scenario(outbox: Outbox, broker: FailingPublisher) -> None:
        outbox.add(numbered(0, 10))
        await until(lambda: outbox.confirmed == 10, "published")
        broker.open.clear()
        outbox.add(numbered(10, 14))
        await until(lambda: len(broker.calls) == 2, "published")
        outbox.trimmed(10)
        assert (outbox.confirmed, outbox.depth) == (0, 4)
        broker.open.set()
        await until(lambda: outbox.confirmed == 4, "published")

    play(scenario)


def test_an_entry_of_many_records_is_trimmed_when_all_of_them_are_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 3)

    async def scenario(outbox: Outbox, broker: FailingPublisher) -> None:
        broker.only_next = True
        broker.open.clear()
        outbox.add(numbered(0, 5), [1, 4])
        outbox.add(numbered(5, 7))
        assert (outbox.depth, outbox.entries, outbox.confirmed) == (7, 4, 0)
        for depth, confirmed in ((4, 1), (1, 3), (0, 4)):
            broker.open.set()
            await until(lambda: not broker.open.is_set(), "a call")
            await until(lambda depth=depth: outbox.depth == depth, "published")  # type: ignore[misc]
            assert (outbox.confirmed, outbox.entries) == (confirmed, 4)
        outbox.trimmed(4)
        assert (outbox.depth, outbox.entries) == (0, 0)
        assert broker.confirmed == values(0, 7)

    play(scenario)


def test_back_pressure_ends_when_the_broker_has_caught_up() -> None:
    async def scenario(outbox: Outbox, broker: FailingPublisher) -> None:
        broker.open.clear()
        outbox.add(numbered(0, 10))
        waiting = asyncio.create_task(outbox.below(10))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not waiting.done()
        broker.open.set()
        async with asyncio.timeout(10):
            await waiting
        await outbox.below(1)

    play(scenario)


def test_a_reset_starts_again_from_the_stored_records() -> None:
    async def scenarios() -> None:
        broker = FailingPublisher()
        outbox = Outbox(cast("Publisher", broker))
        broker.open.clear()
        outbox.add(numbered(0, 4))
        first = asyncio.create_task(outbox.run())
        await until(lambda: len(broker.calls) == 1, "published")
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
        outbox.reset(numbered(2, 6))
        assert (outbox.confirmed, outbox.depth) == (0, 4)
        broker.open.set()
        second = asyncio.create_task(outbox.run())
        await until(lambda: outbox.confirmed == 4, "published")
        second.cancel()
        with suppress(asyncio.CancelledError):
            await second
        assert broker.confirmed == values(2, 6)

    asyncio.run(scenarios())


def test_what_is_lost_is_published_and_trimmed_no_more() -> None:
    async def run() -> None:
        broker, trims = FailingPublisher(), 0
        broker.open.clear()
        outbox = Outbox(cast("Publisher", broker))
        publishing = Publishing(outbox, 0)

        async def trim() -> None:
            nonlocal trims
            trims += 1

        publishing.start()
        outbox.add(numbered(0, 3))
        await until(lambda: len(broker.calls) == 1, "under way")
        publishing.lose()
        broker.open.set()
        outbox.add(numbered(3, 5))
        await publishing.hand_over(trim, "partition 0")
        publishing.check()
        await publishing.stop()
        assert (broker.confirmed, trims, outbox.depth) == ([], 0, 5)

    asyncio.run(run())
