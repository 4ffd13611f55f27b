"""People decide which ids are one person, on the page of a customer."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from stream.console.browser import form_of, require_own_form
from stream.console.logins import is_also_about, who_of
from stream.console.operations import Operations
from stream.console.persons import known_id
from stream.console.refusals import RefusedError
from stream.directory.customer_queries import customer
from stream.directory.database import reading
from stream.directory.store import DirectoryStore
from stream.identity.links import is_known
from stream.identity.records import IdentityDecision
from stream.reporting.words import Words, to_say

__all__ = ["decided"]

#: What ``other`` of a form may be, in characters: an address or a name.
_MAX_CHARS: Final = 320
_RECORDED: Final = {
    "merge": to_say(
        "Recorded: %(other)s is the same person as %(customer)s. It counts as soon as the projection identity has read"
        " it."
    ),
    "unmerge": to_say(
        "Recorded: %(other)s is another person than %(customer)s. It counts as soon as the projection identity has read"
        " it."
    ),
}


async def decided(request: web.Request, operations: Operations, store: DirectoryStore, words: Words) -> tuple[str, str]:
    """Publish what a form decides; returns the customer of the page, and what to say there.

    The path ends in ``merge`` or ``unmerge``. Of a merge the customer of the page stays. Raises `SettingsError` for an
    id that nobody has, because a mistyped one would be joined with whoever gets it later.
    """
    form = await form_of(request)
    require_own_form(request, form)
    what: IdentityDecision = "merge" if request.path.endswith("/merge") else "unmerge"
    customer_id = await known_id(request, form.get("customer_id", ""))
    text = form.get("other", "").strip()
    if not customer_id or not text or len(text) > _MAX_CHARS:
        raise RefusedError("expected the id, name, e-mail address or telephone number of the other customer")

    def decide() -> tuple[str, str]:
        other = operations.id_of(text)
        with reading(store.engine) as connection:
            for one in (customer_id, other):
                if is_known(one) and customer(connection, one) is None:
                    raise RefusedError(
                        "No customer is called %(name)s. An identifier has its kind before it, as email:", name=one
                    )
        return other, operations.decide_identity(what, other, customer_id, who_of(request).name)

    other, link_id = await asyncio.to_thread(decide)
    is_also_about(request, other, link_id)
    return customer_id, words.gettext(_RECORDED[what], other=other, customer=customer_id)
