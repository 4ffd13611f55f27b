"""The loop of a task that owns a partition."""

import asyncio
from typing import cast

from stream.agents.input_protocols import Inputs
from stream.agents.outbox import Outbox
from stream.agents.publisher import Publisher
from stream.agents.stepping import Stepping
from stream.agents.worker_options import WorkerOptions
from tests.agents.rig import KeepingPublisher


def test_a_stop_in_the_middle_of_a_turn_ends_the_wait_after_it() -> None:
    turns, trims = 0, 0

    async def scenario() -> None:
        async def claim() -> dict[str, int]:
            raise AssertionError("nothing has failed")

        async def turn() -> None:
            nonlocal turns
            turns += 1
            stepping.stop(lost=False)
            await asyncio.sleep(0)
            assert await stepping.idle(3600.0)

        async def trim() -> None:
            nonlocal trims
            trims += 1

        async def verify() -> None:
            raise AssertionError("nothing has failed")

        outbox = Outbox(cast("Publisher", KeepingPublisher()))
        stepping = Stepping("partition 0", 0, outbox, cast("Inputs", None), claim, WorkerOptions())
        async with asyncio.timeout(60.0):
            await stepping.run(turn, trim, verify)

    asyncio.run(scenario())
    assert (turns, trims) == (1, 0)
