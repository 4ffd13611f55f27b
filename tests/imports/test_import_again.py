"""Importing again: longer exports, later refunds and cancellations, older files, interrupted imports."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.features.profile import RETENTION_MS
from stream.imports.import_ledger import LEDGER_FILE, Book, ImportLedger, LedgerEntry, Witness
from stream.imports.issues import IssueSeverity, Why
from stream.imports.plan import REMEMBERED_MS
from stream.imports.publish_staged import MAX_CHUNK_MS
from tests.imports.shop import imported, rows, table

HEADER = "Order number,Order date,Customer email,Total,Refunded amount,Status"
START = datetime(2024, 1, 1, 12, tzinfo=UTC)


def line(
    number: int, day: int, customer: str = "ann", total: str = "50.00", refunded: str = "", status: str = "paid"
) -> str:
    at = START + timedelta(days=day)
    return f"{number},{at:%Y-%m-%d %H:%M:%S},{customer}@example.com,{total},{refunded},{status}"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[ImportLedger]:
    with ImportLedger(tmp_path / LEDGER_FILE, "cluster/events.purchase") as opened:
        yield opened


def test_the_import_remembers_as_long_as_the_workers_do() -> None:
    assert REMEMBERED_MS == RETENTION_MS
    assert MAX_CHUNK_MS < REMEMBERED_MS


def test_a_second_import_publishes_nothing_and_says_so(tmp_path: Path, ledger: ImportLedger) -> None:
    path = table(tmp_path / "a.csv", rows(HEADER, [line(1, 0), line(2, 400), line(3, 500, "bo", refunded="10.00")]))
    first, again = imported(path, ledger=ledger), imported(path, ledger=ledger)
    assert len(first.events) == 4
    assert again.events == []
    assert again.summary.new_orders == 0
    # the file's own totals are unchanged
    assert (again.summary.orders, again.money(), again.paid_back()) == (3, 150.0, 10.0)
    assert len(again.why(Why.IMPORTED)) == 3
    assert again.summary.rows_of(IssueSeverity.REFUSED) == 0


def test_a_longer_export_adds_its_new_orders_only(tmp_path: Path, ledger: ImportLedger) -> None:
    lines = [line(1, 0), line(2, 300), line(3, 600)]
    imported(table(tmp_path / "a.csv", rows(HEADER, lines[:2])), ledger=ledger)
    longer = imported(table(tmp_path / "b.csv", rows(HEADER, lines)), ledger=ledger)
    assert [event["order_id"] for event in longer.events] == ["3"]
    assert longer.summary.rows_of(IssueSeverity.REFUSED) == 0


def test_money_paid_back_since_is_published_once_and_by_the_difference(tmp_path: Path, ledger: ImportLedger) -> None:
    path = tmp_path / "a.csv"
    amounts = []
    for refunded in ("", "20.00", "20.00", "35.00", "50.00", "80.00"):
        result = imported(table(path, rows(HEADER, [line(1, 0, refunded=refunded), line(2, 300)])), ledger=ledger)
        amounts.append([event["amount"] for event in result.named("refunded")])
    assert amounts == [[], [20.0], [], [15.0], [15.0], []]


def test_a_refund_of_an_old_order_counts_on_the_customers_latest_day(tmp_path: Path, ledger: ImportLedger) -> None:
    imported(table(tmp_path / "a.csv", rows(HEADER, [line(1, 0), line(2, 300)])), ledger=ledger)
    later = imported(
        table(tmp_path / "b.csv", rows(HEADER, [line(1, 0, refunded="20.00"), line(2, 300)])), ledger=ledger
    )
    (refund,) = later.events
    assert refund["occurred_at"] == f"{START + timedelta(days=300):%Y-%m-%dT%H:%M:%SZ}"
    assert later.why(Why.REFUND_LATER) == [2]


def test_an_order_cancelled_since_is_cancelled(tmp_path: Path, ledger: ImportLedger) -> None:
    imported(table(tmp_path / "a.csv", rows(HEADER, [line(1, 0), line(2, 30)])), ledger=ledger)
    cancelled = [line(1, 0, status="cancelled"), line(2, 30)]
    path = table(tmp_path / "b.csv", rows(HEADER, cancelled))
    assert [(event["name"], event["order_id"]) for event in imported(path, ledger=ledger).events] == [
        ("cancelled", "1")
    ]
    assert imported(path, ledger=ledger).events == []


def test_an_order_cancelled_after_workers_have_forgotten_it_gives_its_money_back(
    tmp_path: Path, ledger: ImportLedger
) -> None:
    imported(table(tmp_path / "a.csv", rows(HEADER, [line(1, 0, refunded="20.00"), line(2, 300)])), ledger=ledger)
    path = table(tmp_path / "b.csv", rows(HEADER, [line(1, 0, refunded="20.00", status="cancelled"), line(2, 300)]))
    later = imported(path, ledger=ledger)
    assert [(event["name"], event["amount"]) for event in later.events] == [("refunded", 30.0)]
    assert later.why(Why.CANCELLED_AS_REFUND) == [2]
    assert imported(path, ledger=ledger).events == []


def test_an_order_cancelled_in_the_same_export_counts_nothing(tmp_path: Path) -> None:
    header = "Order number,Order date,Email,Total,Cancelled at"
    lines = ["1,2024-01-01,ann@example.com,5.00,2024-01-03", "2,2024-01-01,bo@example.com,5.00,2024-08-01"]
    result = imported(table(tmp_path / "a.csv", rows(header, lines)))
    # the second one was cancelled when workers would not know the order any more: neither is published
    assert [event["name"] for event in result.events] == ["completed", "cancelled"]
    assert result.why(Why.CANCELLED_LONG_AFTER) == [3]
    assert (result.summary.orders, result.summary.cancelled) == (0, 2)


def test_an_older_file_after_a_newer_one_is_listed_and_never_half_counted(tmp_path: Path, ledger: ImportLedger) -> None:
    newer = table(tmp_path / "newer.csv", rows(HEADER, [line(3, 400), line(4, 410, "bo")]))
    older = table(tmp_path / "older.csv", rows(HEADER, [line(1, 0), line(2, 5, "cy"), line(5, 380)]))
    imported(newer, ledger=ledger)
    late = imported(older, ledger=ledger)
    # Ann's newest event is 400 days later; Cy is new, and order 5 lies within what workers remember
    assert [event["order_id"] for event in late.events] == ["2", "5"]
    assert late.why(Why.TOO_OLD) == [2]
    assert late.summary.rows_of(IssueSeverity.REFUSED) == 1
    assert (late.summary.orders, late.money()) == (2, 100.0)
    assert "into an empty shop" in Why.TOO_OLD


def test_all_files_in_one_command_are_exact(tmp_path: Path) -> None:
    newer = table(tmp_path / "newer.csv", rows(HEADER, [line(3, 400), line(4, 410, "bo")]))
    older = table(tmp_path / "older.csv", rows(HEADER, [line(1, 0), line(2, 5, "cy"), line(5, 380)]))
    both = imported(newer, older)
    assert [event["order_id"] for event in both.events] == ["1", "2", "5", "3", "4"]
    assert both.issues == []


def test_events_that_workers_got_from_elsewhere_count_too(tmp_path: Path, ledger: ImportLedger) -> None:
    path = table(tmp_path / "a.csv", rows(HEADER, [line(1, 0), line(2, 250)]))
    customer_id = imported(path).events[0]["customer_id"]
    newest = round((START + timedelta(days=300)).timestamp() * 1000)
    result = imported(path, ledger=ledger, newest={customer_id: newest})
    assert [event["order_id"] for event in result.events] == ["2"]
    assert result.why(Why.TOO_OLD) == [2]


def test_a_customer_keeps_the_id_of_the_first_import(tmp_path: Path, ledger: ImportLedger) -> None:
    by_number = table(tmp_path / "a.csv", rows("Order number,Date,Customer id,Total", ["1,2024-01-01,C-17,5.00"]))
    with_address = table(
        tmp_path / "b.csv",
        rows("Order number,Date,Customer id,Email,Total", ["2,2024-02-01,C-17,ann@example.com,5.00"]),
    )
    imported(by_number, ledger=ledger)
    assert [event["customer_id"] for event in imported(with_address, ledger=ledger).events] == ["C-17"]


def test_an_order_whose_total_changed_is_told_again_while_workers_know_it(tmp_path: Path, ledger: ImportLedger) -> None:
    path = tmp_path / "a.csv"
    results = [
        imported(table(path, rows(HEADER, [line(1, 0, total=total), line(2, 30)])), ledger=ledger)
        for total in ("50.00", "70.00", "70.00", "60.00")
    ]
    seen = [[(event["event_id"], event["amount"]) for event in result.events] for result in results]
    assert seen[1:] == [[("generic:1:completed:1", 70.0)], [], [("generic:1:completed:2", 60.0)]]
    assert results[-1].why(Why.UPDATED) == [2]


def test_an_old_order_whose_total_changed_is_said_and_not_counted_twice(tmp_path: Path, ledger: ImportLedger) -> None:
    imported(table(tmp_path / "a.csv", rows(HEADER, [line(1, 0), line(2, 300)])), ledger=ledger)
    changed = [line(1, 0, total="70.00"), line(2, 300)]
    again = imported(table(tmp_path / "b.csv", rows(HEADER, changed)), ledger=ledger)
    assert (again.events, again.why(Why.CHANGED)) == ([], [2])


def test_ledgers_of_two_shops_in_one_file_know_nothing_of_each_other(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", rows(HEADER, [line(1, 0)]))
    for shop in ("one", "two"):
        with ImportLedger(tmp_path / LEDGER_FILE, shop) as ledger:
            assert len(imported(path, ledger=ledger).events) == 1
            ledger.enter([], Witness("t", 0, 7, "c-1"))
    with ImportLedger(tmp_path / LEDGER_FILE, "one") as ledger:
        assert ledger.witness() == Witness("t", 0, 7, "c-1")
        ledger.clear()
        assert ledger.witness() is None
        assert len(imported(path, ledger=ledger).events) == 1
    with ImportLedger(tmp_path / LEDGER_FILE, "two") as ledger:
        assert imported(path, ledger=ledger).events == []


def test_who_is_erased_is_in_no_byte_of_the_ledger(tmp_path: Path) -> None:
    file = tmp_path / LEDGER_FILE
    with ImportLedger(file, "one") as ledger:
        books = {f"o-{number}": Book(customer_id=f"cust-{number % 3}", at_ms=number, amount=1) for number in range(300)}
        books["o-x"] = Book(customer_id="cust-1", at_ms=1, amount=1, customer="number-1")
        ledger.enter([LedgerEntry(order, 1, book) for order, book in books.items()], Witness("t", 0, 7, "cust-1"))
        ledger.enter([LedgerEntry("o-y", 1, Book(customer_id="cust-1", at_ms=1, amount=1))], None)
    with ImportLedger(file, "two") as ledger:
        ledger.enter([LedgerEntry("o-z", 1, Book(customer_id="cust-1", at_ms=1, amount=None, refunded=2))], None)
    with ImportLedger(file, "") as ledger:
        found = ledger.about(["cust-1", "nobody"])
        assert len([one for one in found if "order" in one]) == 103
        assert sorted(one["table"] for one in found if "table" in one) == ["alias", "newest", "newest", "witness"]
        ledger.forget(["cust-1", "nobody"])
        assert ledger.about(["cust-1"]) == []
        assert len(ledger.about(["cust-0"])) == 101
    assert b"cust-1" not in file.read_bytes()
    assert b"number-1" not in file.read_bytes()


orders = st.lists(
    st.tuples(
        st.integers(0, 60),
        st.sampled_from(["ann", "bo", "cy"]),
        st.sampled_from(["5.00", "19.90", "1250.00"]),
        st.sampled_from(["", "", "1.50"]),
        st.sampled_from(["paid", "paid", "refunded", "cancelled", "failed"]),
    ),
    min_size=1,
    max_size=12,
)


@given(shop=orders, cut=st.integers(0, 12), turned=st.booleans())
def test_however_often_a_shop_is_imported_its_events_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, shop: list[tuple[int, str, str, str, str]], cut: int, turned: bool
) -> None:
    folder = tmp_path_factory.mktemp("shop")
    lines = [line(number, *order) for number, order in enumerate(shop)]
    whole = table(folder / "whole.csv", rows(HEADER, lines[::-1] if turned else lines))
    at_once = {event["event_id"]: event for event in imported(whole).events}
    with ImportLedger(folder / LEDGER_FILE, "shop") as ledger:
        parts = (
            [] if cut == 0 else imported(table(folder / "part.csv", rows(HEADER, lines[:cut])), ledger=ledger).events
        )
        parts += imported(whole, ledger=ledger).events
        assert imported(whole, ledger=ledger).events == []
    assert {event["event_id"]: event for event in parts} == at_once
    assert len(parts) == len(at_once)
