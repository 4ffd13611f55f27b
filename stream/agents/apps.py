"""What the Faust apps of this process have in common: one for the core, one for each projection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import faust
from faust.types import StreamT

from stream.agents.owner import Owner, leave
from stream.agents.security import broker_credentials
from stream.agents.transport import FAUST_SETTINGS, batches
from stream.settings import Settings

__all__ = ["MAX_DELIVERED", "App", "new_app", "receiver", "watched"]

#: Records that are decoded without a pause: more would only keep the event loop away from heartbeats.
MAX_DELIVERED = 4096


class App(faust.App):
    """Runs ``from_start`` as long as it runs itself; what `task` adds begins only after the first assignment."""

    from_start: Callable[[], Coroutine[Any, Any, None]]

    async def on_first_start(self) -> None:
        await super().on_first_start()
        self.add_future(self.from_start())


def new_app(settings: Settings, group: str, instance_id: str) -> App:
    """An app on the batch transport, a member of a consumer group; ``instance_id``: its static name, or empty."""
    options: dict[str, Any] = {
        **FAUST_SETTINGS,
        "broker": [f"kafkabatch://{address}" for address in settings.kafka_bootstrap.split(",")],
        "broker_session_timeout": settings.session_timeout_s,
        "broker_heartbeat_interval": settings.heartbeat_s,
        "consumer_group_instance_id": instance_id or None,
        "web_enabled": False,
        "store": "memory://",
        "broker_credentials": broker_credentials(settings),
    }
    return App(group, **options)


def receiver(owner: Owner[Any]) -> Callable[[StreamT[Any]], Awaitable[None]]:
    """The body of an agent that hands batches to their owner; one for each agent, as Faust wants."""

    async def receive(inbox: StreamT[Any]) -> None:
        try:
            async for batch in batches(inbox):
                owner.deliver(batch)
                await asyncio.sleep(0)  # decoding one batch after the other would keep out everything else
        except Exception as error:  # noqa: BLE001 - Faust would restart the agent and leave its batches behind
            leave("receiving", error)

    return receive


def watched(run: Callable[[], Awaitable[None]], what: str) -> Callable[[], Coroutine[Any, Any, None]]:
    """The process ends when ``run`` fails."""

    async def task() -> None:
        try:
            await run()
        except Exception as error:  # noqa: BLE001 - a silent death of a background task would go unnoticed
            leave(what, error)

    return task
