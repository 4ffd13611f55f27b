"""The runner of projections on a real Redis: whatever ends it, and wherever, states equal the fold over the log."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
import pytest

from stream.agents.outbox import Outbox
from stream.agents.projection_worker import ProjectionWorker
from stream.agents.publisher import Publisher
from stream.agents.worker_options import WorkerOptions, no_probe
from stream.clock import SystemClock
from stream.errors import SystematicError
from stream.local.redis import EmbeddedRedis
from stream.projections.folding import FoldingPartition, Topics
from stream.settings import Settings
from stream.storage.connection import connect
from stream.storage.keys import Keys, ProjectionKeys
from stream.storage.projection_desk import ProjectionDesk
from stream.storage.projection_store import ProjectionStore
from tests.agents.rig import Broker, until
from tests.oracle.record import Record
from tests.projections.adding import Adding, Reminding, record

POINTS = ("polled", "computed", "script sent", "script done", "acked")
NUMBERS = [1, 10, -3, 13, 2, 10, 5, -5]
LOG = [record(offset, "abcde"[offset % 5], NUMBERS[offset % 8]) for offset in range(120)]


class _EndError(Exception):
    """The process ends here."""


@dataclass
class _Batch:
    records: Sequence[Record]
    next_offset: int
    log: "_Log"
    lease: int

    @property
    def is_current(self) -> bool:
        return self.lease == self.log.lease

    def ack(self) -> bool:
        if self.is_current:
            self.log.acked_to = self.next_offset
        return self.is_current


@dataclass
class _Log:
    """`ProjectionInputs` over a list, fetched in batches of seven."""

    records: Sequence[Record]
    lease: int = 0
    position: int = 0
    acked_to: int = 0
    held: bool = False
    grows: bool = False
    rewinds: list[int] = field(default_factory=list)

    def at_end(self, _source: int) -> bool:
        return not self.grows and self.position == len(self.records)

    def lag(self, _source: int) -> int:
        return len(self.records) - self.position

    def hold(self, _source: int) -> None:
        self.held = True

    def release(self, _source: int) -> None:
        self.held = False

    async def rewind(self, offsets: Mapping[str, int]) -> None:
        self.rewinds.append(offsets.get("numbers", 0))
        self.begin(offsets)

    def begin(self, offsets: Mapping[str, int]) -> None:
        self.lease += 1
        self.held = False
        self.position = offsets.get("numbers", 0)

    async def deliver_to(self, worker: ProjectionWorker) -> None:
        while True:
            if not self.held and self.position < len(self.records):
                part = self.records[self.position : self.position + 7]
                self.position += len(part)
                worker.deliver(0, _Batch(part, self.position, self, self.lease))
            await asyncio.sleep(0)


class _Rig:
    def __init__(self, server: EmbeddedRedis, namespace: str, log: Sequence[Record] = LOG) -> None:
        self.settings = Settings(redis_url=server.url, namespace=namespace, partitions=1)
        self.client = connect(self.settings)
        self.keys = Keys(namespace)
        self.log = log
        self.broker = Broker()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(
        self, probe: Callable[[str], None] = no_probe, projection: Adding | None = None
    ) -> tuple[ProjectionWorker, asyncio.Task[None], _Log]:
        inputs = _Log(self.log)
        worker = ProjectionWorker(
            FoldingPartition(projection or Adding(), 0, Topics("dead-letters", "alerts"), 3),
            ProjectionStore(self.client, self.keys, Adding.name, Adding.version, 0, f"w{len(self._tasks)}"),
            Outbox(cast("Publisher", self.broker)),
            inputs,
            SystemClock(),
            WorkerOptions(step_records=20, fenced_wait_s=0.3, probe=probe),
        )
        inputs.begin(await worker.claim())
        running = asyncio.create_task(worker.run())
        fetching = asyncio.create_task(inputs.deliver_to(worker))
        running.add_done_callback(lambda _: fetching.cancel())
        self._tasks += [running, fetching]
        return worker, running, inputs

    def is_done(self, worker: ProjectionWorker) -> bool:
        at = worker.partition.state.offsets.get("numbers", 0)
        return at == len(self.log) and worker.outbox.depth == 0 == worker.outbox.confirmed

    async def states(self, generation: int = 0) -> dict[str, int]:
        keys = ProjectionKeys(self.settings.namespace, Adding.name, Adding.version, generation)
        prefix = keys.customer(0, "")
        found = {key.decode(): await self.client.get(key) async for key in self.client.scan_iter(f"{prefix}*")}
        return {key.removeprefix(prefix): orjson.loads(state)["total"] for key, state in found.items() if state}

    async def end(self) -> None:
        for task in self._tasks:
            # the client of Redis may lose a cancellation that comes with an answer
            while not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=0.5)
            if not task.cancelled():
                task.exception()
        await self.client.aclose()


def totals(log: Sequence[Record]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for one in log:
        said = orjson.loads(one.value or b"")
        if said["number"] != 13:
            sums[said["who"]] = sums.get(said["who"], 0) + said["number"]
    return {who: total for who, total in sums.items() if total}


def tens(log: Sequence[Record]) -> list[tuple[bytes, bytes]]:
    sums: dict[str, int] = {}
    found = []
    for one in log:
        said = orjson.loads(one.value or b"")
        if said["number"] != 13:
            sums[said["who"]] = sums.get(said["who"], 0) + said["number"]
        if said["number"] == 10:
            found.append((said["who"].encode(), b"%d" % sums[said["who"]]))
    return found


def run_on(server: EmbeddedRedis, namespace: str, act: Callable[[_Rig], Any], log: Sequence[Record] = LOG) -> None:
    async def run() -> None:
        rig = _Rig(server, namespace, log)
        try:
            await act(rig)
        finally:
            await rig.end()

    asyncio.run(run())


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("visit", [1, 3])
def test_a_worker_that_ends_at_any_point_loses_and_doubles_nothing(
    redis_server: EmbeddedRedis, namespace: str, point: str, visit: int
) -> None:
    async def act(rig: _Rig) -> None:
        visits = 0

        def probe(at: str) -> None:
            nonlocal visits
            visits += at == point
            if at == point and visits == visit:
                raise _EndError

        _, running, _ = await rig.start(probe)
        with pytest.raises(_EndError):
            await running
        worker, _, inputs = await rig.start()
        await until(lambda: rig.is_done(worker), "the end of the log")
        assert await rig.states() == totals(LOG)
        published = [(one.key, one.value) for one in rig.broker.published if one.topic == "tens"]
        # what was stored and not trimmed was sent again, in order
        assert list(dict.fromkeys(published)) == list(dict.fromkeys(tens(LOG)))
        assert inputs.acked_to == len(LOG)
        counters = worker.partition.state.counters
        assert counters.events_in == len(LOG)
        assert counters.dead_letters == sum(b"13" in (one.value or b"") for one in LOG)

    run_on(redis_server, namespace, act)


def test_a_worker_that_was_superseded_writes_nothing(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def act(rig: _Rig) -> None:
        computed = asyncio.Event()
        entered = False

        def probe(at: str) -> None:
            nonlocal entered
            if at == "computed" and not entered:
                entered = True
                computed.set()

        first, running, log = await rig.start(probe)
        await computed.wait()
        second, _, _ = await rig.start()
        await until(lambda: rig.is_done(second), "the end of the log")
        # the first finds that out, goes back, and would go on as the new owner: its revocation comes first
        await until(lambda: first.recovering or bool(log.rewinds), "a refused write of the first")
        first.stop()
        await running
        assert await rig.states() == totals(LOG)

    run_on(redis_server, namespace, act)


def test_what_redis_lost_is_folded_again(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def act(rig: _Rig) -> None:
        worker, _, log = await rig.start()
        await until(lambda: rig.is_done(worker), "the end of the log")
        async for key in rig.client.scan_iter(f"{namespace}:*"):
            await rig.client.delete(key)
        await until(lambda: bool(log.rewinds) and rig.is_done(worker), "the log folded again")
        assert log.rewinds == [0]
        assert await rig.states() == totals(LOG)

    run_on(redis_server, namespace, act)


def test_a_rebuild_begins_anew_and_drops_what_was(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def act(rig: _Rig) -> None:
        worker, _, log = await rig.start()
        await until(lambda: rig.is_done(worker), "the end of the log")
        with ProjectionDesk(rig.settings) as desk:
            assert desk.rebuild(Adding.name, Adding.version) == 1
        await until(lambda: bool(log.rewinds) and rig.is_done(worker), "the log folded again")
        assert await rig.states(1) == totals(LOG)
        assert worker.partition.state.counters.events_in == len(LOG)
        former = ProjectionKeys(namespace, Adding.name, Adding.version, 0).prefix(0)
        async with asyncio.timeout(10.0):
            while [key async for key in rig.client.scan_iter(f"{former}*")]:  # noqa: ASYNC110 - they expire
                await asyncio.sleep(0.05)
        with ProjectionDesk(rig.settings) as desk:
            progress = desk.progress(Adding.name, Adding.version)
            assert (progress.generation, progress.folded + progress.dead_letters) == (1, len(LOG))

    run_on(redis_server, namespace, act)


def test_a_customer_is_erased_by_the_owner(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def act(rig: _Rig) -> None:
        worker, _, _ = await rig.start()
        await until(lambda: rig.is_done(worker), "the end of the log")
        with ProjectionDesk(rig.settings) as desk:
            assert desk.state(Adding.name, Adding.version, "a", "a") is not None
            desk.erase(Adding.name, Adding.version, "a")
            async with asyncio.timeout(10.0):
                while desk.erasing(Adding.name, Adding.version, "a"):  # noqa: ASYNC110 - as an operator waits
                    await asyncio.sleep(0.05)
            assert desk.state(Adding.name, Adding.version, "a", "a") is None
        others = {who: total for who, total in totals(LOG).items() if who != "a"}
        assert await rig.states() == others

    run_on(redis_server, namespace, act)


def test_a_state_that_cannot_be_read_ends_the_worker(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def act(rig: _Rig) -> None:
        keys = ProjectionKeys(namespace, Adding.name, Adding.version, 0)
        await rig.client.set(keys.customer(0, "a"), b"\x00")
        _, running, _ = await rig.start()
        with pytest.raises(SystematicError, match="cannot be read"):
            await running
        assert await rig.client.hget(keys.meta(0), "state") is None

    run_on(redis_server, namespace, act)


def told(rig: _Rig) -> list[tuple[str, str]]:
    """Alerts that were published: of whom, and the total."""
    alerts = [orjson.loads(one.value or b"") for one in rig.broker.published if one.topic == "alerts"]
    return [(alert["customer_id"], alert["heard"]["feedback_id"]) for alert in alerts]


def wanted_alerts() -> set[tuple[str, str]]:
    return {(who, str(total)) for who, total in totals(LOG).items() if total > 0}


@pytest.mark.parametrize("point", ["script sent", "script done"])
def test_a_worker_that_ends_while_timers_fire_loses_and_repeats_none(
    redis_server: EmbeddedRedis, namespace: str, point: str
) -> None:
    async def act(rig: _Rig) -> None:
        reminding = Reminding()

        def probe(at: str) -> None:
            if at == point and reminding.fired:
                raise _EndError

        _, running, _ = await rig.start(probe, reminding)
        with pytest.raises(_EndError):
            await running
        before = told(rig)
        worker, _, _ = await rig.start(projection=Reminding())
        await until(lambda: rig.is_done(worker) and {*told(rig)} == wanted_alerts(), "the alerts")
        timers = ProjectionKeys(rig.settings.namespace, Adding.name, Adding.version, 0).timers(0)
        assert await rig.client.zcard(timers) == 0
        assert before == []
        assert sorted(told(rig)) == sorted(wanted_alerts())
        assert await rig.states() == totals(LOG)

    run_on(redis_server, namespace, act)


def test_no_timer_fires_before_all_is_read_that_may_have_come_in_time(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def act(rig: _Rig) -> None:
        worker, _, inputs = await rig.start(projection=Reminding())
        inputs.grows = True
        await until(lambda: rig.is_done(worker), "the end of the log")
        await worker._fire()
        timers = ProjectionKeys(rig.settings.namespace, Adding.name, Adding.version, 0).timers(0)
        assert await rig.client.zcard(timers) == len(wanted_alerts())
        assert told(rig) == []
        inputs.grows = False
        await until(lambda: {*told(rig)} == wanted_alerts(), "the alerts")

    run_on(redis_server, namespace, act)


def test_the_earlier_of_two_clocks_counts(redis_server: EmbeddedRedis, namespace: str) -> None:
    async def act(rig: _Rig) -> None:
        worker, _, _ = await rig.start(projection=Reminding())
        await until(lambda: rig.is_done(worker), "the end of the log")
        for ahead_ms in (-86_400_000, 86_400_000):
            worker._clock = _Ahead(ahead_ms)
            now_ms = worker._now_ms()
            assert now_ms is not None
            assert now_ms - SystemClock().now_ms() < min(ahead_ms, 0) + 60_000

    run_on(redis_server, namespace, act)


class _Ahead(SystemClock):
    def __init__(self, ahead_ms: int) -> None:
        self._ahead_ms = ahead_ms

    def now_ms(self) -> int:
        return super().now_ms() + self._ahead_ms
