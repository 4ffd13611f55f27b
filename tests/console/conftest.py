"""The console over a made-up shop, and a browser that visits it."""

import asyncio
import re
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from html import unescape
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from msgspec.structs import replace

from stream.alerts.action_records import Action
from stream.console.acting import Acting
from stream.console.api import Api
from stream.console.api_access import ApiAccess
from stream.console.api_lists import ApiLists
from stream.console.application import application
from stream.console.labelling import CustomerTexts
from stream.console.login_pages import Elsewhere
from stream.console.logins import Logins
from stream.console.offering import Offered
from stream.console.pages import Pages
from stream.console.todays_list import Day
from stream.directory.desk.accounts import Accounts
from stream.directory.desk.api_tokens import ApiTokens
from stream.directory.desk.audit_trail import AuditTrail
from stream.directory.desk.desk_store import DeskStore
from stream.directory.desk.saved_filters import SavedFilters
from stream.directory.store import DirectoryStore
from stream.directory.timeline import Document, TimelineEntry
from stream.errors import PublishError
from stream.events.columns import MONEY_SCALE
from stream.points.statement import PointsStatement
from stream.privacy.erasures import Erasures
from stream.privacy.revealing import Revealer
from stream.processing.rules import Rules
from stream.processing.scorer import WARMING
from stream.reporting.advice import Advice
from stream.reporting.assess import Basis
from stream.reporting.entries import Entry as Listed
from stream.reporting.first_orders import LeadEntry
from stream.reporting.today import list_today
from stream.reporting.writing import Writing
from tests.console.operations import MadeUpOffers, MadeUpOperations
from tests.directory.mailed import mailed
from tests.directory.told import commit, messages_of
from tests.reporting.made_up_shop import DAY_MS, END_MS, make_shop

__all__ = ["EVIL", "LEAD", "SILENT", "Answer", "Office", "Visit", "fields_of", "somebody_today"]

WRITING = Writing("en_GB", "EUR", ZoneInfo("Europe/Berlin"))
SHOP = make_shop(120).events
MESSAGES = messages_of(SHOP)
EVIL = '<script>alert("x")</script>'
BASIS = Basis(END_MS, WARMING, Rules())

Answer = tuple[int, Mapping[str, str], str]
Visit = Callable[..., Awaitable[Answer]]

SILENT = Listed(
    customer_id=EVIL,
    standing="at risk",
    reason="No order for 86 days; usually every 14.",
    advice=Advice.REMIND,
    action=EVIL,
    silent_days=86.0,
    usual_days=14.0,
    overdue=6.1,
    risk=None,
    at_stake=310.0,
    orders=9,
    order_days=9,
    spend=900.0,
    last_order_ms=END_MS - 86 * DAY_MS,
    due_ms=END_MS - 72 * DAY_MS,
    segment=None,
    may_email=False,
)


LEAD = LeadEntry(
    customer_id=EVIL,
    chance=0.25,
    low=0.2,
    high=0.3,
    weeks=4,
    reasons=("Visited the site this week or last, on one day.",),
    since_ms=END_MS - 7 * DAY_MS,
    visited_ms=END_MS,
    may_email=True,
)


