"""The page of offers: which there are, what is offered to whom, what was spent, and what they bring."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from aiohttp import web

from stream.console.browser import form_of, require_own_form
from stream.console.erased_people import ErasedPeople
from stream.console.recent import Recent
from stream.console.rendering import Renderer
from stream.imports.contacts import Contact, called_apart
from stream.offering.offers_file import OffersConfig
from stream.reporting.offer_effect import OfferEffect

__all__ = ["OfferDesk", "OfferFigures", "OfferPages", "OfferedNow", "OffersShown"]


class OfferFigures(NamedTuple):
    """Of an offer. ``spent``: within the days of its budget (money); ``running``: customers whose window is not over.

    ``waiting``: customers who would get it now, of whom ``held_out`` would get nothing. ``effect``: None: no window is
    over.
    """

    spent: float = 0.0
    running: int = 0
    waiting: int = 0
    held_out: int = 0
    effect: OfferEffect | None = None


class OfferedNow(NamedTuple):
    """What a customer would get now; ``cost`` and ``gain`` in money, ``why`` in one sentence."""

    customer_id: str
    offer: str
    cost: float
    gain: float
    why: str


class OffersShown(NamedTuple):
    """``config``: what is in effect, None if there is no file, or ``problems`` with it; ``source``: which file it is.

    ``figures`` by the name of the offer. ``now``: the customers with the highest expected gains; ``undecided``: of how
    many customers is to be decided, ``nothing`` would be offered to so many of them.
    """

    source: str
    config: OffersConfig | None = None
    problems: Sequence[str] = ()
    figures: dict[str, OfferFigures] = {}  # noqa: RUF012 - a default of a tuple, which nobody changes
    now: Sequence[OfferedNow] = ()
    undecided: int = 0
    nothing: int = 0


class OfferDesk(Protocol):
    """All block, and raise `StorageError` when a server is away."""

    def shown(self) -> OffersShown:
        """Offers as they are."""
        ...

    def contacts(self, customer_ids: Sequence[str]) -> Mapping[str, Contact]:
        """Who customers are, of those who were imported."""
        ...

    def problems_of(self, text: str) -> Sequence[str]:
        """What is wrong with the text of an offers file; nothing, if it could be in effect."""
        ...


class OfferPages:
    """Handlers; ``desk`` runs in threads."""

    def __init__(self, page: Renderer, desk: OfferDesk, erased: ErasedPeople, monotonic: Callable[[], float]) -> None:
        self._page = page
        self._desk = desk
        self._erased = erased
        # figures of offers go through all customers
        self._shown = Recent(desk.shown, monotonic)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/offers", self.offers), web.post("/offers/check", self.check)]

    async def close(self) -> None:
        """Wait for what is being made."""
        await self._shown.close()

    async def offers(self, request: web.Request) -> web.Response:
        """Which offers are in effect, and what they bring."""
        return await self._shown_with(request, "", None)

    async def check(self, request: web.Request) -> web.Response:
        """Whether a file could be in effect; nothing is changed."""
        form = await form_of(request)
        require_own_form(request, form)
        text = form.get("text", "")
        problems = await asyncio.to_thread(self._desk.problems_of, text)
        return await self._shown_with(request, text, problems)

    async def _shown_with(self, request: web.Request, text: str, problems: Sequence[str] | None) -> web.Response:
        shown = await self._now()
        people = await asyncio.to_thread(self._desk.contacts, [one.customer_id for one in shown.now])
        return self._page("offers", request, shown=shown, names=called_apart(people), text=text, problems=problems)

    async def _now(self) -> OffersShown:
        if self._erased.have_changed():
            self._shown.forget()
        shown = await self._shown.get()
        return shown._replace(now=self._erased.without(shown.now))
