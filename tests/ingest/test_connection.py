"""Limits of connections, on a server of a few lines."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from stream.ingest.connection import Connection, Connections


class Echo(asyncio.Protocol):
    """Sends back what comes, in place of aiohttp."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

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


def test_one_connection_too_many_is_closed_and_a_place_that_is_free_is_taken() -> None:
    async def scenario() -> None:
        connections = Connections(head_timeout_s=60, most=2)
        async with serving(connections) as port:
            writers = []
            for _ in range(2):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"x")
                await reader.readexactly(1)
                writers.append(writer)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                await asyncio.wait_for(reader.readexactly(1), 20)
            writer.close()
            writers[0].close()
            await at_most(connections, 1)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"y")
            assert await reader.readexactly(1) == b"y"
            writer.close()
            writers[1].close()

    asyncio.run(scenario())
