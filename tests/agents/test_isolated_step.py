"""A step that fails is tried again without the event that is the reason; nothing of the search stays."""

import asyncio

import pytest

from stream.agents.computing import Computing
from stream.agents.kernel_thread import KernelThread
from stream.agents.worker_options import WorkerOptions
from stream.clock import FixedClock
from stream.processing.kernel import Kernel
from stream.processing.outgoing import Topics
from stream.processing.partition import Partition
from stream.processing.prepared import Prepared
from stream.processing.rules import Rules
from stream.processing.scorer import WARMING
from stream.processing.written_run import WrittenRun
from tests.processing.runs import TOPICS, order, taken
from tests.processing.station import EVERYTHING, NOW_MS


class _FailsOnce(KernelThread):
    async def run(self, step: Prepared) -> WrittenRun | None:
        del step
        raise ValueError("not again")


class _Empty:
    """A store in which nobody is."""

    async def documents(self, customers: list[str]) -> list[None]:
        return [None] * len(customers)


def test_a_step_that_fails_for_no_event_is_made_again_and_only_its_customers_stay_cached(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rules = Rules()
    partition = Partition(0, rules, Kernel(rules), Topics(), TOPICS, EVERYTHING)
    options = WorkerOptions(kernels=_FailsOnce())
    computing = Computing(partition, _Empty(), lambda: WARMING, FixedClock(NOW_MS), options)  # type: ignore[arg-type]  # all that is asked of a store
    run = taken([order("ada", "a", 0), order("bob", "b", 1)])
    run = asyncio.run(computing.load_step(run))
    outcome = asyncio.run(computing.step(run))
    assert "a step of partition 0 failed" in caplog.text
    assert outcome == partition.step(run, WARMING, NOW_MS)
    assert partition.cached == 2
