"""The way of an owner, from the shop's export to what came of it: commands, and then a real browser."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stream.directory.desk.desk_store import UNDO_MS, DeskStore
from tests.cli.shop_runs import UpProcess, page_of, run_in, until
from tests.console.chromium import Chromium
from tests.programs import required_program
from tests.shop_history import END, shop_history

HEADER = "Order number,Date,Email,Name,Total,Currency\n"
#: What was done is on its way through the topic and the directory.
PUBLISHED_S = 300.0


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


def write_export(path: Path) -> None:
    """The orders of two years that end now."""
    later_ms = wall_ms() - END
    lines = []
    for customer, order in shop_history(customers=150):
        day = datetime.fromtimestamp((order.at + later_ms) / 1000, UTC).isoformat()
        name = customer.replace("customer-", "Ann No ")
        lines.append(f"{order.order_id},{day},{customer}@example.com,{name},{(order.amount or 0) / 10_000:.2f},EUR\n")
    path.write_text(HEADER + "".join(lines))


async def record(browser: Chromium, address: str) -> str:
    """Say that the first of today's list was contacted; returns the name."""
    await browser.go(address)
    name = str(await browser.js("document.querySelector('#today .who').innerText"))
    assert await browser.js("document.querySelectorAll('#today tbody tr').length") > 1
    assert "Contacted, " not in await browser.text()
    await browser.press("#today .acts button[value=contacted]")
    assert "Contacted, " in await browser.text()
    assert await browser.faults() == []
    return name


async def look(browser: Chromium, address: str, name: str) -> None:
    """What was done is in the history of the customer, and the effect is told."""
    history = ""
    async with asyncio.timeout(PUBLISHED_S):
        while "Done by us: contacted" not in history:
            await browser.go(f"{address}customers")
            await browser.fill("[name=who]", name)
            await browser.press(".find button")
            history = await browser.js("document.querySelector('section[aria-label=\"What happened\"]').innerText")
    assert await browser.faults() == []
    text = "It is being counted"
    async with asyncio.timeout(PUBLISHED_S):
        while "It is being counted" in text:
            await browser.go(f"{address}business")
            text = await browser.text()
    # nobody was notified by the program: that is what can be said of the effect
    assert "What notifying brings Nobody to compare yet." in " ".join(text.split())
    assert browser.complaints == []


def desk_of(path: Path) -> DeskStore:
    return DeskStore(f"sqlite:///{path}/console.sqlite")


def end_undoing(path: Path) -> None:
    """Claim what was recorded, as the console does a minute later: `test_acting` waits for that by its own clock."""
    with desk_of(path) as desk:
        assert len(desk.claim(wall_ms() + UNDO_MS)) == 1


def published(path: Path) -> bool:
    with desk_of(path) as desk:
        return desk.due(wall_ms() + UNDO_MS)[0] == 0


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_an_owner_imports_orders_sees_whom_to_contact_records_it_and_sees_what_came_of_it(tmp_path: Path) -> None:
    chromium = required_program("chromium", "chromium")
    path, export = tmp_path / "shop", tmp_path / "orders.csv"
    write_export(export)
    imported = run_in(path, "import", str(export), "--timezone", "Europe/Berlin")
    assert imported.returncode == 0, imported.stderr
    with UpProcess(path) as up:
        layout = up.directory.layout()
        assert layout is not None
        address = f"http://127.0.0.1:{layout.console_port}/"
        until(lambda: 'id="today"' in page_of(address), "the list is there")

        async def on_the_day() -> str:
            async with Chromium(chromium, tmp_path / "day") as browser:
                return await record(browser, address)

        async def later(name: str) -> None:
            async with Chromium(chromium, tmp_path / "later") as browser:
                await look(browser, address, name)

        name = asyncio.run(on_the_day())
        end_undoing(path)
        until(lambda: published(path), "what was done is published", PUBLISHED_S)
        asyncio.run(later(name))
