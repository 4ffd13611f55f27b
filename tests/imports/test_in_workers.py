"""The result of an import in the workers: every customer with an order is known, with the files' orders and money."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import orjson
import pandas as pd
import pytest

from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.log_event import LogEvent
from stream.identity.addresses import customer_of_address
from stream.imports.import_ledger import LEDGER_FILE, ImportLedger
from stream.imports.issues import Why
from stream.online_models.learner import Learner
from stream.processing.replay import Replay
from stream.processing.rules import rules_of
from stream.settings import Settings
from tests.imports.shop import NOW_MS, imported
from tests.imports.shopify_export import END, export, made_up_orders, settled_by


def processed(events: Iterable[dict[str, object]]) -> dict[str, dict[str, float]]:
    """The documents of the customers after ``events``."""
    settings = Settings()
    replay = Replay(rules_of(settings), Learner(), Decoder(), NOW_MS)
    log = (
        LogEvent(
            EventType.PURCHASE,
            str(event["customer_id"]),
            round(datetime.fromisoformat(str(event["occurred_at"])).timestamp() * 1000),
            msgspec.json.encode(event),
        )
        for event in events
    )
    for _ in replay.run(log):
        pass
    assert replay.counters.dead_letters == replay.counters.duplicates == 0
    return {customer: orjson.loads(document) for customer, document in replay.documents.items()}


def check(documents: dict[str, dict[str, float]], shop: pd.DataFrame, *, orders: bool = True) -> None:
    stands = shop[shop["kind"] != "cancelled"]
    by_customer = stands.groupby("Email").agg(
        orders=("Total", "size"), spend=("Total", "sum"), refunded=("refunded", "sum")
    )
    assert {*documents} == {customer_of_address(address) for address in shop["Email"]}
    for address, expected in by_customer.iterrows():
        document = documents[customer_of_address(str(address))]
        if orders:
            assert document["orders"] == expected["orders"]
        assert document["spend"] == pytest.approx(expected["spend"] - expected["refunded"], abs=0.001)


@pytest.mark.parametrize("customers", [30, 420])
def test_everybody_who_ordered_has_the_orders_and_the_money_of_the_file(tmp_path: Path, customers: int) -> None:
    made = made_up_orders(customers, seed=customers)
    result = imported(export(made, tmp_path / "orders.csv", END))
    settled = settled_by(made, END)
    check(processed(result.events), settled)
    stands = settled[settled["kind"] != "cancelled"]
    assert (result.summary.orders, result.summary.customers) == (len(stands), stands["Email"].nunique())
    assert result.money() == pytest.approx(stands["Total"].sum(), abs=0.001)
    assert result.paid_back() == pytest.approx(stands["refunded"].sum(), abs=0.001)


def test_orders_that_came_in_live_and_are_imported_count_once(tmp_path: Path) -> None:
    made = made_up_orders(30, seed=3).assign(kind="paid", refunded=0.0)
    recent = made[made["at"] > END - timedelta(days=60)]
    live: list[dict[str, object]] = [
        {
            "event_id": f"thank-you-page-{name}",
            "customer_id": customer_of_address(email),
            "occurred_at": f"{at + timedelta(seconds=4):%Y-%m-%dT%H:%M:%SZ}",
            "name": "completed",
            "order_id": name,
            "amount": total,
            "currency": "EUR",
        }
        for name, email, at, total in zip(*(recent[c].tolist() for c in ("Name", "Email", "at", "Total")), strict=True)
    ]
    result = imported(export(made, tmp_path / "orders.csv", END))
    assert len(live) > 10
    check(processed([*result.events, *live]), made)


def test_totals_that_change_between_imports_count_as_they_are_now(tmp_path: Path) -> None:
    made = made_up_orders(20, seed=5).assign(kind="paid", refunded=0.0)
    made = made[made["at"] > END - timedelta(days=80)]
    events: list[dict[str, object]] = []
    now = made
    with ImportLedger(tmp_path / LEDGER_FILE, "shop") as ledger:
        for factor in (1.0, 1.5, 0.5):
            now = made.assign(Total=(made["Total"] * factor).round(2))
            events += imported(export(now, tmp_path / "orders.csv", END), ledger=ledger).events
    assert len(events) == 3 * len(made) > 30
    check(processed(events), now)


def test_imports_month_by_month_come_to_the_same_as_one(tmp_path: Path) -> None:
    made = made_up_orders(60, seed=7)
    events: list[dict[str, object]] = []
    notes: set[Why] = set()
    with ImportLedger(tmp_path / LEDGER_FILE, "shop") as ledger:
        when = END - timedelta(days=700)
        while when < END + timedelta(days=60):
            if (made["at"] < when).any():
                result = imported(export(made, tmp_path / "orders.csv", when), ledger=ledger)
                events += result.events
                notes |= {issue.why for issue in result.issues}
            when += timedelta(days=30)
    assert notes <= {Why.IMPORTED, Why.REFUND_UNDATED, Why.REFUND_LATER}
    assert Why.REFUND_LATER in notes
    check(processed(events), made)
