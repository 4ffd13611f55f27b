"""The pages of the console."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web
from msgspec.structs import replace

from stream.console.acting import Acting, forms_of
from stream.console.browser import form_of
from stream.console.business_page import BusinessPage
from stream.console.customer_lists import CustomerLists
from stream.console.directory_reads import asked
from stream.console.erased_people import ErasedPeople
from stream.console.explanations import FIGURES, PAGES, STAGES
from stream.console.identifying import decided
from stream.console.labelling import CustomerTexts, refusals_in_words
from stream.console.languages import LanguageChoice
from stream.console.learned_currency import LearnedCurrency
from stream.console.login_pages import Elsewhere, LoginPages
from stream.console.logins import Logins, is_also_about
from stream.console.offer_pages import OfferDesk, OfferPages
from stream.console.operations import Operations
from stream.console.operator_pages import OperatorPages
from stream.console.persons import known_id
from stream.console.refusals import UnknownCustomer, why_not
from stream.console.rendering import Renderer
from stream.console.still_reading import StillReading
from stream.console.todays_list import Day, TodaysList
from stream.directory.consented_lists import SCORED, without_scores
from stream.directory.customer_queries import customer
from stream.directory.desk.saved_filters import SavedFilters
from stream.directory.store import DirectoryStore
from stream.directory.timeline_queries import orders_of, timeline_page
from stream.errors import NoEventsError
from stream.imports.contacts import called_of
from stream.privacy.erasures import Erasures
from stream.reporting.summary import complaints_line, day_note, headline, leads_line, model_note, standing_line
from stream.reporting.writing import Writing

__all__ = ["Pages"]

#: Customers and entries of a page.
_PAGE: Final = 50
#: Traces of the page of the audit.
_TRACES: Final = 200


class Pages:
    """Handlers of requests. ``list_today`` makes today's list, ``texts_of`` finds what a customer wrote; in threads.

    ``acting`` keeps what people do, ``logins`` who they are; ``operations``, ``offers``: what there is beside the
    directory; ``filters``: lists of customers under a name; ``language``: of all pages, empty: what browsers prefer;
    ``currency``: of orders, asked for in threads while ``writing`` has none; ``elsewhere``: a provider of accounts;
    ``erasures``: who is erased, None: nobody.
    """

    def __init__(
        self,
        store: DirectoryStore,
        writing: Writing,
        list_today: Callable[[], Day],
        texts_of: Callable[[str], CustomerTexts],
        acting: Acting,
        logins: Logins,
        *,
        operations: Operations,
        offers: OfferDesk,
        filters: SavedFilters,
        language: str = "",
        currency: Callable[[], str] = lambda: "",
        elsewhere: Elsewhere | None = None,
        erasures: Erasures | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._texts_of = texts_of
        self.acting = acting
        self.logins = logins
        self._page = Renderer(writing)
        self._currency = LearnedCurrency(writing, currency, monotonic)
        #: In which language each browser is answered; and the other pages.
        self.choice = LanguageChoice(language, writing.language)
        self.entrance = LoginPages(self._page, logins, elsewhere)
        self._still_reading = StillReading(store, operations, monotonic)
        self.lists = CustomerLists(self._page, store, filters, acting.now_ms, operations, self._still_reading)
        self._operations = operations
        self.business = BusinessPage(self._page, store, operations, self._still_reading, monotonic)
        erasures = erasures or Erasures()
        #: Today's list, which programs are given as well.
        self.day = TodaysList(list_today, ErasedPeople(erasures, acting.now_ms), monotonic)
        self.operator = OperatorPages(self._page, store, operations, ErasedPeople(erasures, acting.now_ms))
        self.offers = OfferPages(self._page, offers, ErasedPeople(erasures, acting.now_ms), monotonic)

    def writing(self) -> Writing:
        """How figures of the shop are written now."""
        return self._page.writing

    async def learn_currency(self) -> None:
        """Before any page, and any answer to a program: from now on amounts have their currency, if it is known."""
        self._page.write_as(await self._currency.learn())

    async def close(self, _: web.Application) -> None:
        """Wait for what is being made for pages."""
        await self._currency.close()
        await self.day.close()
        await self.business.close()
        await self.offers.close()
        await self._still_reading.close()

    async def today(self, request: web.Request) -> web.Response:
        """Whom to contact today, without those who are put off unless they are asked for."""
        try:
            day = await self.day.get()
        except NoEventsError:
            return self._page("beginning", request)
        _, words, writing, _ = self._page.edition(request)
        found, with_all = day.found, request.query.get("all") == "1"
        listed = [one.customer_id for one in found.entries] + [one.customer_id for one in found.complaints]
        done = await self.acting.done(listed)
        now_ms = self.acting.now_ms()
        shown = tuple(one for one in found.entries if with_all or not done.is_put_off(one.customer_id, now_ms))
        put_off = len(found.entries) - len(shown)
        return self._page(
            "today",
            request,
            found=replace(found, entries=shown),
            put_off=put_off,
            writing=writing,
            notes=[line for line in (day_note(found, day.wall_ms, writing, words), model_note(found, words)) if line],
            standing_line=standing_line(found, writing, words),
            headline=headline(found, writing, words),
            complaints_line=complaints_line(found, words),
            leads_line=leads_line(found, words),
            **forms_of(request, done, now_ms),
        )

    async def record(self, request: web.Request) -> web.Response:
        """Something was done about a customer."""
        return await self._after(request, await self.acting.record(request))

    async def label(self, request: web.Request) -> web.Response:
        """A text is about something."""
        return await self._after(request, await self.acting.label(request))

    async def undo(self, request: web.Request) -> web.Response:
        """It was not done after all."""
        return await self._after(request, await self.acting.undo(request))

    async def assign(self, request: web.Request) -> web.Response:
        """Somebody looks after a customer."""
        return await self._after(request, await self.acting.assign(request))

    async def snooze(self, request: web.Request) -> web.Response:
        """A customer can wait."""
        return await self._after(request, await self.acting.snooze(request))

    async def decide_identity(self, request: web.Request) -> web.Response:
        """Two ids are one person, or two."""
        customer_id, notice = await decided(request, self._operations, self._store, self._page.edition(request).words)
        return await self._customer(request, customer_id, None, notice)

    async def customer(self, request: web.Request) -> web.Response:
        """Everything about one customer."""
        form = await form_of(request)
        if who := form.get("who", "").strip():
            # the trail has the id, which an erasure finds, and not what was typed
            asked = await asyncio.to_thread(self._operations.id_of, who)
            is_also_about(request, asked, "found")
        else:
            asked = await known_id(request, form.get("customer_id", ""))
        return await self._customer(request, asked, form.get("cursor") or None)

    async def _after(self, request: web.Request, customer_id: str) -> web.Response:
        """The page on which something was done, as it is now."""
        if (await form_of(request)).get("from") == "customer":
            return await self._customer(request, customer_id, None)
        return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": "/"})

    async def _customer(
        self, request: web.Request, customer_id: str, cursor: str | None, notice: str = ""
    ) -> web.Response:
        said = await asyncio.to_thread(self._texts_of, customer_id)
        hidden = () if said.is_scored else SCORED
        ids = await asyncio.to_thread(self._operations.identities, customer_id)
        people = await asyncio.to_thread(self._operations.contacts, [customer_id])
        still_reading = await self._still_reading.line(self._page.edition(request))
        of, history, orders = await asked(
            self._store,
            lambda connection: (
                customer(connection, customer_id),
                timeline_page(connection, customer_id, limit=_PAGE, cursor=cursor, hidden=hidden),
                orders_of(connection, customer_id),
            ),
        )
        if of is None:
            raise UnknownCustomer("The directory does not know this customer.")
        done = await self.acting.done([of["customer_id"]])
        acts = forms_of(request, done, self.acting.now_ms())
        if not said.is_scored:
            of = without_scores(of)
        refusals = [*refusals_in_words(said.refusals, self._page.edition(request).words)]
        of_customer: dict[str, Any] = {"of": of, "history": history, "orders": orders, "said": said, "ids": ids}
        of_customer |= {"person": people.get(of["customer_id"]), "names": called_of(people)}
        of_customer["still_reading"] = still_reading
        return self._page("customer", request, notice=notice, refusals=refusals, **of_customer, **acts)

    async def help(self, request: web.Request) -> web.Response:
        """What the words mean."""
        return self._page("help", request, stages=STAGES, figures=FIGURES, pages=PAGES)

    async def audit(self, request: web.Request) -> web.Response:
        """What people saw and did."""
        traces = await asyncio.to_thread(lambda: [*self.logins.trail.newest(_TRACES)])
        return self._page("audit", request, traces=traces)

    async def style(self, request: web.Request) -> web.Response:
        del request
        return web.Response(text=self._page.style, content_type="text/css")

    def problem(self, request: web.Request, error: Exception, status: HTTPStatus) -> web.Response:
        """A page that says why there is no other."""
        what, detail = why_not(error, self._page.edition(request).words)
        return self._page("problem", request, status=status, what=what, detail=detail)
