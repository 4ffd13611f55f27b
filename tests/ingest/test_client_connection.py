"""Limits of connections, on a server of a few lines."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Self, cast

import pytest
import uvloop

from stream.ingest.client_connection import Connection, Connections

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


class Echo(asyncio.Protocol):
    """Sends back what comes, in place of aiohttp."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


@asynccontextmanager
async def serving(connections: Connections) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(Echo(), connections), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def at_most(connections: Connections, count: int) -> None:
    async with asyncio.timeout(20):
        while len(connections.open) > count:  # noqa: ASYNC110 - a set does not tell that it shrinks
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("parts", [[b"GET / HTTP/1.1\r\n\r\n"], [b"GET /\r", b"\n", b"\r", b"\n"], [b"\r\n\r\nbody"]])
def test_a_head_that_is_complete_ends_the_deadline(parts: list[bytes]) -> None:
    async def scenario() -> None:
        async with serving(Connections(head_timeout_s=1.0)) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for part in parts:
                writer.write(part)
                await reader.readexactly(len(part))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 1.5)
            writer.write(b"still there")
            assert await reader.readexactly(11) == b"still there"
            writer.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("head", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n", b"\n\n\n\n"])
def test_a_head_that_is_not_complete_in_time_ends_the_connection(head: bytes) -> None:
    async def scenario() -> None:
        connections = Connections(head_timeout_s=1.0)
        async with serving(connections) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head)
            assert await asyncio.wait_for(reader.read(), 20) == head
            writer.close()
            await at_most(connections, 0)

    asyncio.run(scenario())


class HttpClient:
    """A connection to the server; ``async with`` closes it."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    async def answers(self) -> bool:
        """Whether the connection is still open."""
        async with asyncio.timeout(20):
            try:
                self._writer.write(b"x")
                return await self._reader.readexactly(1) == b"x"
            except (ConnectionError, asyncio.IncompleteReadError):
                return False


LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.mark.parametrize("loop_factory", LOOPS)
def test_a_connection_too_many_takes_the_place_of_the_longest_idle_one(loop_factory: LoopFactory) -> None:
    async def scenario() -> None:
        connections = Connections(head_timeout_s=60, max_open=3)
        async with serving(connections) as port, AsyncExitStack() as clients:
            made = []
            for _ in range(5):
                made.append(await clients.enter_async_context(HttpClient(port)))
                assert await made[-1].answers()
            assert [await client.answers() for client in made] == [False, False, True, True, True]
            await clients.aclose()
            await at_most(connections, 0)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(scenario())


@pytest.mark.parametrize("loop_factory", LOOPS)
def test_one_whose_request_is_served_keeps_its_place_unless_it_is_a_stranger(loop_factory: LoopFactory) -> None:
    async def scenario() -> None:
        connections = Connections(head_timeout_s=60, max_open=2)
        async with serving(connections) as port, AsyncExitStack() as clients:
            made = []
            for _ in range(2):
                made.append(await clients.enter_async_context(HttpClient(port)))
                assert await made[-1].answers()
            first, second = [*connections.open]
            with connections.serving(first), connections.serving(second):
                async with HttpClient(port) as too_many:
                    assert not await too_many.answers()
                assert [await client.answers() for client in made] == [True, True]
                await at_most(connections, 2)
                with connections.unproven(second):
                    made.append(await clients.enter_async_context(HttpClient(port)))
                    assert await made[2].answers()
                    assert [await client.answers() for client in made] == [True, False, True]
            # the served one is idle again and closes after those that were idle before
            for expected in ([True, False], [False, False]):
                made.append(await clients.enter_async_context(HttpClient(port)))
                assert await made[-1].answers()
                assert [await made[0].answers(), await made[2].answers()] == expected

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(scenario())
