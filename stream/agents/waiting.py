"""Waiting for an event with a time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["pause", "wait_until_set"]


async def wait_until_set(event: asyncio.Event, timeout_s: float | None) -> bool:
    """Clear ``event``, wait until it is set or ``timeout_s`` has passed; return whether it was set.

    Unlike ``asyncio.wait_for`` before Python 3.12, this never loses a cancellation that comes with the event.
    """
    event.clear()
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def pause(seconds: float, wake: asyncio.Event, is_over: Callable[[], bool]) -> None:
    """Wait for ``seconds``; return earlier only if ``wake`` is set and ``is_over`` holds then."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not is_over() and (left := deadline - loop.time()) > 0:
        await wait_until_set(wake, left)
