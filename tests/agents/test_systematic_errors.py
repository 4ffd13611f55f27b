"""An error that no single event causes loses no event: nothing is stored, and the worker ends."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import redis

from stream.agents.owner import CRASHED
from stream.agents.warmup import warm_up
from stream.errors import CodecError, SnapshotError, StreamError, SystematicError
from stream.local.redis import EmbeddedRedis
from stream.processing.align import Taken
from stream.processing.kernel import Kernel, Run
from stream.processing.outgoing import Topics
from stream.processing.partition import Partition
from stream.processing.prepared import Prepared
from stream.processing.scorer import Scorer
from tests.agents.playing import LOG, RULES, play
from tests.agents.rig import PARTITION, TOPICS, ChokingPartition, Rig, until

#: The failures: codec, model, memory, the program itself.
ERRORS = [
    (CodecError("layout 99"), SystematicError, "stored bytes cannot be read: layout 99"),
    (SnapshotError("the snapshot is of another schema"), SnapshotError, "another schema"),
    (MemoryError(), SystematicError, "no memory for a step: give the worker more"),
    (SystematicError("whatever it is"), SystematicError, "whatever it is"),
    (AttributeError("a bug"), SystematicError, "fails for a made-up event as well, with AttributeError"),
]


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Compile first: on the event loop it would take longer than these tests wait."""
    warm_up()


class FailingPartition(Partition):
    """A partition whose steps or sweeps over customers fail from some point on."""

    error: Exception
    steps_before = 2
    in_sweeps = False

    def prepare_step(self, taken: Taken, scorer: Scorer, now_ms: int) -> Prepared:
        if not self.in_sweeps and self.state.counters.events_in >= 25 * self.steps_before:
            raise self.error
        return super().prepare_step(taken, scorer, now_ms)

    def prepare_sweep(self, customer_ids: Sequence[str], scorer: Scorer, now_ms: int, **how: bool) -> Prepared:
        if self.in_sweeps and customer_ids:
            raise self.error
        return super().prepare_sweep(customer_ids, scorer, now_ms, **how)


def test_bytes_that_are_gone_with_the_token_are_no_damage(redis_server: EmbeddedRedis, namespace: str) -> None:
    """A server that loses everything between two reads of one state leaves half of it to the worker."""

    class Emptied(Partition):
        is_emptied = False

        def prepare_step(self, taken: Taken, scorer: Scorer, now_ms: int) -> Prepared:
            if not self.is_emptied and self.state.counters.events_in >= 50:
                self.is_emptied = True
                with redis.Redis.from_url(redis_server.url) as client:
                    assert client.delete(*client.scan_iter(f"*{namespace}*"))
                raise CodecError("a part of the state is not stored")
            return super().prepare_step(taken, scorer, now_ms)

    async def scenario(rig: Rig) -> None:
        emptied = Emptied(PARTITION, RULES, rig.partition()._kernel, Topics(), TOPICS, 10**9)
        worker, _ = await rig.start(partition=emptied)
        await until(lambda: emptied.is_emptied and rig.is_done(worker), "everything is stored again")
        assert worker.partition.state.counters.events_in == sum(len(log) for log in rig.transport.logs)

    play(redis_server, namespace, scenario)


@pytest.mark.parametrize(("error", "kind", "says"), ERRORS)
def test_an_error_in_every_step_is_not_blamed_on_events(
    redis_server: EmbeddedRedis, namespace: str, error: Exception, kind: type[StreamError], says: str
) -> None:
    async def scenario(rig: Rig) -> None:
        failing = FailingPartition(PARTITION, RULES, rig.partition()._kernel, Topics(), TOPICS, 10**9)
        failing.error = error
        worker, running = await rig.start(partition=failing)
        with pytest.raises(kind, match=says):
            await asyncio.wait_for(running, 20)
        stored = sum(await rig.stored_offsets())
        assert stored == worker.partition.state.counters.events_in >= 50
        reasons = [dict(record.headers).get("dlq.reason") for record in rig.broker.published]
        assert b"processing_failed" not in reasons
        # a program without the error resumes from there
        repaired, _ = await rig.start()
        await until(lambda: rig.is_done(repaired), "everything is stored")
        counters = repaired.partition.state.counters
        assert counters.events_in == sum(len(log) for log in rig.transport.logs)
        assert b"processing_failed" not in [dict(r.headers).get("dlq.reason") for r in rig.broker.published]

    play(redis_server, namespace, scenario)


class BrokenKernel(Kernel):
    """A kernel that fails for every event."""

    def advance(self, *given: Any) -> Callable[[], Run]:
        def broken() -> Run:
            raise ZeroDivisionError(f"{len(given)} arguments")

        return broken


def test_an_error_in_every_event_is_found_in_steps_of_one_event(redis_server: EmbeddedRedis, namespace: str) -> None:
    """No other event of the step tells that they all fail, and each would become a dead letter, one after the other."""

    async def scenario(rig: Rig) -> None:
        broken = Partition(PARTITION, RULES, BrokenKernel(RULES), Topics(), TOPICS, 10**9)
        _, running = await rig.start(partition=broken)
        with pytest.raises(SystematicError, match="fails for a made-up event as well, with ZeroDivisionError"):
            await asyncio.wait_for(running, 20)
        assert await rig.stored_offsets() == [0, 0, 0]
        assert rig.broker.published == []

    play(redis_server, namespace, scenario, step_records=1)


def test_an_error_of_single_events_in_steps_of_one_event_costs_these_events(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def scenario(rig: Rig) -> None:
        choked = ChokingPartition(PARTITION, RULES, rig.partition()._kernel, Topics(), TOPICS, 10**9)
        worker, _ = await rig.start(partition=choked)
        await until(lambda: rig.is_done(worker), "everything is stored")
        failed = [r.key for r in rig.broker.published if ("dlq.reason", b"processing_failed") in r.headers]
        assert {*failed} == {b"customer-3"}
        assert "customer-3" not in await rig.documents()
        assert len(await rig.documents()) > 1

    play(redis_server, namespace, scenario, LOG[:40], step_records=1)


@pytest.mark.parametrize("error", [MemoryError(), AttributeError("a bug"), CodecError("layout 99")])
def test_an_error_in_a_sweep_ends_the_worker_at_once(
    redis_server: EmbeddedRedis, namespace: str, error: Exception
) -> None:
    async def scenario(rig: Rig) -> None:
        failing = FailingPartition(PARTITION, RULES, rig.partition()._kernel, Topics(), TOPICS, 10**9)
        failing.error, failing.in_sweeps = error, True
        _, running = await rig.start(partition=failing)
        with pytest.raises((SystematicError, AttributeError)):
            await asyncio.wait_for(running, 20)
        assert rig.transport.rewinds == []

    play(redis_server, namespace, scenario)


def test_the_process_ends_with_its_status_and_one_line() -> None:
    code = (
        "from stream.agents.owner import leave\n"
        "from stream.errors import SystematicError\n"
        "leave('partition-3', SystematicError('many stored profiles cannot be read'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == CRASHED
    assert done.stderr.splitlines() == ["partition-3: many stored profiles cannot be read; leaving"]