def somebody_today() -> Day:
    found = list_today([], BASIS, since_ms=0, limit=5)
    found = replace(found, entries=(SILENT,), at_risk=1, leads=(LEAD,), leads_in_weeks=4)
    return Day(found, WRITING, END_MS)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DirectoryStore]:
    with DirectoryStore(f"sqlite:///{tmp_path}/directory.sqlite", ZoneInfo("Europe/Berlin")) as opened:
        yield opened


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a directory that is not empty."""
    path = tmp_path_factory.mktemp("filled") / "directory.sqlite"
    documents = [
        Document(f"c-{n}", {"document_events": 1, "stage": "at_risk", "risk": 0.5, "value_at_risk": n * MONEY_SCALE})
        for n in range(120)
    ]
    items = [{"product_id": EVIL}, {"product_id": "p-1", "quantity": 2.0}]
    mails = messages_of(mailed(SHOP[:200]))
    mails += [TimelineEntry(EVIL, "email", 2, END_MS - 1, "sent", detail={"campaign_id": EVIL})]
    evil = TimelineEntry(EVIL, "purchase", 1, END_MS, "completed", EVIL, EVIL, 12 * MONEY_SCALE, {"items": items})
    named = Document(EVIL, {"document_events": 1, "segment": EVIL})
    with DirectoryStore(f"sqlite:///{path}", ZoneInfo("Europe/Berlin")) as store:
        commit(store, store.claim(), [*MESSAGES, *mails, *documents, evil, named])
    return path


@pytest.fixture
def full(filled: Path, tmp_path: Path) -> Iterator[DirectoryStore]:
    copied = shutil.copy(filled, tmp_path / "full.sqlite")
    with DirectoryStore(f"sqlite:///{copied}", ZoneInfo("Europe/Berlin")) as opened:
        yield opened


class Office:
    """The console, its clock, and what it publishes; ``is_away``: Kafka does not answer."""

    def __init__(self, store: DirectoryStore, desk: DeskStore) -> None:
        self.desk = desk
        self.now_ms = END_MS
        self.is_away = False
        self.published: list[Action] = []
        self.acting = Acting(desk, lambda action: action, self._publish, lambda: self.now_ms)
        self.accounts = Accounts(desk.engine)
        self.trail = AuditTrail(desk.engine, 365)
        self.tokens = ApiTokens(desk.engine)
        self.texts = CustomerTexts()
        self.offered: Callable[[str, int], Offered] = lambda _customer, _limit: Offered(None)
        self.must_log_in = False
        self.elsewhere: Elsewhere | None = None
        self.names: tuple[str, ...] = ()
        self.filters = SavedFilters(desk.engine)
        self.points: Callable[[str], PointsStatement | None] = lambda _customer: None
        self.operations = MadeUpOperations(EVIL)
        self.offers = MadeUpOffers(EVIL)
        self.revealer: Revealer | None = None
        self.erasures = Erasures()
        self.monotonic: Callable[[], float] = time.monotonic
        self.writing = WRITING
        self.currency: Callable[[], str] = lambda: ""
        self.store = store

    def application(self, today: Callable[[], Day] = somebody_today) -> web.Application:
        logins = Logins(self.accounts, self.trail, must_log_in=self.must_log_in, now_ms=lambda: self.now_ms)
        pages = Pages(
            self.store,
            self.writing,
            today,
            lambda _: self.texts,
            self.acting,
            logins,
            operations=self.operations,
            offers=self.offers,
            filters=self.filters,
            currency=self.currency,
            elsewhere=self.elsewhere,
            erasures=self.erasures,
            monotonic=self.monotonic,
        )
        api = Api(
            *(self.store, pages.writing, self.acting, self.offered, self.points, self.operations.refusing),
            lists=ApiLists(pages.day, self.filters, self.acting, self.operations.refusing),
            feedback=self.operations.feedback,
        )
        programs = ApiAccess(api, self.tokens, self.trail, lambda: self.now_ms)
        return application(pages, programs, self.names, self.revealer)

    def visited(self, steps: Callable[[Visit], Awaitable[None]], today: Callable[[], Day] = somebody_today) -> None:
        """Let a browser of this machine, which keeps cookies, take ``steps``."""

        async def run() -> None:
            async with TestClient(TestServer(self.application(today))) as client:

                async def visit(path: str, form: Mapping[str, str] | None = None, **headers: str) -> Answer:
                    sent = {name.replace("_", "-"): value for name, value in headers.items()}
                    method = "GET" if form is None else "POST"
                    async with client.request(method, path, data=form, headers=sent, allow_redirects=False) as response:
                        return response.status, response.headers, await response.text()

                await steps(visit)

        asyncio.run(run())

    def _publish(self, action: Action) -> None:
        if self.is_away:
            raise PublishError("the action was not accepted: no answer in time")
        self.published.append(action)


def fields_of(text: str, action: str) -> dict[str, str]:
    """What the first form to ``action`` brings along."""
    form = re.search(rf'<form method="post" action="{action}".*?</form>', text, re.DOTALL)
    assert form is not None, text
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[0])
    return {name: unescape(value) for name, value in hidden}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DeskStore]:
    with DeskStore(f"sqlite:///{tmp_path}/console.sqlite") as opened:
        yield opened


@pytest.fixture
def empty(store: DirectoryStore, desk: DeskStore) -> Office:
    return Office(store, desk)


@pytest.fixture
def office(full: DirectoryStore, desk: DeskStore) -> Office:
    return Office(full, desk)
