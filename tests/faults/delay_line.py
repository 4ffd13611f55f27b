"""A connection to a server that delays everything sent over it."""

import asyncio
import contextlib
import threading
from typing import Self

from stream.local.server_process import HOST

__all__ = ["DelayLine"]


class DelayLine:
    """``with DelayLine(port) as line: ...``: clients connect to `port`; what they send arrives `delay_s` later.

    Answers come back at once, so each command takes longer by that time.
    """

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="delay-line", daemon=True)
        self._lines: set[asyncio.Task[None]] = set()
        self.delay_s = 0.0
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        """The address for clients of a Redis at the other end."""
        return f"redis://{HOST}:{self.port}/0"

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, HOST, 0)

    async def _close(self) -> None:
        self._server.close()
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = self._loop.create_task(self._connect(reader, writer))
        self._lines.add(line)
        line.add_done_callback(self._lines.discard)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError), contextlib.closing(writer):
            answers, commands = await asyncio.open_connection(HOST, self._to_port)
            with contextlib.closing(commands):
                # when either end hangs up, so does the line
                passing = {
                    self._loop.create_task(self._pass(reader, commands, late=True)),
                    self._loop.create_task(self._pass(answers, writer, late=False)),
                }
                try:
                    await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in passing:
                        task.cancel()
                    await asyncio.gather(*passing, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, late: bool) -> None:
        while raw := await reader.read(1 << 16):
            if late and self.delay_s:
                await asyncio.sleep(self.delay_s)
            writer.write(raw)
            await writer.drain()
