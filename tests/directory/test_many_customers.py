"""A page of a list does not look at each of many customers, whatever the conditions."""

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event

from stream.directory import customer_queries
from stream.directory.customer_queries import Condition, Sort, customers_page
from stream.directory.database import reading, writing
from stream.directory.schema import channels, customers
from stream.directory.store import DirectoryStore

STAGES = ("active", "at_risk", "lost")
TIERS = ("VIP", "low")


def test_a_page_of_a_condition_does_not_look_at_every_customer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customer_queries, "_FEW", 1000)
    rows = [
        {
            "customer_id": f"c-{n:06}",
            "events": 1,
            "orders": 1,
            "spend": n * 7919 % 30_011,
            "risk": n / 30_000,
            "last_order_ms": n,
            "value_at_risk": n,
            "tier": TIERS[n % 2],
            "segment": "a",
            "stage": "lost" if n in {5, 29_000} else STAGES[n % 2],
        }
        for n in range(30_000)
    ]
    came = [{"customer_id": f"c-{n:06}", "channel": "web" if n else "fair", "events": 1} for n in range(30_000)]
    conditions = [
        Condition(stages=["lost"]),
        Condition(stages=["nobody"]),
        Condition(channel="fair"),
        Condition(channel="nowhere"),
        Condition(risk_from=0.9999),
        Condition(stages=["active"]),
        Condition(tiers=["VIP"], segments=["a"], channel="web"),
        Condition(stages=["lost"], tiers=["VIP"], segments=["a"]),
    ]
    with DirectoryStore(f"sqlite:///{tmp_path}/many.sqlite", ZoneInfo("UTC")) as store:
        with writing(store.engine) as connection:
            connection.execute(customers.insert(), rows)
            connection.execute(channels.insert(), came)
        with reading(store.engine) as connection:
            driver: Any = connection.connection.dbapi_connection
            steps = [0]

            def step() -> int:
                steps[0] += 1
                return 0

            driver.set_progress_handler(step, 1000)
            for condition in conditions:
                for sort in Sort:
                    steps[0] = 0
                    customers_page(connection, condition, sort, limit=20)
                    # going through all of them once takes 200 and more
                    assert steps[0] < 100, (condition, sort, steps)
            driver.set_progress_handler(None, 0)


def test_lists_that_many_are_in_are_found_along_an_index_that_has_all_they_are_chosen_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # so even a condition that only the last customers of an order meet takes one pass over the index
    monkeypatch.setattr(customer_queries, "_FEW", 0)
    amounts: dict[str, Any] = {"risk_from": 0.1, "at_stake_from": 1, "spend_from": 1}
    days = {"ordered_from_ms": 1, "ordered_before_ms": 2}
    groups = {"stages": ["lost"], "tiers": ["VIP"], "segments": ["a"]}
    parts = {**groups, **amounts, **days, "channel": "web", "begins": "c-"}
    conditions = [Condition(), Condition(**parts), *(Condition(**{name: value}) for name, value in parts.items())]
    indexes = {
        str(index.name): {column.name for column in index.columns}
        for index in customers.indexes
        if "_by_" in str(index.name)
    }
    assert {f"directory_customers_by_{sort.column.name}" for sort in Sort} == indexes.keys()
    asked = {"customer_id", "stage", "tier", "segment", "risk", "value_at_risk", "spend", "last_order_ms"}
    assert all(columns == asked for columns in indexes.values())
    with DirectoryStore(f"sqlite:///{tmp_path}/planned.sqlite", ZoneInfo("UTC")) as store:
        for condition in conditions:
            for sort in Sort:
                plan = " ".join(_plan(store, condition, sort))
                own = "stage" if condition == Condition(stages=["lost"]) and sort is not Sort.ID else "by"
                index = f"directory_customers_{own}_{sort.column.name}"
                assert f"USING COVERING INDEX {index}" in plan, (condition, plan)
                # the page that was found, and nothing before
                assert plan.count("TEMP B-TREE") <= 1, (condition, sort, plan)
                assert plan.find("TEMP B-TREE") > plan.find(index) or "TEMP B-TREE" not in plan, (condition, plan)


def _plan(store: DirectoryStore, condition: Condition, sort: Sort) -> list[str]:
    """What SQLite says of how it finds the page."""
    asked: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        asked.append((statement, parameters))

    with reading(store.engine) as connection:
        event.listen(connection, "before_cursor_execute", note)
        customers_page(connection, condition, sort, limit=20)
        statement, parameters = asked[-1]
        return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
