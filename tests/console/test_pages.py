"""The pages of the console over HTTP: their content, their secrets, and their visitors."""

import csv
import re
from collections.abc import Mapping
from html.parser import HTMLParser

import pytest

from stream.consent.purposes import Purpose
from stream.console import customer_lists
from stream.console.labelling import CustomerTexts
from stream.console.todays_list import Day
from stream.errors import StorageError
from stream.imports.contacts import Contact
from stream.recommending.recommended import RecommendationLists, Recommended
from tests.console.conftest import EVIL, LEAD, SILENT, Office, Visit, fields_of, somebody_today

#: Bytes of a page, without its style.
MAX_BYTES = 150_000


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
    ("/offers", None),
    ("/models", None),
    ("/whatif", None),
    ("/system", None),
    ("/privacy", None),
    ("/audit", None),
    ("/help", None),
]


def test_every_page_is_whole_small_safe_and_labelled(office: Office) -> None:
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
            assert links <= {
                "/",
                "/style.css",
                "/customers",
                "/customer",
                "/business",
                "/system",
                "/help",
                *BY,
                *ACTS,
            }, path
            fields = re.findall(r"<label>.*?</label>", text, re.DOTALL)
            assert len(fields) == sum(
                n in {"select", "textarea"} or (n == "input" and a["type"] != "hidden") for n, a in elements.found
            )

    office.visited(steps)


BY = ("/business?by=week", "/business?by=month")
ACTS = (
    *("/done", "/undo", "/assign", "/snooze", "/audit", "/language"),
    *("/customers/file", "/customers/keep", "/customers/forget"),
    *("/identities/merge", "/identities/unmerge"),
    *("/offers", "/offers/check", "/models", "/models/decide", "/whatif", "/whatif/try", "/system/replay"),
    *("/privacy", "/privacy/person"),
)


def test_the_list_of_customers_goes_on_and_is_the_whole_in_the_end(office: Office) -> None:
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

    office.visited(steps)


