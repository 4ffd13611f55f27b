"""How fast the console is with a million customers: ``python -m benchmarks.console [--customers N] [--write]``.

A directory in SQLite is filled with made-up customers, each with two orders on average and what happened around them.
Then a client on the same machine asks for each page, with conditions, cursors and customers drawn at random, one
request at a time. The time is that of the whole answer, so the server's own is less; CPU time is that of both. Today's
list is made of all customers in Redis, behind who looks: here it is of one customer. ``--write`` puts the table into
``docs/performance.md``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sqlite3
import tempfile
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from aiohttp.test_utils import TestClient, TestServer

from benchmarks.pages import write_table
from stream.directory.desk.api_tokens import Scope
from stream.directory.desk.desk_store import DeskStore
from stream.directory.store import DirectoryStore
from stream.features.stages import STAGE_NAMES
from tests.console.conftest import Office
from tests.reporting.made_up_shop import END_MS

_DAY_MS = 86_400_000
_TIERS = ("VIP", "high", "middle", "low", "new")
#: Down to which spend, negative
_TIERS_UNTIL = (-8_000_000, -4_000_000, -1_500_000, 0)
#: The first three spend much; until after how many days without an order.
_SEGMENTS = ("Champions", "Loyal", "At risk", "Promising", "Hibernating", "Lost")
_SEGMENTS_UNTIL = (60, 200)
_MUCH = 2_000_000
_STAGES = ("active", "due", "at_risk", "lapsed", "lost")
_STAGES_UNTIL = (45, 65, 100, 200)
_RECENT = 30
#: The share of those who are not like the others.
_ODD = 0.1
_CHANNELS = ("web", "email", "store", "phone")
_ENTRY = "customer_id, source, id, at_ms, name, channel"
_BATCH = 50_000
_DOCS = Path(__file__).parents[1] / "docs" / "performance.md"


def _customer(number: int, rng: random.Random) -> dict[str, object]:
    """Stage, tier, segment and risk go with how often and when the customer ordered last, as those of a shop do."""
    orders = rng.choice((0, 1, 1, 1, 2, 2, 3, 6))
    silent_days = int(rng.random() ** 2 * 700)
    last_ms = END_MS - silent_days * _DAY_MS - rng.randrange(_DAY_MS)
    spend = orders * rng.randrange(50_000, 2_000_000)
    risk = min(max(rng.gauss(0.2 + silent_days / 400, 0.15), 0.0), 1.0) if orders else None
    return {
        "customer_id": f"c{number:07d}",
        "events": orders + 4,
        "first_ms": last_ms - 90 * _DAY_MS,
        "last_ms": last_ms,
        "orders": orders,
        "spend": spend,
        "first_order_ms": last_ms - 80 * _DAY_MS if orders else None,
        "last_order_ms": last_ms if orders else None,
        "as_of_ms": END_MS,
        "document_events": orders + 4,
        "stage": _stage(orders, silent_days, rng),
        "stage_since_ms": last_ms,
        "tier": "new" if orders == 1 and silent_days < _RECENT else _TIERS[bisect_left(_TIERS_UNTIL, -spend)],
        "segment": rng.choice(_SEGMENTS) if rng.random() < _ODD else _segment(spend, silent_days),
        "risk": risk,
        "value_at_risk": int(spend * risk) if risk is not None else None,
        "reasons": json.dumps({"days_since_purchase": 0.4, "purchases_28d": -0.2, "spend_90d": 0.1}),
    }


def _stage(orders: int, silent_days: int, rng: random.Random) -> str:
    if not orders:
        return "lead"
    if silent_days < _RECENT and rng.random() < _ODD:
        return "won_back"
    if orders == 1 and silent_days < _RECENT:
        return "new"
    return _STAGES[bisect_left(_STAGES_UNTIL, silent_days)]


def _segment(spend: int, silent_days: int) -> str:
    return _SEGMENTS[bisect_left(_SEGMENTS_UNTIL, silent_days) + (0 if spend > _MUCH else 3)]


def _filled(path: Path, customers: int) -> None:
    """Rows are written as they are, not folded from events: that takes an hour for so many."""
    rng = random.Random(17)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-400000")
        # they are made once all rows are there, as that takes a fraction of the time
        indexes = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        made_later = indexes.fetchall()
        for name, _ in made_later:
            connection.execute(f"DROP INDEX {name}")
        for start in range(0, customers, _BATCH):
            rows = [_customer(number, rng) for number in range(start, min(start + _BATCH, customers))]
            names = ", ".join(rows[0])
            places = ", ".join(f":{name}" for name in rows[0])
            connection.executemany(f"INSERT INTO directory_customers ({names}) VALUES ({places})", rows)  # noqa: S608
            connection.executemany(
                "INSERT INTO directory_channels VALUES (?, ?, ?)",
                ((row["customer_id"], rng.choices(_CHANNELS, (80, 15, 4, 1))[0], 4) for row in rows),
            )
            connection.executemany("INSERT INTO directory_orders VALUES (?, ?, ?, ?, 0, 0, NULL)", _orders(rows))
            connection.executemany(
                f"INSERT INTO directory_timeline ({_ENTRY}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608
                _entries(rows),
            )
            connection.commit()
        connection.executemany("INSERT INTO directory_totals VALUES (?, ?, ?, ?, ?)", _totals())
        for _, sql in made_later:
            connection.execute(sql)


def _orders(rows: list[dict[str, object]]) -> Iterator[tuple[object, ...]]:
    for row in rows:
        for k in range(int(str(row["orders"]))):
            yield row["customer_id"], f"o{k}", int(str(row["last_ms"])) - k * 30 * _DAY_MS, 500_000


def _entries(rows: list[dict[str, object]]) -> Iterator[tuple[object, ...]]:
    for row in rows:
        for k in range(int(str(row["events"]))):
            source, name = ("purchase", "completed") if k < int(str(row["orders"])) else ("click", "page_viewed")
            yield row["customer_id"], source, k, int(str(row["last_ms"])) - k * _DAY_MS, name, "web"


def _totals() -> Iterator[tuple[object, ...]]:
    months = [f"{year}-{month:02d}-01" for year in (2023, 2024, 2025) for month in range(1, 13)]
    for begin in months:
        for metric, value in (("sold", 9_000_000_000), ("refunded", 1_000_000), ("orders", 60_000), ("buyers", 50_000)):
            yield "month", metric, begin, "", value
        for key in months:
            if key >= begin:
                yield "month", "cohort", begin, key, 1000
        for flow in ("active>due", "due>at_risk", "at_risk>lapsed", "lapsed>lost", "lost>won_back"):
            yield "month", "flow", begin, flow, 5000


class _Asking:
    """A client; ``times``: of each kind of request, milliseconds and bytes."""

    def __init__(self, client: TestClient, customers: int, token: str) -> None:  # type: ignore[type-arg]
        self.client = client
        self.customers = customers
        self.headers = {"Authorization": f"Bearer {token}"}
        self.rng = random.Random(1)
        self.times: dict[str, list[float]] = {}
        self.cpu: dict[str, list[float]] = {}
        self.largest: dict[str, int] = {}

    async def ask(self, kind: str, path: str, form: Mapping[str, str] | None = None, body: object = None) -> str:
        began, cpu = time.perf_counter(), time.process_time()
        method = "GET" if form is None and body is None else "POST"
        async with self.client.request(method, path, data=form, json=body, headers=self.headers) as answer:
            told = await answer.read()
            answer.raise_for_status()
        self.times.setdefault(kind, []).append((time.perf_counter() - began) * 1000)
        self.cpu.setdefault(kind, []).append((time.process_time() - cpu) * 1000)
        self.largest[kind] = max(self.largest.get(kind, 0), len(told))
        return told.decode()

    def somebody(self) -> str:
        return f"c{self.rng.randrange(self.customers):07d}"

    async def turn(self) -> None:
        """One request of each kind."""
        rng = self.rng
        stage, tier, segment = rng.choice(STAGE_NAMES), rng.choice(_TIERS), rng.choice(_SEGMENTS)
        sort = rng.choice(("id", "spend", "last-order", "risk", "at-stake"))
        await self.ask("Today", "/")
        text = await self.ask("Customers", "/customers", {"sort": sort})
        if 'name="cursor" value="' in text:
            cursor = text.partition('name="cursor" value="')[2].partition('"')[0]
            await self.ask("Customers, next page", "/customers", {"sort": sort, "cursor": cursor})
        await self.ask("Customers of a stage", "/customers", {"stage": stage, "sort": sort})
        await self.ask(
            "Customers by three conditions", "/customers", {"stage": stage, "tier": tier, "segment": segment}
        )
        await self.ask("Customers of a risk and a channel", "/customers", self._rare(sort))
        await self.ask(
            "Customers by id", "/customers", {"begins": self.somebody()[: rng.randrange(2, 9)], "sort": "id"}
        )
        await self.ask("Customer", "/customer", {"customer_id": self.somebody()})
        await self.ask("Business", f"/business?by={rng.choice(('month', 'week'))}")
        for name in ("models", "whatif", "system", "audit", "help"):
            await self.ask(name.capitalize().replace("Whatif", "What if"), f"/{name}")
        await self.ask("API: today", "/api/v1/today")
        await self.ask("API: lists", "/api/v1/lists")
        await self.ask("API: search", "/api/v1/customers/search", body={"stages": [stage], "limit": 100})
        await self.ask("API: lookup", "/api/v1/customers/lookup", body={"customer_id": self.somebody()})
        await self.ask("API: kpis", "/api/v1/kpis?by=month")

    def _rare(self, sort: str) -> dict[str, str]:
        channel = self.rng.choice(_CHANNELS)
        return {"risk_from": str(self.rng.randrange(100)), "channel": channel, "sort": sort}


def _table(asking: _Asking) -> str:
    lines = [
        "| page | p50 (ms) | p95 (ms) | CPU p50 (ms) | CPU p95 (ms) | largest (kB) |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for kind, times in asking.times.items():
        figures = [_percentile(of, share) for of in (times, asking.cpu[kind]) for share in (0.5, 0.95)]
        shown = " | ".join(f"{figure:.0f}" for figure in figures)
        lines.append(f"| {kind} | {shown} | {asking.largest[kind] / 1000:.0f} |")
    return "\n".join(lines)


def _percentile(times: list[float], share: float) -> float:
    return sorted(times)[int(len(times) * share)]


async def _measured(office: Office, customers: int, turns: int) -> _Asking:
    token = office.tokens.add("benchmark", {*Scope}, office.now_ms)
    async with TestClient(TestServer(office.application())) as client:
        asking = _Asking(client, customers, token)
        await asking.turn()
        asking.times.clear()
        asking.cpu.clear()
        for _ in range(turns):
            await asking.turn()
        return asking


def main() -> None:
    """Measure, print the table, and put it into the page if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--turns", type=int, default=100)
    parser.add_argument("--directory", type=Path, help="keep the database there, and use one that is there")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.directory or Path(scratch)
        path = folder / f"directory-{given.customers}.sqlite"
        is_there = path.exists()
        with DirectoryStore(f"sqlite:///{path}", ZoneInfo("Europe/Berlin")) as store:
            if not is_there:
                store.claim()
                _filled(path, given.customers)
            with DeskStore(f"sqlite:///{scratch}/console.sqlite") as desk:
                office = Office(store, desk)
                # the effect is asked of somebody who is there
                office.operations.evil = "c0000001"
                asking = asyncio.run(_measured(office, given.customers, given.turns))
    table = _table(asking)
    print(table)
    if given.write:
        write_table(_DOCS, "console", table)


if __name__ == "__main__":
    main()
