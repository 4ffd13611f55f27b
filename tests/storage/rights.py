"""Users of Redis without one of their rights, for tests."""

import uuid
from collections.abc import Awaitable, Callable

import redis

from stream.storage.connection import Client


async def without(client: Client, url: str, command: str, use: Callable[[Client], Awaitable[None]]) -> None:
    """Use a client of a user who may do anything but this."""
    user = f"user-{uuid.uuid4().hex[:8]}"
    await client.acl_setuser(
        user, enabled=True, passwords=["+secret"], categories=["+@all"], commands=[f"-{command}"], keys=["*"]
    )
    limited = redis.asyncio.Redis.from_url(url.replace("redis://", f"redis://{user}:secret@"))
    try:
        await use(limited)
    finally:
        await limited.aclose()
        await client.acl_deluser(user)
