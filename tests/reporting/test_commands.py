"""`stream today` and `stream report` on real servers, as a shop's owner sees them."""

import csv
import io
import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import msgspec

from stream.alerts.alert_records import Heard
from stream.events.partitioner import partition_of
from stream.events.times import rfc3339
from stream.imports.contacts import CONTACTS_FILE, Contact, ContactsFile
from stream.projections.classification import Classification, State, customer_key
from stream.projections.complaints import Case, Cases, Complaints
from stream.projections.judgements import Judged, Judgement
from stream.projections.texts import Text, Texts, Written, keys_of
from stream.storage.connection import connect_blocking
from stream.storage.keys import ProjectionKeys
from stream.storage.notification_store import NotificationStore
from stream.texts.text_records import KEY
from tests.notifications.rig import alert
from tests.reporting.conftest import PARTITIONS, CommandDesk, Processed
from tests.reporting.independent import frame, habits
from tests.reporting.made_up_shop import DAY_MS, END_MS

HOSTILE = '<script src="http://evil.example/x.js">alert(1)</script>'


def test_before_any_event_it_says_what_to_do(desk: CommandDesk) -> None:
    done = desk.run("today")
    assert done.exit_code == 1
    assert "import the shop's history" in done.stderr


def test_the_list_names_people_their_habits_and_what_was_done(desk: CommandDesk, middling: Processed) -> None:
    desk.open(middling)
    # the events end before the wall clock of a test that runs late: --as-of says which day is meant
    found = json.loads(desk.run("today", "--json", "--as-of", "2026-06-30").stdout)
    assert found["currency"] == "EUR"
    assert found["now_at"] == "2026-06-30T23:59:59.999Z"
    first, second = (entry["customer_id"] for entry in found["entries"][:2])
    with ContactsFile(desk.directory / CONTACTS_FILE) as contacts:
        contacts.add([(first, Contact(name="Ann Ode", email="ann@example.com"))])
    with NotificationStore(desk.settings) as notifications:
        action = {"action_id": "a", "customer_id": second, "action": "contacted", "occurred_at": "2026-06-29T10:00:00Z"}
        notifications.record_action(second, "contacted", 1, json.dumps(action).encode(), ttl_s=600)
        notifications.hold_out(second, "alert", ttl_s=600)

    done = desk.run("today", "--as-of", "2026-06-30", "--limit", "5")
    assert done.exit_code == 0, done.stderr
    told = " ".join(done.stdout.split())
    assert "Tuesday 30 June 2026" in told or "Tuesday, 30 June 2026" in told
    assert "Ann Ode" in told
    assert "420 customers: " in told
    assert "€" in told
    assert "order was due" in told
    rows = [*csv.DictReader(io.StringIO(desk.run("today", "--csv", "--as-of", "2026-06-30").stdout))]
    assert [row["customer_id"] for row in rows] == [entry["customer_id"] for entry in found["entries"]]
    assert rows[0]["name"] == "Ann Ode"
    assert rows[1]["notes"].startswith("contacted on 29 Jun")
    assert "held out" in rows[1]["notes"]
    assert [row["reason"] for row in rows] == [entry["reason"] for entry in found["entries"]]
    for row, entry in zip(rows, found["entries"], strict=True):
        assert (row["stage"], row["tier"]) == (entry["stage"], entry["tier"] or "")
    tier, stage = rows[0]["tier"], rows[0]["stage"]
    assert f"{stage}, {tier}" in told if tier not in {"", "new"} else stage in told


def test_thirty_customers_get_a_list_by_habit_alone(desk: CommandDesk, small: Processed) -> None:
    desk.open(replace(small, basis=replace(small.basis)))
    done = desk.run("today", "--as-of", "2026-06-30")
    assert done.exit_code == 0, done.stderr
    assert "30 customers: " in done.stdout
    expected = (habits(small.shop, shop_gap=small.basis.shop_gap_days)["standing"] == "lost").sum()
    assert f"{expected} lost" in done.stdout
    if not small.basis.scores:
        assert "The model has not learned enough yet" in " ".join(done.stdout.split())


def test_a_day_before_the_newest_event_is_refused(desk: CommandDesk, small: Processed) -> None:
    desk.open(small)
    done = desk.run("today", "--as-of", "2026-06-29")
    assert done.exit_code == 2
    assert "customers are known as of 30 June 2026" in done.stderr


def test_only_one_form_at_a_time(desk: CommandDesk) -> None:
    assert desk.run("today", "--csv", "--json").exit_code == 2


class Page(HTMLParser):
    """The network requests and scripts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.tags: set[str] = set()
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            is_address = name in {"src", "href", "xlink:href", "data", "action", "srcset"}
            if is_address and not (value or "").startswith("#"):
                self.asked.append(f"{tag} {name}={value}")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def write_text(desk: CommandDesk, words: str, category: str) -> None:
    """A customer's text, as projections store it."""
    text = Text(1, "e-1", END_MS - 5 * DAY_MS, "asked", words)
    judged = Judged("e-1", text.at_ms, "asked", Judgement(category, 0.9), Judgement())
    states: list[tuple[type[Texts | Classification], str, str, object]] = [
        (Texts, "c-1", keys_of("c-1")[0], Written("c-1", 0, [text])),
        (Classification, KEY, customer_key("c-1"), State(texts=[judged])),
    ]
    with connect_blocking(desk.settings) as client:
        for projection, home, key, state in states:
            keys = ProjectionKeys(desk.settings.namespace, projection.name, projection.version, 0)
            client.set(keys.customer(partition_of(home, PARTITIONS), key), msgspec.json.encode(state))


