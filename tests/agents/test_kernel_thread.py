"""Large runs of the kernel are made in a thread, and whatever happens meanwhile does not matter to their steps."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Final, cast

import orjson
import pytest

from stream.agents.kernel_thread import KernelThread
from stream.agents.warmup import warm_up
from stream.errors import CodecError, DamagedProfileError
from stream.local.redis import EmbeddedRedis
from stream.processing.kernel import Kernel, Run
from stream.processing.partition import Partition
from stream.processing.prepared import Prepared
from stream.processing.written_run import WrittenRun
from tests.agents.playing import LOG, RULES, play
from tests.agents.rig import PARTITION, TOPICS, Rig, until
from tests.processing.frozen import SILENCE, scorer_of
from tests.processing.station import Station

#: Every run takes the way of a large one, and there are few: each waits twice for the machine.
LARGE: Final[dict[str, Any]] = {"large": 1, "step_records": 200, "sweep_customers": 1000}


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Compile first: on the event loop it would take longer than these tests wait."""
    warm_up()


class Gated(Kernel):
    """A kernel whose runs over events wait in their thread while the gate is shut."""

    def __init__(self) -> None:
        super().__init__(RULES)
        self.gate = threading.Event()
        self.is_waiting = threading.Event()
        self.threads: set[str] = set()

    def advance(self, *given: Any) -> Callable[[], Run]:
        make = super().advance(*given)

        def gated() -> Run:
            self.threads.add(threading.current_thread().name)
            self.is_waiting.set()
            assert self.gate.wait(20)
            return make()

        return gated


def gated(rig: Rig) -> tuple[Gated, Partition]:
    kernel = Gated()
    return kernel, Partition(PARTITION, rig.rules, kernel, rig.topics, TOPICS, 1500)


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_worker_that_is_cancelled_waits_for_the_run_and_stores_nothing_of_it(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def scenario(rig: Rig) -> None:
        kernel, partition = gated(rig)
        worker, running = await rig.start(partition=partition)
        await until(kernel.is_waiting.is_set, "a run is under way")
        running.cancel()
        await turns()
        running.cancel()
        await turns()
        assert not running.done(), "the thread still works for it"
        kernel.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(running, 20)
        assert worker.steps == 0
        assert await rig.stored_offsets() == [0] * len(TOPICS)
        assert await rig.documents() == {}
        successor, _ = await rig.start()
        await until(lambda: rig.is_done(successor), "everything is stored")
        assert await rig.documents() == expected_documents()

    play(redis_server, namespace, scenario, **LARGE)


@pytest.mark.parametrize("lost", [False, True])
def test_a_step_that_is_under_way_at_a_stop_is_stored(redis_server: EmbeddedRedis, namespace: str, lost: bool) -> None:
    async def scenario(rig: Rig) -> None:
        kernel, partition = gated(rig)
        worker, running = await rig.start(partition=partition)
        await until(kernel.is_waiting.is_set, "a run is under way")
        worker.stop(lost=lost)
        await turns()
        kernel.gate.set()
        await asyncio.wait_for(running, 20)
        assert worker.steps >= 1
        assert sum(await rig.stored_offsets()) == worker.partition.state.counters.events_in > 0
        assert (not rig.broker.published) or not lost

    play(redis_server, namespace, scenario, **LARGE)


def test_the_event_loop_goes_on_and_another_model_is_of_the_next_step(
    redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def scenario(rig: Rig) -> None:
        kernel, partition = gated(rig)
        rig.scorer_now = lambda: scorer_of(SILENCE, version=1)
        worker, running = await rig.start(partition=partition)
        await until(kernel.is_waiting.is_set, "a run is under way")
        assert await rig.client.ping(), "the event loop hears from Redis meanwhile"
        rig.scorer_now = lambda: scorer_of(SILENCE, version=2)
        worker.stop()
        kernel.gate.set()
        await asyncio.wait_for(running, 20)
        versions = {orjson.loads(document)["model_version"] for document in (await rig.documents()).values()}
        assert versions == {1}
        successor, _ = await rig.start()
        await until(lambda: rig.is_done(successor), "everything is stored")
        newest = [orjson.loads(document)["model_version"] for document in (await rig.documents()).values()]
        assert 2 in newest

    play(redis_server, namespace, scenario, **LARGE)


def expected_documents() -> dict[str, bytes]:
    """The documents of the whole log from a partition without a thread."""
    station = Station(LOG, RULES, scorer_of(SILENCE))
    station.finish()
    return station.documents


def prepared(make: Callable[[], WrittenRun], size: int) -> Prepared:
    def finish(_: WrittenRun | None) -> Any:
        raise AssertionError("nobody asked for the outcome")

    return Prepared(finish, ["ann", "bob"], make, size)


def test_small_runs_stay_and_large_ones_go() -> None:
    async def ran_in(kernels: KernelThread, size: int) -> str:
        names: list[str] = []

        def make() -> WrittenRun:
            names.append(threading.current_thread().name)
            return cast("WrittenRun", None)

        await kernels.run(prepared(make, size))
        return names[0]

    kernels = KernelThread(large=10)
    here = threading.current_thread().name
    assert asyncio.run(ran_in(kernels, 9)) == here
    other = asyncio.run(ran_in(kernels, 10))
    assert other != here
    assert other in {thread.name for thread in threading.enumerate()}
    assert not any(thread.daemon for thread in threading.enumerate() if thread.name == other)
    kernels.close()
    assert other not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("size", [1, 1000])
def test_an_error_of_a_run_is_the_same_from_either_place(size: int) -> None:
    def damaged() -> WrittenRun:
        raise CodecError("not a profile", row=1)

    def unreadable() -> WrittenRun:
        raise CodecError("no profiles")

    kernels = KernelThread()
    with pytest.raises(DamagedProfileError, match="not a profile") as found:
        asyncio.run(kernels.run(prepared(damaged, size)))
    assert found.value.customer == "bob"
    with pytest.raises(CodecError, match="no profiles"):
        asyncio.run(kernels.run(prepared(unreadable, size)))
    kernels.close()
