"""A shop's own export, imported with one command, gives the list of today that pandas computes from the same orders."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest

from stream.cli.reach import Local, reach
from stream.cli.settle import waiting
from stream.cli.shop_layout import settled_layout
from stream.identity.addresses import customer_of_address
from stream.local.directory import DataDirectory
from stream.settings import Settings
from stream.storage.overview import Overview
from tests.cli.shop_runs import run_in
from tests.imports.shop import table
from tests.imports.shopify_export import END, export, made_up_orders, settled_by
from tests.reporting.independent import habits_of
from tests.reporting.made_up_shop import DAY_MS

DAY = END.date().isoformat()
#: ``--as-of`` a day is its end.
AS_OF_MS = round(END.replace(tzinfo=UTC).timestamp() * 1000) + DAY_MS - 1


def _ms(times: "pd.Series[Any]") -> "pd.Series[Any]":
    found: pd.Series[Any] = times.dt.floor("s").dt.tz_localize("UTC").dt.as_unit("ms").astype("int64")
    return found


def _documents(path: Path) -> dict[str, dict[str, Any]]:
    directory = {"STREAM_DATA_DIR": str(path)}
    with reach(directory, {}, Local.SERVERS, command="test") as settings, Overview(settings) as overview:
        return {(found := orjson.loads(document))["customer_id"]: found for document in overview.documents()}


def _expected(orders: pd.DataFrame, shop_gap: float, horizon: float) -> pd.DataFrame:
    """Standing, habit, silence, orders and money of everybody with an order that stands, by customer id."""
    orders = orders.assign(customer=orders["Email"].map(customer_of_address), at_ms=_ms(orders["at"]))
    cancelled = orders["kind"] == "cancelled"
    newest_ms = orders["at_ms"].where(~cancelled, _ms(orders["settled"])).groupby(orders["customer"]).max()
    stands = orders[~cancelled]
    rows = pd.concat(
        [
            stands.assign(amount=stands["Total"], kind="order"),
            # Shopify's export does not say when: on the day of the order
            stands[stands["refunded"] > 0].assign(amount=stands["refunded"], kind="refund"),
        ]
    ).assign(day=lambda table: table["at_ms"] // DAY_MS)
    last_event = {str(customer): int(at) for customer, at in newest_ms.items()}
    return habits_of(rows, last_event, now_ms=AS_OF_MS, shop_gap=shop_gap, horizon=horizon)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("customers", "days"), [(30, 730), (420, 730), (5_000, 120)])
def test_from_the_export_to_the_list(tmp_path: Path, customers: int, days: int) -> None:
    made = made_up_orders(customers, customers, days)
    orders = settled_by(made, END)
    path = tmp_path / "shop"
    imported = run_in(path, "import", str(export(made, tmp_path / "orders.csv", END)))
    assert imported.returncode == 0, imported.stdout + imported.stderr
    stands = orders[orders["kind"] != "cancelled"]
    assert f"{len(stands):,} orders of {stands['Email'].nunique():,} customers" in imported.stdout
    assert "The workers have processed everything." in imported.stdout

    listed = run_in(path, "today", "--json", "--as-of", DAY, "--limit", str(customers))
    assert listed.returncode == 0, listed.stderr
    found = json.loads(listed.stdout)
    expected = _expected(orders, found["shop_gap_days"], found["horizon_days"])
    standing = expected["standing"].value_counts()

    documents = _documents(path)
    assert documents.keys() == {customer_of_address(address) for address in orders["Email"]}
    for customer, of_one in expected.iterrows():
        document = documents[str(customer)]
        assert document["orders"] == of_one["orders"]
        assert document["spend"] == pytest.approx(of_one["spend"], abs=0.001)
        assert ("risk" in document) == found["scored"]

    assert found["customers"] == customers
    assert found["standing"] == {
        "without an order": customers - len(expected),
        **{name: int(standing.get(name, 0)) for name in ("active", "at risk", "lost")},
    }
    entries = {entry["customer_id"]: entry for entry in found["entries"]}
    assert entries.keys() == {*expected.index[expected["standing"] == "at risk"]}
    # the stages went by the shop's own gap from the first order on
    assert not {customer for customer in entries if documents[customer]["stage"] == "lost"}
    for customer, entry in entries.items():
        of_one = expected.loc[customer]
        assert entry["orders"] == of_one["orders"]
        assert entry["spend"] == pytest.approx(of_one["spend"], abs=0.011)
        assert entry["silent_days"] == pytest.approx(of_one["silent"], abs=0.011)
        assert entry["usual_days"] == pytest.approx(of_one["habit"], abs=0.011)
        assert datetime.fromisoformat(entry["last_order_at"]).timestamp() * 1000 == pytest.approx(of_one["last"], abs=2)
    stakes = [entry["at_stake"] for entry in found["entries"]]
    assert stakes == sorted(stakes, reverse=True)
    assert found["at_stake"] == pytest.approx(sum(stakes), abs=0.01 * len(stakes) + 0.01)


@pytest.mark.timeout(300)
def test_what_an_import_that_was_stopped_has_published_is_processed_by_the_next(tmp_path: Path) -> None:
    made = made_up_orders(30, 30, 365)
    path, file = tmp_path / "shop", str(export(made, tmp_path / "orders.csv", END))
    path.mkdir()
    settled_layout(DataDirectory(path), Settings())
    with reach({"STREAM_DATA_DIR": str(path)}, {}, Local.SERVERS, command="test") as settings:
        # nobody works off what is published
        addresses = {"STREAM_KAFKA_BOOTSTRAP": settings.kafka_bootstrap, "STREAM_REDIS_URL": settings.redis_url}
        stopped = run_in(path, "import", "--no-wait", file, STREAM_PARTITIONS=str(settings.partitions), **addresses)
        assert stopped.returncode == 0, stopped.stdout + stopped.stderr
        assert "as soon as workers have processed them: stream up" in stopped.stdout
        assert waiting(settings) > len(made) / 2
    early = run_in(path, "today")
    assert early.returncode == 1
    assert "events are still to be processed, and none has been yet: start stream up" in early.stderr
    again = run_in(path, "import", file)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "There is nothing new to import." in again.stdout
    with reach({"STREAM_DATA_DIR": str(path)}, {}, Local.SERVERS, command="test") as settings:
        assert waiting(settings) == 0
        more = table(tmp_path / "more.csv", f"Order,Date,Email,Total\nx-1,{DAY},new@example.com,€5.00\n")
        later = run_in(
            *(path, "import", "--no-wait", str(more)),
            STREAM_PARTITIONS=str(settings.partitions),
            STREAM_KAFKA_BOOTSTRAP=settings.kafka_bootstrap,
            STREAM_REDIS_URL=settings.redis_url,
        )
        assert later.returncode == 0, later.stdout + later.stderr
    listed = run_in(path, "today")
    said = " ".join(listed.stdout.split())
    assert "1 event is still to be processed and missing here: start stream up, and call this again." in said
    # whatever is asked for, and in whatever form
    assert json.loads(run_in(path, "today", "--json").stdout)["unprocessed"] == 1
    someone = made.iloc[0]["Email"]
    assert json.loads(run_in(path, "customer", someone, "--json").stdout)["unprocessed"] == 1
    for command in (("today", "--csv"), ("customer", someone)):
        done = run_in(path, *command)
        assert done.returncode == 0, done.stderr
        assert "1 event is still to be processed and missing here" in done.stderr


@pytest.mark.timeout(300)
def test_a_shop_of_one_order_is_spoken_of_as_one(tmp_path: Path) -> None:
    path = tmp_path / "shop"
    file = table(tmp_path / "one.csv", f"Order,Date,Customer,Total\nx-1,{DAY},J. Doe 12,€5.00\n")
    imported = run_in(path, "import", str(file))
    assert "1 order of 1 customer on" in imported.stdout
    made = run_in(path, "report", "--html", str(tmp_path / "r.html"), "--as-of", DAY)
    assert made.stdout.endswith("r.html: 1 order, €5.00 of revenue, 1 customer\n"), made.stderr
    assert "1 order by 1 customer since" in (tmp_path / "r.html").read_text("utf-8")