def test_the_report_is_one_page_with_the_figures_of_pandas(
    desk: CommandDesk, middling: Processed, tmp_path: Path
) -> None:
    desk.open(middling)
    desk.bench.publish([alert(1, customer_id="c-1", occurred_at=rfc3339(END_MS - 63 * DAY_MS))])
    with ContactsFile(desk.directory / CONTACTS_FILE) as contacts:
        listed = json.loads(desk.run("today", "--json", "--as-of", "2026-06-30").stdout)["entries"]
        contacts.add([(listed[0]["customer_id"], Contact(name=HOSTILE))])
    write_text(desk, f"where is my parcel {HOSTILE}", "delivery")
    path = tmp_path / "deep" / "report.html"
    done = desk.run("report", "--html", str(path), "--as-of", "2026-06-30")
    assert done.exit_code == 0, done.stderr
    text = path.read_text("utf-8")
    rows = frame(middling.shop)
    revenue = rows["amount"].where(rows["kind"] == "order", -rows["amount"]).sum()
    orders = (rows["kind"] == "order").sum()
    assert f"{orders:,} orders, €{revenue:,.2f} of revenue, 420 customers" in done.stdout
    page = Page(text)
    shown = " ".join(" ".join(page.text).split())
    assert f"€{revenue:,.2f} in all" in shown
    assert f"{orders:,} orders by 420 customers" in shown
    assert "customer flagged eight weeks ago" in shown
    assert HOSTILE in shown  # as text
    assert "Week of 22 June 2026: 1 customer wrote." in shown
    assert f"Category delivery 100% - where is my parcel {HOSTILE}" in shown
    assert page.asked == []
    assert page.tags & {"script", "img", "iframe", "link", "object", "image"} == set()
    assert "@import" not in text
    assert "url(" not in text.replace("url(#", "")
    assert {"svg", "table"} <= page.tags


def test_the_page_of_a_day_escapes_what_it_shows(desk: CommandDesk, small: Processed, tmp_path: Path) -> None:
    desk.open(small)
    path = tmp_path / "today.html"
    with ContactsFile(desk.directory / CONTACTS_FILE) as contacts:
        contacts.add([(f"c-{n}", Contact(name=HOSTILE)) for n in range(30)])
    assert desk.run("today", "--html", str(path), "--as-of", "2026-06-30").exit_code == 0
    page = Page(path.read_text("utf-8"))
    assert page.asked == []
    assert "script" not in page.tags
    assert path.name in desk.run("today", "--html", str(path), "--as-of", "2026-06-30").stdout


def test_a_shop_whose_events_end_long_ago_is_shown_as_of_then(desk: CommandDesk, small: Processed) -> None:
    """A clock in 2030: the history ends in 2026, and that day counts as today."""
    desk.open(small)
    done = desk.run("today", "--json", "--as-of", "2029-12-31")
    assert json.loads(done.stdout)["standing"]["active"] == 0


def test_open_complaints_come_first_those_without_an_answer_before_all(
    desk: CommandDesk, middling: Processed, tmp_path: Path
) -> None:
    desk.open(middling)
    customers = [entry["customer_id"] for entry in json.loads(desk.run("today", "--json").stdout)["entries"][:3]]
    hours = {"late": 1, "later": 5, "acted": 3}
    at_ms = {what: END_MS - hour * 3_600_000 for what, hour in hours.items()}
    heard = Heard(feedback_id="f-1", said_at="", order_id="o-7", channel="email")
    for customer, what in zip(customers, hours, strict=True):
        case = Case("complained", at_ms[what], heard)
        question = Case("asked", at_ms[what], heard)
        acted_ms = at_ms[what] + 1 if what == "acted" else 0
        cases = Cases(customer, {"t-1": case, "t-2": question}, acted_ms=acted_ms)
        keys = ProjectionKeys(desk.settings.namespace, Complaints.name, Complaints.version, 0)
        with connect_blocking(desk.settings) as client:
            client.set(keys.customer(partition_of(customer, PARTITIONS), customer), msgspec.json.encode(cases))
    with ContactsFile(desk.directory / CONTACTS_FILE) as contacts:
        contacts.add([(customers[1], Contact(name="Ann Ode", email="ann@example.com"))])
    told = json.loads(desk.run("today", "--json", "--as-of", "2026-06-30").stdout)["complaints"]
    assert [(one["customer_id"], one["acted"], one["name"]) for one in told] == [
        (customers[1], False, "Ann Ode"),
        (customers[0], False, ""),
        (customers[2], True, ""),
    ]
    assert {one["sentence"] for one in told} == {"Complained about order o-7 by email."}
    shown = desk.run("today", "--as-of", "2026-06-30").stdout
    assert "3 complaints are open; 2 without an answer." in shown
    assert shown.index("Ann Ode") < shown.index("at stake")
    page = tmp_path / "today.html"
    assert desk.run("today", "--html", str(page), "--as-of", "2026-06-30").exit_code == 0
    text = page.read_text()
    assert text.index("3 complaints are open") < text.index('id="today"')
