"""Writes that are made all or not at all, if keys are still as they were when somebody looked: WATCH, MULTI, EXEC.

Redis copies every argument of a script twice, and looks it up among all texts that its Lua knows. Lua tells long texts
apart by every n-th character, and documents have most of those in common: for each it compared dozens of others. That
was up to half of Redis's time. What a transaction is given is stored as it came.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError, ResponseError

from stream.storage.connection import Client

__all__ = ["Command", "Transaction", "TransactionsRefusedError", "begun"]

#: A command and its arguments.
Command = tuple[Any, ...]


class TransactionsRefusedError(NoPermissionError):
    """The user of Redis has no right to watch, to look, or to begin."""


class Transaction:
    """Begun on a connection of its own. ``found``: what was seen after Redis had begun to watch the keys."""

    def __init__(self, connection: Any, found: Sequence[Any]) -> None:
        self._connection = connection
        self.found = found
        self.is_over = False

    async def execute(self, commands: Sequence[Command]) -> list[Any] | None:
        """Their answers; None if a watched key has changed, and nothing was done.

        Raises what Redis says of the first command that it refuses, and nothing was done; of one that fails in the
        middle, which only a server does whose rights change meanwhile, and all others were done; and a `RedisError` if
        there is no answer.
        """
        if not self._connection.is_connected:
            # a new connection would know of no transaction, and do each command at once
            raise RedisConnectionError("the connection was closed in a transaction")
        *queued, done = await _asked(self._connection, [*commands, ("EXEC",)], check_health=False)
        _raise_first([*queued, done])
        if done is not None:
            _raise_first(done)
        self.is_over = True
        return done  # type: ignore[no-any-return]  # redis-py has no types for what it reads


@asynccontextmanager
async def begun(client: Client, watched: Sequence[str], looks: Sequence[Command]) -> AsyncIterator[Transaction]:
    """Watch keys, look, and begin; whoever leaves without `Transaction.execute` has written nothing.

    ``client`` is not that of a cluster. Raises `TransactionsRefusedError`, and what else Redis or the connection
    says. The connection is closed unless all went well, so nothing of a transaction stays behind on it.
    """
    pool = client.connection_pool
    connection = await pool.get_connection()
    is_whole = False
    try:
        # Redis has to confirm MULTI before the first write is sent, for without it each would be done at once
        answers = await _asked(connection, [("WATCH", *watched), *looks, ("MULTI",)], check_health=True)
        if refused := next((answer for answer in answers if isinstance(answer, NoPermissionError)), None):
            raise TransactionsRefusedError(str(refused))
        _raise_first(answers)
        yield (transaction := Transaction(connection, answers[1:-1]))
        is_whole = transaction.is_over
    finally:
        if not is_whole:
            await connection.disconnect(nowait=True)
        await pool.release(connection)


async def _asked(connection: Any, commands: Sequence[Command], *, check_health: bool) -> list[Any]:
    packed = [part for command in commands for part in connection.pack_command(*command)]
    await connection.send_packed_command(packed, check_health=check_health)
    answers = []
    for _ in commands:
        try:
            answers.append(await connection.read_response())
        except ResponseError as error:
            answers.append(error)
    return answers


def _raise_first(answers: Sequence[Any]) -> None:
    for answer in answers:
        if isinstance(answer, ResponseError):
            raise answer
