"""Ids that people type and programs send, as the directory knows them."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from stream.privacy.revealing import Revealer

__all__ = ["REVEALER", "known_id"]

#: Where a request has what puts ids and texts back; it is there with `privacy_keys` only.
REVEALER: Final = web.RequestKey("revealer", Revealer)


async def known_id(request: web.Request, customer_id: str) -> str:
    """The pseudonym of a customer whom somebody asks for; the id itself where there is none."""
    revealer: Revealer | None = request.get(REVEALER)
    if revealer is None:
        return customer_id
    found = await asyncio.to_thread(revealer.pseudonyms, [customer_id])
    return found[customer_id]
