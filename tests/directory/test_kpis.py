"""Every figure of the shop equals that of pandas from the log, to the cent, in every database."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from stream.directory.calendar import Grain
from stream.directory.customer_groups import counted
from stream.directory.customer_queries import Condition, every_customer
from stream.directory.database import reading
from stream.directory.kpis import cohorts, kpis, loyalty
from stream.directory.store import DirectoryStore
from stream.directory.timeline import Document, TimelineEntry
from stream.events.columns import MONEY_SCALE
from stream.events.log import read_log
from stream.features.stages import STAGE_NAMES
from tests.directory.postgres import Postgres
from tests.directory.told import commit, messages_of

LOG = Path(__file__).parents[2] / "examples" / "uci_online_retail_events.csv.gz"
ZONE = "Europe/London"
#: Rows of the log for each database: one has it all.
ROWS = {"sqlite": 22_190, "postgresql": 4_000}
STEP = 11_000
CHANGES = 500


@dataclass(frozen=True)
class ToldLog:
    """The log as pandas reads it, and made-up changes of stage; ``store`` has both."""

    rows: pd.DataFrame
    changes: pd.DataFrame
    store: DirectoryStore


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToldLog]:
    url = f"sqlite:///{tmp_path_factory.mktemp('kpis')}/directory.sqlite"
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        url = server.database()
    rows = pd.read_csv(LOG, nrows=ROWS[request.param])
    rows["at"] = pd.to_datetime(rows["ts"], utc=True)
    rows["units"] = (rows["amount"].abs() * MONEY_SCALE).round().astype("int64")
    changes = made_up_changes(rows)
    messages = [*messages_of(islice(read_log(LOG), len(rows))), *map(entry_of, changes.to_dict("records"))]
    with DirectoryStore(url, ZoneInfo(ZONE)) as store:
        claim = store.claim()
        for start in range(0, len(messages), STEP):
            commit(store, claim, messages[start : start + STEP], offset=start)
        yield ToldLog(rows, changes, store)


def made_up_changes(rows: pd.DataFrame) -> pd.DataFrame:
    random = np.random.default_rng(17)
    found = rows.sample(CHANGES, random_state=17)[["customer_id", "at"]]
    return found.assign(number=range(CHANGES), **{way: random.choice(STAGE_NAMES, CHANGES) for way in ("came", "went")})


def entry_of(change: Mapping[Any, Any]) -> TimelineEntry:
    at_ms = round(change["at"].timestamp() * 1000)
    detail = {"from": change["came"], "why": "made up"}
    return TimelineEntry(str(change["customer_id"]), "stage", change["number"], at_ms, change["went"], detail=detail)


def periods(rows: pd.DataFrame, grain: Grain) -> "pd.Series[Any]":
    """The first day of the period of each row, in the time of the shop."""
    local = rows["at"].dt.tz_convert(ZONE).dt.tz_localize(None)
    begins: pd.Series[Any] = local.dt.to_period("M" if grain is Grain.MONTH else "W-SUN").dt.start_time.dt.date
    return begins


@pytest.mark.parametrize("grain", Grain)
def test_sales_and_customers_of_each_period(told: ToldLog, grain: Grain) -> None:
    rows = told.rows.assign(begin=periods(told.rows, grain))
    orders, returns = rows[rows["subtype"] == "order"], rows[rows["subtype"] == "return"]
    first = orders.groupby("customer_id")["begin"].min()
    with reading(told.store.engine) as connection:
        found = kpis(connection, grain)
    # periods without an event are listed too
    step = pd.DateOffset(months=1) if grain is Grain.MONTH else pd.DateOffset(weeks=1)
    begins = pd.date_range(rows["begin"].min(), rows["begin"].max(), freq=step)
    assert [one.begin for one in found] == [begin.date() for begin in begins]
    assert sum(one.orders for one in found) == len(orders)
    for one in found:
        within, back = orders[orders["begin"] == one.begin], returns[returns["begin"] == one.begin]
        buyers = {*within["customer_id"]}
        new = {*first.index[first == one.begin]}
        assert (one.sold, one.refunded) == (within["units"].sum(), back["units"].sum())
        assert one.revenue == within["units"].sum() - back["units"].sum()
        assert (one.orders, one.buyers, one.new, one.returning) == (
            len(within),
            len(buyers),
            len(new),
            len(buyers - new),
        )


@pytest.mark.parametrize("grain", Grain)
def test_retention_of_each_cohort(told: ToldLog, grain: Grain) -> None:
    orders = told.rows[told.rows["subtype"] == "order"]
    orders = orders.assign(begin=periods(orders, grain))
    first = orders.groupby("customer_id")["begin"].min()
    begins = sorted({*orders["begin"]})
    table = orders.assign(first=orders["customer_id"].map(first)).groupby(["first", "begin"])["customer_id"].nunique()
    with reading(told.store.engine) as connection:
        found = cohorts(connection, grain)
    assert [one.begin for one in found] == sorted({*first})
    for one in found:
        assert one.customers == table.loc[(one.begin, one.begin)]
        following = [pd.Timestamp(one.begin) + age for age in ages(grain, len(one.ordered))]
        expected = [int(table.get((one.begin, at.date()), 0)) for at in following]
        assert [*one.ordered] == expected
        assert not following or following[-1].date() == begins[-1]


def ages(grain: Grain, count: int) -> list[pd.DateOffset]:
    return [
        pd.DateOffset(months=age) if grain is Grain.MONTH else pd.DateOffset(weeks=age) for age in range(1, count + 1)
    ]


def test_returning_customers_and_the_spend_of_each(told: ToldLog) -> None:
    rows = told.rows
    orders = rows[rows["subtype"] == "order"]
    counts = orders.groupby("customer_id").size()
    signed = rows["units"].where(rows["subtype"] == "order", -rows["units"]).groupby(rows["customer_id"]).sum()
    latest = orders.groupby("customer_id")["at"].max()
    with reading(told.store.engine) as connection:
        found = loyalty(connection)
        customers = {int(row["customer_id"]): row for row in every_customer(connection, Condition())}
    assert (found.buyers, found.repeaters) == (len(counts), int((counts > 1).sum()))
    assert found.repeat_rate == (counts > 1).mean()
    assert {*customers} == {*rows["customer_id"]}
    for customer, row in customers.items():
        assert (row["orders"], row["spend"]) == (counts.get(customer, 0), signed[customer])
        last = latest.get(customer)
        assert row["last_order_ms"] == (None if last is None else round(last.timestamp() * 1000))


@pytest.mark.parametrize("grain", Grain)
def test_flows_between_stages(told: ToldLog, grain: Grain) -> None:
    changes = told.changes.assign(
        begin=periods(told.changes, grain), flow=told.changes["came"] + ">" + told.changes["went"]
    )
    expected = changes.groupby(["begin", "flow"]).size()
    into = changes.groupby(["begin", "went"]).size()
    with reading(told.store.engine) as connection:
        found = kpis(connection, grain)
    assert {(one.begin, flow): count for one in found for flow, count in one.flows.items()} == expected.to_dict()
    assert {(one.begin, stage): count for one in found for stage, count in one.came_into.items()} == into.to_dict()


def test_customers_by_stage_are_those_of_the_documents(told: ToldLog) -> None:
    claim = told.store.claim()
    stages = {"12347": "active", "12348": "lost", "12349": "active"}
    documents = [Document(customer, {"document_events": 1, "stage": stage}) for customer, stage in stages.items()]
    commit(told.store, claim, documents)
    with reading(told.store.engine) as connection:
        assert counted(connection, "stage") == {"active": 2, "lost": 1}
