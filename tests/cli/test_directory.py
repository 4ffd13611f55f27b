"""The directory as its owner uses it: filled from the topics, then queried."""

import csv
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
import pytest
from click.testing import CliRunner

from stream.alerts.action_records import Action, ActionKind
from stream.alerts.decoding import encode_action
from stream.cli import main
from stream.cli.topics import create_topics
from stream.client import ClickEvent, Item, Producer, PurchaseEvent
from stream.directory.desk.desk_store import DeskStore
from stream.imports.contacts import CONTACTS_FILE, Contact, ContactsFile
from stream.local.stack import LocalStack
from stream.notifications.read_to_end import read_to_end
from stream.settings import Settings
from tests.cli.conftest import Run

AT = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Two customers; the first buys twice, the second order is given back in part."""
    chosen = Settings(shop_timezone="Europe/Berlin", shop_currency="EUR")
    with LocalStack(tmp_path_factory.mktemp("stack"), chosen, partitions=2) as running:
        create_topics(running.settings)
        with Producer(running.settings) as producer:
            for customer, order, days, name, amount in (
                ("=c-1", "o-1", 0, "completed", 20.0),
                ("=c-1", "o-2", 40, "completed", 30.5),
                ("=c-1", "o-2", 41, "refunded", 10.25),
                ("c-2", "o-3", 1, "completed", 5.0),
            ):
                producer.publish(
                    PurchaseEvent(
                        event_id=f"{name}-{order}",
                        customer_id=customer,
                        occurred_at=AT + timedelta(days=days),
                        name=name,  # type: ignore[arg-type]
                        order_id=order,
                        amount=amount,
                        currency="EUR",
                        items=(Item(product_id="p-1", quantity=2.0),) if name == "completed" else None,
                        channel="web",
                    )
                )
            producer.publish(ClickEvent(event_id="k-1", customer_id="c-2", occurred_at=AT, name="page_viewed"))
        yield running.settings


def environment(settings: Settings, directory: Path) -> dict[str, str]:
    return {**settings.to_env(), "STREAM_TOPIC_PREFIX": "", "STREAM_DATA_DIR": str(directory)}


def ask(env: dict[str, str], *arguments: str) -> str:
    result = CliRunner().invoke(main, ["directory", *arguments], env=env)
    assert result.exit_code == 0, result.output
    return result.output


def rows(text: str) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(text))]


def test_a_directory_is_kept_from_the_topics_and_asked(shop: Settings, tmp_path: Path, run: Run) -> None:
    env = environment(shop, tmp_path)
    nothing = CliRunner().invoke(main, ["directory", "kpis"], env=env)
    assert (nothing.exit_code, "stream directory run" in nothing.output) == (1, True)
    done = run("directory", "run", "--once", **env)
    assert done.returncode == 0, done.stderr

    # the first order is in February by the clock of the shop
    periods = rows(ask(env, "kpis", "--csv"))
    shown = ("begin", "revenue", "sold", "refunded", "orders", "customers", "new", "returning")
    assert [tuple(row[name] for name in shown) for row in periods] == [
        ("2026-02-01", "25.00", "25.00", "0.00", "2", "2", "2", "0"),
        ("2026-03-01", "20.25", "30.50", "10.25", "1", "1", "0", "1"),
    ]
    told: dict[str, Any] = orjson.loads(ask(env, "kpis", "--json"))
    assert (told["buyers"], told["repeat_rate"], told["periods"][1]["revenue"]) == (2, 0.5, 20.25)
    assert "€20.25" in ask(env, "kpis")
    assert orjson.loads(ask(env, "cohorts", "--json")) == [{"begin": "2026-02-01", "customers": 2, "ordered": [1]}]
    assert "50%" in ask(env, "cohorts")
    assert len(rows(ask(env, "kpis", "--by", "week", "--csv"))) == 7

    first, second = rows(ask(env, "customers", "--sort", "spend", "--csv"))
    # no spreadsheet reads an id as a formula
    assert (first["customer_id"], first["spend"], first["last_order"]) == ("'=c-1", "40.25", "2026-03-13")
    assert (second["customer_id"], second["name"]) == ("c-2", "")
    with ContactsFile(tmp_path / CONTACTS_FILE) as people:
        people.add([("c-2", Contact(name="\uff1dZo\u00eb"))])
    (second,) = rows(ask(env, "customers", "c-2", "--csv"))
    assert second["name"] == "'\uff1dZo\u00eb"
    page = orjson.loads(ask(env, "customers", "--limit", "1", "--json"))
    following = orjson.loads(ask(env, "customers", "--limit", "1", "--json", "--cursor", page["cursor"]))
    assert [one["customers"][0]["customer_id"] for one in (page, following)] == ["=c-1", "c-2"]
    assert rows(ask(env, "customers", "--ordered-before", "2026-02-03", "--csv")) == [second]
    assert rows(ask(env, "customers", "c-", "--spend-from", "5", "--channel", "web", "--csv")) == [second]
    assert rows(ask(env, "customers", "--stage", "at risk", "--csv")) == []
    assert "€5.00" in ask(env, "customers")

    entries = orjson.loads(ask(env, "timeline", "=c-1", "--json"))["entries"]
    assert [(one["name"], one["amount"]) for one in entries] == [
        ("refunded", 10.25),
        ("completed", 30.5),
        ("completed", 20.0),
    ]
    assert "page_viewed" in ask(env, "timeline", "c-2", "--of", "click")
    (order, _) = orjson.loads(ask(env, "orders", "=c-1", "--json"))
    assert (order["order_id"], order["refunded"], order["items"]) == (
        "o-2",
        10.25,
        [{"product_id": "p-1", "quantity": 2.0}],
    )
    assert "2 x p-1" in ask(env, "orders", "c-2")
    unknown = CliRunner().invoke(main, ["directory", "timeline", "c-3"], env=env)
    assert (unknown.exit_code, "does not know" in unknown.output) == (1, True)
    for wrong in (
        ("customers", "--spend-from", "nan"),
        ("customers", "--at-stake-from", "1e300"),
        ("customers", "--ordered-from", "2026-02-30"),
        ("customers", "--cursor", "x"),
        ("customers", "\udcff"),
        ("timeline", "c-2", "--of", "clicks"),
    ):
        refused = CliRunner().invoke(main, ["directory", *wrong], env=env)
        assert (refused.exit_code, "Traceback" in refused.output) == (2, False), (wrong, refused.output)


def test_it_is_listed_shown_erased_and_rebuilt_with_the_projections(shop: Settings, tmp_path: Path, run: Run) -> None:
    env = environment(shop, tmp_path)
    assert run("directory", "run", "--once", **env).returncode == 0

    def projections(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["projections", *arguments], env=env)
        return result.exit_code, result.output

    status, output = projections("list", "--json")
    *_, listed = orjson.loads(output)
    assert (status, listed["name"], listed["folded"], listed["partitions"]) == (0, "directory", 5, 2)
    status, output = projections("show", "directory", "c-2")
    assert (status, orjson.loads(output)["spend"], orjson.loads(output)["channels"]) == (0, 5.0, {"web": 1})
    with DeskStore(f"sqlite:///{tmp_path}/console.sqlite") as desk:
        desk.assign("c-2", "anna")
        assert projections("erase", "directory", "c-2") == (0, "erased from directory\n")
        assert desk.notes(["c-2"]) == {}
    assert projections("show", "directory", "c-2")[0] == 1
    assert [row["orders"] for row in rows(ask(env, "kpis", "--csv"))] == ["2", "1"], "sums are of nobody alone"
    status, output = projections("rebuild", "directory")
    assert (status, "generation 1" in output) == (0, True)
    assert rows(ask(env, "kpis", "--csv")) == []
    assert run("directory", "run", "--once", **env).returncode == 0
    assert projections("show", "directory", "c-2")[0] == 0


def get(address: str, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
    """A page; with ``form`` the one to which that leads."""
    connection = HTTPConnection(urlsplit(address).netloc, timeout=30)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    try:
        connection.request("GET" if form is None else "POST", path, urlencode(form or {}), headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_the_console_shows_the_directory_until_it_is_stopped(shop: Settings, tmp_path: Path, run: Run) -> None:
    env = environment(shop, tmp_path)
    assert run("directory", "run", "--once", **env).returncode == 0
    log = tmp_path / "console.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "stream", "console", "--port", "0"],
            env={**os.environ, **env},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().removeprefix("console: ").strip()
        assert address.startswith("http://127.0.0.1:"), log.read_text()
        status, text = get(address, "/business")
        assert (status, "€20.25" in text) == (200, True)
        told = re.search(r"metrics at (http://\S+)/metrics", log.read_text())
        assert told is not None, log.read_text()
        status, text = get(told[1], "/health/ready")
        assert (status, orjson.loads(text)["due_actions"]) == (200, 0)
        _, text = get(told[1], "/metrics")
        assert 'stream_console_requests_total{page="/business",status="200"} 1.0' in text
        assert "stream_console_database_up 1.0" in text
        status, text = get(address, "/customer", {"customer_id": "c-2"})
        assert (status, "What happened" in text, "cannot be shown" in text) == (200, True, False)
        # no worker has run, so there is no list, but what to do about it
        status, text = get(address, "/")
        assert (status, "stream import orders.csv" in text) == (200, True)
        # what somebody recorded a minute ago is passed on
        with DeskStore(f"sqlite:///{tmp_path}/console.sqlite") as desk:
            action = Action(action_id="a-1", customer_id="c-2", action=ActionKind.CONTACTED, occurred_at=AT)
            desk.record(action, "anna", 0)
            deadline = time.monotonic() + 60
            while not desk.recorded(["c-2"], 0)["c-2"][0].published_ms:
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
        (record,) = read_to_end(shop, shop.actions)
        assert (record.key, record.value) == (b"c-2", encode_action(action))
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, log.read_text()
    finally:
        process.kill()
        process.communicate()
