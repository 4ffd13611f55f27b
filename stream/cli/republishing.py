"""Publishing dead letters again, as they came."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from stream.events.dead_letters import HEADER_PREFIX
from stream.identity.places import without_place
from stream.notifications.inbound import Inbound
from stream.processing.state import Outgoing
from stream.settings import Settings

if TYPE_CHECKING:
    from stream.agents.publisher import Publisher

__all__ = ["dlq_header", "publish_all", "republished"]


def dlq_header(record: Inbound, name: str) -> str:
    """What a header of the dead letter says; empty where there is none."""
    return (dict(record.headers).get(f"{HEADER_PREFIX}{name}") or b"").decode(errors="replace")


def republished(record: Inbound) -> Outgoing:
    """The record that the dead letter was."""
    headers = [(name, text) for name, text in without_place(record.headers) if not name.startswith(HEADER_PREFIX)]
    return Outgoing(dlq_header(record, "topic"), record.key, record.value, headers)


def publish_all(settings: Settings, records: Iterable[Outgoing]) -> int:
    """Publish, and wait until the broker has all; returns how many. Raises `PublishError`."""
    from stream.agents.publisher import Publisher

    waiting: Sequence[Outgoing] = [*records]
    if waiting:
        asyncio.run(_publish(Publisher(settings), waiting))
    return len(waiting)


async def _publish(publisher: Publisher, records: Sequence[Outgoing]) -> None:
    try:
        await publisher.publish(records)
    finally:
        await publisher.close()
