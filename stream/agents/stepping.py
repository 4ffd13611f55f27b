"""The loop of a task that owns a partition: turns, recovery after a failure, and a hand-over."""

from collections.abc import Awaitable, Callable

from stream.agents.publishing import Publishing
from stream.agents.recovery import Recovery
from stream.errors import CodecError, StorageError, SystematicError

__all__ = ["step_until"]

_MORE_MEMORY = "give the worker more, or set cache_mb or batch_max_records lower"


async def step_until(
    is_stopping: Callable[[], bool],
    turn: Callable[[], Awaitable[None]],
    commit_nothing: Callable[[], Awaitable[None]],
    *,
    verify: Callable[[], Awaitable[None]],
    publishing: Publishing,
    recovery: Recovery,
    what: str,
) -> None:
    """Run ``turn`` until ``is_stopping``, then publish what is left. ``commit_nothing`` trims the outbox.
    ``verify`` raises `StorageError` where the store does not have the token of this worker.

    Raises `SystematicError` for what the same turn would meet again: bytes that no program wrote, or no memory.
    """
    publishing.start()
    try:
        while not is_stopping():
            try:
                await turn()
            except CodecError as error:
                await recovery.run(await _lost_with_its_token(verify, error))
            except MemoryError as error:
                raise SystematicError(f"no memory for a step: {_MORE_MEMORY}") from error
            except StorageError as error:
                await recovery.run(error)
        await publishing.hand_over(commit_nothing, what)
    finally:
        await publishing.stop()


async def _lost_with_its_token(verify: Callable[[], Awaitable[None]], error: CodecError) -> StorageError:
    """Why bytes that belong together were not all there: a store that loses them loses the token as well.

    Raises `SystematicError` where it still has the token of this worker.
    """
    try:
        await verify()
    except StorageError as lost:
        return lost
    raise SystematicError(f"stored bytes cannot be read: {error}") from error
