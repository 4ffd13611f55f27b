"""The pages of the console over HTTP: their content, their secrets, and their visitors."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp.test_utils import TestClient, TestServer
from msgspec.structs import replace

from stream.console.application import application
from stream.console.pages import Day, Pages
from stream.directory.store import DirectoryStore
from stream.directory.timeline import Document, TimelineEntry
from stream.errors import StorageError
from stream.events.columns import MONEY_SCALE
from stream.processing.rules import Rules
from stream.processing.scorer import WARMING
from stream.reporting.advice import Advice
from stream.reporting.assess import Basis
from stream.reporting.entries import Entry as Listed
from stream.reporting.first_orders import LeadEntry
from stream.reporting.today import list_today
from stream.reporting.writing import Writing
from tests.directory.told import commit, messages_of
from tests.reporting.made_up_shop import DAY_MS, END_MS, make_shop

WRITING = Writing("en_GB", "EUR", ZoneInfo("Europe/Berlin"))
MESSAGES = messages_of(make_shop(120).events)
EVIL = '<script>alert("x")</script>'
BASIS = Basis(END_MS, WARMING, Rules())
#: Bytes of a page, without its style.
MAX_BYTES = 150_000

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
    reasons=("Looked at the shop on 3 days.",),
    since_ms=END_MS - 7 * DAY_MS,
    visited_ms=END_MS,
    may_email=True,
)


def somebody_today() -> Day:
    found = list_today([], BASIS, since_ms=0, limit=5)
    found = replace(found, entries=(SILENT,), at_risk=1, leads=(LEAD,), leads_in_weeks=4)
    return Day(found, WRITING, "made up for a test")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DirectoryStore]:
    with DirectoryStore(f"sqlite:///{tmp_path}/directory.sqlite", ZoneInfo("Europe/Berlin")) as opened:
        yield opened


@pytest.fixture
def full(store: DirectoryStore) -> DirectoryStore:
    documents = [
        Document(f"c-{n}", {"document_events": 1, "stage": "at_risk", "risk": 0.5, "value_at_risk": n * MONEY_SCALE})
        for n in range(120)
    ]
    items = [{"product_id": EVIL}, {"product_id": "p-1", "quantity": 2.0}]
    evil = TimelineEntry(EVIL, "purchase", 1, END_MS, "completed", EVIL, EVIL, 12 * MONEY_SCALE, {"items": items})
    commit(store, store.claim(), [*MESSAGES, *documents, evil, Document(EVIL, {"document_events": 1, "segment": EVIL})])
    return store


def visiting(
    store: DirectoryStore, steps: Callable[[Visit], Awaitable[None]], today: Callable[[], Day] = somebody_today
) -> None:
    async def run() -> None:
        async with TestClient(TestServer(application(Pages(store, WRITING, today)))) as client:

            async def visit(
                path: str, form: Mapping[str, str] | None = None, **headers: str
            ) -> tuple[int, Mapping[str, str], str]:
                sent = {name.replace("_", "-"): value for name, value in headers.items()}
                method = "GET" if form is None else "POST"
                async with client.request(method, path, data=form, headers=sent, allow_redirects=False) as response:
                    return response.status, response.headers, await response.text()

            await steps(visit)

    asyncio.run(run())


class Elements(HTMLParser):
    """Elements of a page, and those that are open at its end."""

    EMPTY = frozenset({"meta", "link", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


PAGES: list[tuple[str, Mapping[str, str] | None]] = [
    ("/", None),
    ("/customers", None),
    ("/customers", {"stage": "at_risk", "sort": "risk"}),
    ("/customer", {"customer_id": "c-3"}),
    ("/customer", {"customer_id": EVIL}),
    ("/business", None),
    ("/business?by=week", None),
    ("/system", None),
]


def test_every_page_is_whole_small_safe_and_labelled(full: DirectoryStore) -> None:
    async def steps(visit: Visit) -> None:
        for path, form in PAGES:
            status, headers, text = await visit(path, form)
            assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8"), (path, text)
            assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
            assert headers["Cache-Control"] == "no-store"
            assert len(text.encode()) < MAX_BYTES
            elements = Elements(text)
            assert not elements.open, path
            names = [tag for tag, _ in elements.found]
            assert names.count("h1") == names.count("main") == names.count("title") == 1, path
            assert not {"script", "style", "img", "iframe"} & {*names}, path
            assert not [one for one in elements.found if "style" in one[1] or any(k.startswith("on") for k in one[1])]
            # no page loads anything from another machine, and no address names a customer
            links = {attrs.get("href") or attrs.get("action") for _, attrs in elements.found} - {None, "#content"}
            assert links <= {"/", "/style.css", "/customers", "/customer", "/business", "/system", *BY}, path
            fields = re.findall(r"<label>.*?</label>", text, re.DOTALL)
            assert len(fields) == sum(
                n == "select" or (n == "input" and a["type"] != "hidden") for n, a in elements.found
            )

    visiting(full, steps)


BY = ("/business?by=week", "/business?by=month")


def test_the_list_of_customers_goes_on_and_is_the_whole_in_the_end(full: DirectoryStore) -> None:
    async def steps(visit: Visit) -> None:
        form: dict[str, str] = {"stage": "at_risk", "sort": "at-stake", "begins": "c-"}
        found: list[str] = []
        while True:
            _, _, text = await visit("/customers", form)
            found += re.findall(r'name="customer_id" value="([^"]+)"', text)
            cursor = re.search(r'name="cursor" value="([^"]+)"', text)
            if cursor is None:
                break
            form["cursor"] = cursor[1]
        assert found == [f"c-{number}" for number in reversed(range(120))]

    visiting(full, steps)


def test_a_customer_is_shown_with_orders_and_history(full: DirectoryStore) -> None:
    async def steps(visit: Visit) -> None:
        _, _, text = await visit("/customer", {"customer_id": EVIL})
        assert EVIL not in text
        assert "&lt;script&gt;" in text
        assert "€12.00" in text
        assert "purchase: completed" in text
        assert "2 &times; p-1" in text
        assert (await visit("/customer", {"customer_id": "nobody"}))[0] == 404

    visiting(full, steps)


def test_an_empty_directory_has_pages_as_well(store: DirectoryStore) -> None:
    async def steps(visit: Visit) -> None:
        for path in ("/", "/customers", "/business", "/system"):
            status, _, text = await visit(path)
            assert status == 200, (path, text)
        assert "stream directory run" in (await visit("/system"))[2]

    visiting(store, steps)


def test_impossible_form_values_are_refused(full: DirectoryStore) -> None:
    async def steps(visit: Visit) -> None:
        for form in (
            {"risk_from": "much"},
            {"spend_from": "inf"},
            {"spend_from": "1e300"},
            {"channel": "\0"},
            {"ordered_from": "2026-13-01"},
            {"sort": "name"},
            {"cursor": "x"},
        ):
            status, _, text = await visit("/customers", form)
            assert (status, "This cannot be shown" in text) == (400, True), form
        assert (await visit("/customer", {"customer_id": "c\0"}))[0] == 400
        assert (await visit("/business?by=day"))[0] == 400
        assert (await visit("/nowhere"))[0] == 404
        assert (await visit("/customers", {"begins": "x" * 20_000}))[0] == 413

    visiting(full, steps)


def test_other_sites_and_names_are_refused(full: DirectoryStore) -> None:
    async def steps(visit: Visit) -> None:
        for host in ("shop.example.com", "127.0.0.1.example.com:80", "localhost.evil", ""):
            status, headers, text = await visit("/", Host=host)
            assert (status, "Content-Security-Policy" in headers, "made up" in text) == (403, True, False), host
        for host in ("localhost", "localhost:8090", "127.0.0.1:8090", "[::1]:8090", "[::1]"):
            assert (await visit("/", Host=host))[0] == 200, host
        assert (await visit("/customers", {}, Sec_Fetch_Site="cross-site"))[0] == 403
        assert (await visit("/customers", {}, Sec_Fetch_Site="same-origin"))[0] == 200

    visiting(full, steps)


def test_a_server_that_is_away_is_told_and_asked_again(full: DirectoryStore) -> None:
    answers: list[StorageError | Day] = [StorageError("Redis does not answer"), somebody_today()]

    def today() -> Day:
        answer = answers.pop(0)
        if isinstance(answer, StorageError):
            raise answer
        return answer

    async def steps(visit: Visit) -> None:
        status, _, text = await visit("/")
        assert (status, "Redis does not answer" in text) == (503, True)
        text = (await visit("/"))[2]
        for said in ("made up for a test", SILENT.reason, *LEAD.reasons, "€310", "&lt;script&gt;"):
            assert said in text
        # made once a minute at most: there is no third answer
        assert (await visit("/"))[0] == 200

    visiting(full, steps, today)
