"""Connections: requests are taken up in their order, and answered in it."""

import asyncio
import contextlib
import inspect
import logging
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from stream.broker.answers import LogAnswers
from stream.broker.cleaning import Cleaner
from stream.broker.commits import Commits
from stream.broker.config_answers import ConfigAnswers
from stream.broker.group_answers import GroupAnswers
from stream.broker.journal import Journal
from stream.broker.journal_reader import Reader
from stream.broker.wire import MAX_FRAME_BYTES, Request, WireError, read_request, versions_answer
from stream.stop_signals import stop_event

__all__ = ["Broker", "serve"]

_LOG = logging.getLogger(__name__)
#: Requests of a connection that are taken up and not answered; more wait in the socket.
MAX_UNANSWERED = 100
_PRODUCE = 0

Answer = bytes | Awaitable[bytes]


class Broker:
    """One broker over the journal at ``path``; make it, and use it, within an event loop."""

    def __init__(self, path: Path, host: str, port: int) -> None:
        self._journal = Journal(path)
        self._reader = Reader(path)
        self._commits = Commits(self._journal)
        self._logs = LogAnswers(self._journal, self._commits, self._reader, (host, port))
        self._groups = GroupAnswers(self._journal, self._commits, self._reader, (host, port))
        logs, groups, configs = self._logs, self._groups, ConfigAnswers(self._logs)
        self._cleaner = Cleaner(path, self._journal, self._commits, logs.partitions)
        self._answers: dict[int, Callable[[Request], Answer]] = {
            _PRODUCE: logs.produce,
            1: logs.fetch,
            2: logs.list_offsets,
            3: logs.metadata,
            8: groups.commit,
            9: groups.committed,
            10: groups.find,
            11: groups.join,
            12: groups.heartbeat,
            13: groups.leave,
            14: groups.sync,
            15: groups.describe,
            16: groups.list_groups,
            18: versions_answer,
            19: logs.create_topics,
            20: logs.delete_topics,
            22: logs.new_producer,
            32: configs.describe,
            42: groups.delete,
            44: configs.alter,
        }

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop``; what was confirmed by then, and what is being written, is kept.

        An error that no code expected, in what happens now and then, ends it: sessions would never expire again.
        """
        host, port = self._logs.address
        server = await asyncio.start_server(self._connection, host, port)
        _LOG.info("listening on %s:%d", host, port)
        try:
            async with asyncio.TaskGroup() as group:
                tending = [group.create_task(one.tend()) for one in (self._groups, self._cleaner)]
                await stop.wait()
                server.close()
                for task in tending:
                    task.cancel()
        finally:
            server.close()
            await self._commits.close()
            self._reader.close()
            self._journal.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        unanswered: asyncio.Queue[asyncio.Future[bytes] | None] = asyncio.Queue(MAX_UNANSWERED)
        answering = asyncio.ensure_future(_answer(unanswered, writer))
        taken: set[asyncio.Future[bytes]] = set()
        try:
            while not answering.done() and (request := await _next(reader)) is not None:
                answer = self._answers[request.key](request)
                if request.key == _PRODUCE and request.body.required_acks == 0:
                    continue  # the client does not wait for an answer, and would not understand one
                task: asyncio.Future[bytes] = asyncio.ensure_future(
                    answer if inspect.isawaitable(answer) else _done(answer)
                )
                taken.add(task)
                task.add_done_callback(taken.discard)
                await unanswered.put(task)
        except WireError as error:
            _LOG.warning("connection of %s closed: %s", writer.get_extra_info("peername"), error)
        except OSError:
            pass  # it is gone, as every connection is some day
        finally:
            for task in taken:
                self._groups.abandon(task)
            answering.cancel()
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await answering


async def _next(reader: asyncio.StreamReader) -> Request | None:
    """The next request, None at the end of the connection."""
    try:
        (length,) = struct.unpack(">i", await reader.readexactly(4))
        if not 0 < length <= MAX_FRAME_BYTES:
            raise WireError(f"a request of {length} bytes")
        return read_request(await reader.readexactly(length))
    except asyncio.IncompleteReadError:
        return None


async def _answer(unanswered: "asyncio.Queue[asyncio.Future[bytes] | None]", writer: asyncio.StreamWriter) -> None:
    while (task := await unanswered.get()) is not None:
        writer.write(await task)
        await writer.drain()


async def _done(answer: bytes) -> bytes:
    return answer


def serve(path: Path, host: str, port: int) -> None:
    """Run until one of the `STOP_SIGNALS`."""

    async def main() -> None:
        await Broker(path, host, port).run(stop_event())

    uvloop.run(main())
