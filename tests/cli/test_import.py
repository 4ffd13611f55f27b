"""``stream import`` as its users run it, against a running broker and Redis."""

import json
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import openpyxl
import pytest
from confluent_kafka import Message
from confluent_kafka.admin import AdminClient

from stream.events.partitioner import partition_of
from stream.identity.addresses import customer_of_address
from stream.imports.contacts import CONTACTS_FILE, ContactsFile
from stream.imports.import_ledger import LEDGER_FILE
from stream.imports.publish_staged import MAX_CHUNK_MS
from stream.local.broker import EmbeddedBroker
from tests.agents.topics import at_least, read
from tests.imports.shop import EXPORTS

DEADLINE_S = 60.0
HEADER = "Order number,Date,Email,Name,Total,Currency\n"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def shop(run: Run, tmp_path: Path) -> Run:
    """``stream import`` into topics of this test, with a data directory of its own and no worker."""
    assert run("topics", "create").returncode == 0

    def call(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        return run("import", "--no-wait", *arguments, STREAM_DATA_DIR=str(tmp_path / "data"), **variables)

    return call


def published(broker: EmbeddedBroker, topic: str, count: int) -> list[tuple[int, str, dict[str, object]]]:
    """Partition, key and event of the first ``count`` records of ``topic``, by partition and offset."""
    messages = read(broker.bootstrap, topic, 3, at_least(count))
    found = sorted(messages, key=lambda message: (message.partition(), message.offset()))
    return [(m.partition() or 0, (m.key() or b"").decode(), json.loads(m.value() or b"")) for m in found]


def test_an_export_becomes_events_keyed_by_customer_and_in_order(
    shop: Run, broker: EmbeddedBroker, topic_prefix: str, tmp_path: Path
) -> None:
    done = shop(str(EXPORTS / "shopify-orders.csv"), str(EXPORTS / "shopify-customers.csv"))
    assert done.returncode == 0, done.stderr
    assert "13 orders of 5 customers from 15 January 2024 to 28 May 2024: €1,062.20." in done.stdout
    assert "€79.65 of it was paid back; €982.55 is left." in done.stdout
    assert "Imported 14 new orders: 17 events published" in done.stdout
    records = published(broker, f"{topic_prefix}events.purchase", 17)
    for partition, key, event in records:
        assert key == event["customer_id"]
        assert partition == partition_of(key, 3)
    for key in {key for _, key, _ in records}:
        times = [str(event["occurred_at"]) for _, one, event in records if one == key]
        assert times == sorted(times)
    with ContactsFile(tmp_path / "data" / CONTACTS_FILE) as contacts:
        assert contacts.find([customer_of_address("ann.ode@example.com")]).popitem()[1].name == "Ann Ode"
    assert not any("Ode" in str(event) for _, _, event in records)


def test_a_second_import_adds_nothing_and_a_longer_export_its_new_orders(
    shop: Run, broker: EmbeddedBroker, topic_prefix: str, tmp_path: Path
) -> None:
    path = tmp_path / "orders.csv"
    lines = [f"{n},2024-0{n}-01,ann@example.com,Ann Ode,10.00,EUR\n" for n in range(1, 9)]
    path.write_text(HEADER + "".join(lines[:6]))
    assert ": 6 events published" in shop(str(path)).stdout
    again = shop(str(path))
    assert again.returncode == 0
    assert "There is nothing new to import." in again.stdout
    assert "6  The order was imported before." in again.stdout
    path.write_text(HEADER + "".join(lines))
    assert "Imported 2 new orders: 2 events published" in shop(str(path)).stdout
    ids = [event["event_id"] for _, _, event in published(broker, f"{topic_prefix}events.purchase", 8)]
    assert ids == [f"generic:{n}:completed" for n in range(1, 9)]


def test_topics_that_were_made_anew_are_filled_anew(
    shop: Run, run: Run, broker: EmbeddedBroker, topic_prefix: str, tmp_path: Path
) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(f"{HEADER}1,2024-01-01,ann@example.com,Ann,10.00,EUR\n")
    assert shop(str(path)).returncode == 0
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    topics = [f"{topic_prefix}events.{kind}" for kind in ("click", "email", "purchase")]
    for future in admin.delete_topics(topics).values():
        future.result(DEADLINE_S)
    assert run("topics", "create").returncode == 0
    anew = shop(str(path))
    assert "imported anew" in anew.stdout, anew.stderr
    assert "Imported 1 new order: 1 event published" in anew.stdout
    assert len(published(broker, topics[2], 1)) == 1


@pytest.mark.slow
def test_an_import_that_was_killed_resumes_while_the_workers_still_know_every_event(
    shop: Run, environment: dict[str, str], broker: EmbeddedBroker, topic_prefix: str, tmp_path: Path
) -> None:
    path, data = tmp_path / "orders.csv", tmp_path / "data"
    count = 12_000
    start = datetime(2021, 1, 1, tzinfo=UTC)
    lines = (
        f"{n},{start + timedelta(hours=3 * n):%Y-%m-%d %H:%M},c{n % 97}@example.com,C {n % 97},10.00,EUR\n"
        for n in range(count)
    )
    path.write_text(HEADER + "".join(lines))
    command = [sys.executable, "-m", "stream", "import", "--no-wait", str(path)]
    with subprocess.Popen(
        command,
        env={**environment, "STREAM_DATA_DIR": str(data)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as killed:
        while _booked(data / LEDGER_FILE) < 1_000:
            assert killed.poll() is None, "it was quicker than this test"
            time.sleep(0.002)
        killed.kill()
    known = _booked(data / LEDGER_FILE)
    assert 0 < known < count
    done = shop(str(path))
    assert done.returncode == 0, done.stderr
    assert f"Imported {count - known:,} new orders: {count - known:,} events published" in done.stdout
    messages = read(broker.bootstrap, f"{topic_prefix}events.purchase", 3, lambda found: len(_ids(found)) == count)
    again = [event for event, times in Counter(map(_id, messages)).items() if times > 1]
    placed = [start + timedelta(hours=3 * int(event.split(":")[1])) for event in again]
    assert not placed or max(placed) - min(placed) <= timedelta(milliseconds=MAX_CHUNK_MS)


def _booked(path: Path) -> int:
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path, timeout=60.0)) as ledger:
        try:
            return int(ledger.execute("SELECT count(*) FROM booked").fetchone()[0])
        except sqlite3.OperationalError:  # the tables are being made
            return 0


def _id(message: Message) -> str:
    return str(json.loads(message.value() or b"")["event_id"])


def _ids(messages: Sequence[Message]) -> set[str]:
    return {*map(_id, messages)} if len(messages) % 500 == 0 or len(messages) >= 12_000 else set()


def test_unused_rows_are_listed_and_many_of_them_are_a_failure(shop: Run, tmp_path: Path) -> None:
    path, report = tmp_path / "orders.csv", tmp_path / "report.csv"
    lines = [
        "1,2024-01-01,ann@example.com,Ann,10.00,EUR",
        "2,2024-01-02,,,5.00,EUR",
        "3,someday,bo@example.com,=Bo(),1,EUR",
    ]
    path.write_text(HEADER + "\n".join(lines))
    done = shop(str(path), "--report", str(report))
    assert done.returncode == 1
    assert "67% of the rows were refused" in done.stdout
    assert "Not used, because something is wrong with them: 2 of 3 rows" in done.stdout
    rows = report.read_text().splitlines()
    assert rows[0] == "file,line,what,why,detail"
    assert [row.split(",")[1:3] for row in rows[1:]] == [["3", "refused"], ["4", "refused"]]
    assert shop(str(path), "--max-rejected", "70").returncode == 0


@pytest.mark.parametrize(("refused", "status"), [(1, 0), (2, 1)])
def test_more_than_one_row_in_ten_may_not_be_refused(shop: Run, tmp_path: Path, refused: int, status: int) -> None:
    path = tmp_path / "orders.csv"
    good = [f"{n},2024-01-{n:02d},ann@example.com,Ann,10.00,EUR\n" for n in range(1, 9)]
    # an order without an amount counts as an order
    unpriced = "9,2024-02-01,bo@example.com,Bo,,EUR\n"
    path.write_text(HEADER + "".join([*good, unpriced, *(f"{30 + n},2024-02-02,,,5.00,EUR\n" for n in range(refused))]))
    done = shop(str(path), "--dry-run")
    assert "9 orders of 2 customers" in done.stdout
    assert done.returncode == status, done.stdout


def test_a_dry_run_imports_nothing_and_needs_no_servers(run: Run, tmp_path: Path) -> None:
    nowhere = {"STREAM_KAFKA_BOOTSTRAP": "127.0.0.1:9", "STREAM_REDIS_URL": "redis://127.0.0.1:9/0"}
    done = run(
        "import", "--dry-run", str(EXPORTS / "etsy-orders.csv"), STREAM_DATA_DIR=str(tmp_path / "data"), **nowhere
    )
    assert done.returncode == 0, done.stderr
    assert "13 orders of 4 customers" in done.stdout
    assert "Nothing was imported, because of --dry-run. Without it an empty shop would get 16 events." in done.stdout
    assert not (tmp_path / "data").exists()


def test_a_mapping_is_proposed_written_changed_and_used(shop: Run, tmp_path: Path) -> None:
    path, mapping = tmp_path / "till.xlsx", tmp_path / "till.toml"
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for line in (["Beleg", "Tag", "Wer", "Brutto", "Netto"], [1, "2024-03-01", "C-1", 11.9, 10.0]):
        sheet.append(line)
    book.save(path)
    refused = shop(str(path), "--mapping", str(mapping))
    assert refused.returncode == 1
    assert f"{mapping} now says what the columns of {path} are" in refused.stderr
    text = mapping.read_text()
    for field, column in (("order_id", "Beleg"), ("date", "Tag"), ("customer", "Wer"), ("amount", "Brutto")):
        lines = [line for line in text.splitlines() if not line.startswith((f"# {field} =", f"{field} ="))]
        text = "\n".join([*lines, f'{field} = "{column}"'])
    mapping.write_text(text.replace('currency = ""', 'currency = "CHF"', 1))
    done = shop(str(path), "--mapping", str(mapping))
    assert done.returncode == 0, done.stderr
    assert "1 order of 1 customer on 1 March 2024: CHF" in done.stdout
    mapping.write_text(mapping.read_text().replace("Brutto", "Gross"))
    wrong = shop(str(path), "--mapping", str(mapping))
    assert wrong.returncode == 1
    assert "has no such column" in wrong.stderr
    assert "Traceback" not in wrong.stderr


def test_amounts_in_several_currencies_are_not_added_up_without_rates(shop: Run, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(f"{HEADER}1,2024-01-01,ann@example.com,Ann,10,EUR\n2,2024-01-02,bo@example.com,Bo,10,USD\n")
    refused = shop(str(path))
    assert refused.returncode == 1
    assert "STREAM_CURRENCY_RATES=EUR=1,USD=..." in refused.stderr
    assert shop(str(path), STREAM_CURRENCY_RATES="EUR=1,USD=0.92").returncode == 0


def test_without_topics_or_files_the_error_says_what_to_do(run: Run, tmp_path: Path) -> None:
    path = EXPORTS / "etsy-orders.csv"
    data = str(tmp_path / "data")
    assert "stream topics create" in run("import", str(path), STREAM_DATA_DIR=data).stderr
    missing = run("import", str(tmp_path / "none.csv"), STREAM_DATA_DIR=data)
    assert (missing.returncode, "Traceback" in missing.stderr) == (1, False)
    assert run("import", "--timezone", "Mars/Olympus", str(path)).returncode == 2
    assert not (tmp_path / "data" / LEDGER_FILE).exists()


def test_days_are_those_of_the_clock_of_the_import_and_another_one_of_the_lists_is_said(
    shop: Run, tmp_path: Path
) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(
        "Order ID,Date,Email,Total\n1,2024-03-01,ann@example.com,€5.00\n2,2024-03-08,bo@example.com,€5.00\n"
    )
    days = "2 orders of 2 customers from 1 March 2024 to 8 March 2024: €10.00."
    done = shop(str(path), "--timezone", "Europe/Berlin")
    assert (done.returncode, days in done.stdout) == (0, True), done.stdout
    assert "Lists count days by the clock of UTC. For those of this import set" in done.stdout
    assert "STREAM_SHOP_TIMEZONE=Europe/Berlin" in done.stdout
    # the clock of the shop is that of its exports
    done = shop(str(path), "--dry-run", STREAM_SHOP_TIMEZONE="Europe/Berlin")
    assert (done.returncode, days in done.stdout) == (0, True), done.stdout
    again = shop(str(path), STREAM_SHOP_TIMEZONE="Europe/Berlin")
    assert ("Lists count days" in again.stdout, "nothing new to import" in again.stdout) == (False, True)