def test_a_list_becomes_a_file_of_all_its_customers_without_formulas(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customer_lists, "_AT_ONCE", 50)
    office.operations.known = {"c-7": Contact(name="=HYPERLINK(1)"), "c-8": Contact(email="bo@example.com")}

    async def steps(visit: Visit) -> None:
        text = (await visit("/customers", {"begins": "c-", "sort": "risk"}))[2]
        status, headers, told = await visit("/customers/file", fields_of(text, "/customers/file"))
        assert (status, headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
        assert headers["Content-Disposition"] == 'attachment; filename="customers.csv"'
        rows = [*csv.DictReader(told.removeprefix("\ufeff").splitlines())]
        assert [row["customer_id"] for row in rows] == sorted(f"c-{number}" for number in range(120))
        named = {row["customer_id"]: row["name"] for row in rows if row["name"]}
        assert named == {"c-7": "'=HYPERLINK(1)", "c-8": "bo@example.com"}
        assert {(row["stage"], row["risk"]) for row in rows} == {("at risk", "0.5000")}
        everybody = (await visit("/customers/file", {"csrf": fields_of(text, "/customers/file")["csrf"]}))[2]
        assert len(everybody.splitlines()) == 1 + 121
        assert not re.search(r"(^|,)[=+@]", everybody, re.MULTILINE)
        assert (await visit("/customers/file", {"begins": "c-"}))[0] == 403

    office.visited(steps)
    assert [one.what for one in office.trail.newest(99)].count("took a file of customers") == 2


def test_a_list_is_kept_under_a_name_shown_again_and_removed(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        form = {"stage": "at_risk", "at_stake_from": "100", "begins": "c-1", "sort": "risk"}
        kept = fields_of((await visit("/customers", form))[2], "/customers/keep")
        status, _, text = await visit("/customers/keep", kept | {"name": EVIL})
        assert status == 200
        assert EVIL not in text
        again = text[text.index('class="lists"') :]
        assert fields_of(again, "/customers") == {"stage": "at_risk", "at_stake_from": "100", "sort": "risk"}
        assert 'name="begins" value="c-1"' in (await visit("/customers", form))[2]
        for wrong in (
            {"name": " "},
            {"name": "x" * 61},
            {"name": "x", "risk_from": "much"},
            {"name": "x", "sort": "y"},
        ):
            assert (await visit("/customers/keep", kept | wrong))[0] == 400, wrong
        assert (await visit("/customers/forget", fields_of(again, "/customers/forget")))[0] == 303
        assert 'class="lists"' not in (await visit("/customers"))[2]

    office.visited(steps)


def test_a_customer_is_shown_with_orders_and_history(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        _, _, text = await visit("/customer", {"customer_id": EVIL})
        assert EVIL not in text
        assert "&lt;script&gt;" in text
        assert "€12.00" in text
        assert "<td>Order</td>" in text
        assert "2 &times; p-1" in text
        assert (await visit("/customer", {"customer_id": "nobody"}))[0] == 404

    office.visited(steps)


def test_customers_are_called_what_people_call_them(office: Office) -> None:
    office.operations.known = {
        "c-5": Contact(name=f"Ann {EVIL}", email="ann@example.com", phone="+49 30 123456"),
        "c-6": Contact(email="bob@example.com"),
    }

    async def steps(visit: Visit) -> None:
        for customer_id, called in (("c-5", "Ann &lt;script&gt;"), ("c-6", "bob@example.com<"), ("c-7", "c-7<")):
            text = (await visit("/customers", {"begins": customer_id, "sort": "id"}))[2]
            assert EVIL not in text
            assert f'name="customer_id" value="{customer_id}"><button class="link">{called}' in text
        _, _, text = await visit("/customer", {"customer_id": "c-5"})
        assert "<h1>Ann &lt;script&gt;" in text
        assert "ann@example.com, +49 30 123456</dd>" in text
        assert '<dt>Id</dt><dd translate="no">c-5</dd>' in text
        _, _, text = await visit("/customer", {"customer_id": "c-7"})
        assert "<h1>c-7</h1>" in text
        assert "<dt>Id</dt>" not in text
        assert "<dt>Who</dt>" not in text

    office.visited(steps)


def test_no_scores_are_shown_of_who_does_not_agree_to_them(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        shown = (await visit("/customer", {"customer_id": "c-5"}))[2]
        office.texts = CustomerTexts(refusals=[(Purpose.PROFILING, ())], is_scored=False)
        withheld = (await visit("/customer", {"customer_id": "c-5"}))[2]
        for row in ("<dt>Risk</dt>", "<dt>At stake</dt>"):
            assert (row in shown, row in withheld) == (True, False)
        assert ("no scores" in shown, "no scores" in withheld) == (False, True)
        assert "<dt>Orders</dt>" in withheld

    office.visited(steps)


def test_an_empty_directory_has_pages_as_well(empty: Office) -> None:
    async def steps(visit: Visit) -> None:
        for path in ("/", "/customers", "/business", "/system"):
            status, _, text = await visit(path)
            assert status == 200, (path, text)
        assert "stream directory run" in (await visit("/system"))[2]

    empty.visited(steps)


def test_impossible_form_values_are_refused(office: Office) -> None:
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

    office.visited(steps)


def test_other_sites_and_names_are_refused(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        for host in ("shop.example.com", "127.0.0.1.example.com:80", "localhost.evil", ""):
            status, headers, text = await visit("/", Host=host)
            assert (status, "Content-Security-Policy" in headers, SILENT.reason in text) == (403, True, False), host
        for host in ("localhost", "localhost:8090", "127.0.0.1:8090", "[::1]:8090", "[::1]"):
            assert (await visit("/", Host=host))[0] == 200, host
        assert (await visit("/customers", {}, Sec_Fetch_Site="cross-site"))[0] == 403
        assert (await visit("/customers", {}, Sec_Fetch_Site="same-origin"))[0] == 200

    office.visited(steps)


def test_a_server_that_is_away_is_told_and_asked_again(office: Office) -> None:
    refusals = [StorageError("Redis does not answer")]

    def today() -> Day:
        if refusals:
            raise refusals.pop()
        return somebody_today()

    async def steps(visit: Visit) -> None:
        status, _, text = await visit("/")
        assert (status, "Redis does not answer" in text) == (503, True)
        text = (await visit("/"))[2]
        for said in (SILENT.reason, *LEAD.reasons, "€310", "&lt;script&gt;"):
            assert said in text

    office.visited(steps, today)


def test_a_customer_is_shown_with_what_to_offer_unless_they_do_not_agree(office: Office) -> None:
    lists = RecommendationLists((Recommended("tea", "Bought in 3 orders."),), (Recommended(EVIL, EVIL),))

    async def steps(visit: Visit) -> None:
        assert "Buy again" not in (await visit("/customer", {"customer_id": "c-5"}))[2]
        office.texts = CustomerTexts(offered=lists)
        text = (await visit("/customer", {"customer_id": "c-5"}))[2]
        assert '<td lang="en">Bought in 3 orders.</td>' in text
        assert EVIL not in text
        assert ("You may also like" in text, "Goes with the last order" in text) == (True, False)

    office.visited(steps)
