"""The owner of partitions when an assignment is overtaken by the next one."""

import asyncio
from typing import Any

from stream.agents.owner import Owner
from stream.agents.transport import TP

ASSIGNED = frozenset({TP("events.click", 0), TP("events.click", 1)})


class _RunningWorker:
    """A partition worker that runs until it is stopped."""

    def __init__(self) -> None:
        self.ran = False
        self.is_lost = False
        self._stopped = asyncio.Event()

    async def claim(self) -> dict[str, int]:
        return {}

    async def run(self) -> None:
        self.ran = True
        await self._stopped.wait()

    def stop(self, *, lost: bool = False) -> None:
        self.is_lost |= lost
        self._stopped.set()


def _owner(workers: list[_RunningWorker]) -> Owner[Any]:
    def make_worker(_partition: int) -> Any:
        workers.append(_RunningWorker())
        return workers[-1]

    async def nothing() -> None:
        pass

    return Owner(["events.click"], make_worker, nothing)


def test_a_partition_revoked_during_an_assignment_is_not_started() -> None:
    """A worker stopped in the middle of a rebalance once ended with status 1 because of a KeyError."""

    async def run() -> None:
        workers: list[_RunningWorker] = []
        owner = _owner(workers)
        await owner.restore_offsets(ASSIGNED)
        await owner.on_revoked(ASSIGNED)
        await owner.on_assigned(ASSIGNED)
        await asyncio.sleep(0)
        assert len(workers) == 2
        assert not any(worker.ran for worker in workers)
        assert not owner.workers

    asyncio.run(run())


def test_an_assigned_partition_runs_until_it_is_revoked() -> None:
    async def run() -> None:
        workers: list[_RunningWorker] = []
        owner = _owner(workers)
        await owner.restore_offsets(ASSIGNED)
        await owner.on_assigned(ASSIGNED)
        await asyncio.sleep(0)
        assert all(worker.ran for worker in workers)
        await owner.on_revoked(ASSIGNED)
        assert not owner.workers

    asyncio.run(run())


def test_workers_of_partitions_that_are_lost_publish_nothing_more() -> None:
    """Others may own them already: what these sent late would come after what their successors send."""

    async def run() -> None:
        workers: list[_RunningWorker] = []
        owner = _owner(workers)
        await owner.restore_offsets(ASSIGNED)
        await owner.on_assigned(ASSIGNED)
        await owner.on_lost(ASSIGNED)
        assert [worker.is_lost for worker in workers] == [True, True]
        assert not owner.workers

    asyncio.run(run())
