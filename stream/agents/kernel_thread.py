"""The thread in which large runs of the kernel are made, while the event loop works on other partitions."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from stream.processing.prepared import Prepared
from stream.processing.written_run import WrittenRun

__all__ = ["KernelThread"]

#: Events, or customers of a sweep, from which on a run goes to the thread: some 15 ms. Beside a busy event loop a run
#: of 1,000 takes 35 ms there instead of 8, because both wait for the interpreter's lock and for a core. So current
#: events would come in larger steps, which take longer still.
_LARGE: Final = 2000


class KernelThread:
    """One for all partitions of a process: more threads would only take time from each other."""

    def __init__(self, large: int = _LARGE) -> None:
        self._large = large
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="kernel")

    async def run(self, step: Prepared) -> WrittenRun | None:
        """The run of a step. Raises as `Prepared.run` does.

        Whoever is cancelled has to wait until the run has ended, so none outlives the worker that asked for it.
        """
        if step.size < self._large:
            return step.run()
        running = asyncio.get_running_loop().run_in_executor(self._executor, step.run)
        cancelled: asyncio.CancelledError | None = None
        while not running.done():
            try:
                await asyncio.wait({running})
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is None:
            return running.result()
        running.exception()  # nobody wants to know it any more
        raise cancelled

    def close(self) -> None:
        """End the thread, after the run that is under way."""
        self._executor.shutdown()
