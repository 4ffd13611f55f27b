"""Ids that people type and programs send, as the directory knows them, and customers as people know them."""

from __future__ import annotations

import asyncio
import re
from typing import Final

from aiohttp import web

from stream.privacy.revealing import Revealer

__all__ = ["REVEALER", "known_id", "shown_id"]

#: Where a request has what puts ids and texts back; it is there with `privacy_keys` only.
REVEALER: Final = web.RequestKey("revealer", Revealer)
#: An address or a number as `stream.identity.addresses` hashes it; of these people read the beginning.
_HASHED: Final = re.compile(r"([a-z]+:[0-9a-f]{8})[0-9a-f]{56}")


def shown_id(customer_id: str) -> str:
    """An id in a list that people read.

    >>> from stream.identity.addresses import customer_of_address
    >>> shown_id(customer_of_address("ann@example.com")), shown_id("c-17")
    ('email:71d4f55f…', 'c-17')
    """
    return f"{found[1]}…" if (found := _HASHED.fullmatch(customer_id)) else customer_id


async def known_id(request: web.Request, customer_id: str) -> str:
    """The pseudonym of a customer whom somebody asks for; the id itself where there is none."""
    revealer: Revealer | None = request.get(REVEALER)
    if revealer is None:
        return customer_id
    found = await asyncio.to_thread(revealer.pseudonyms, [customer_id])
    return found[customer_id]
