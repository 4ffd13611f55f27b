"""The console in a real browser: log in, record what was done, take it back, on a small screen and a large one."""

import asyncio
from pathlib import Path

from aiohttp.test_utils import TestServer

from stream.console.passwords import hash_of
from stream.directory.desk.accounts import Role
from stream.projections.ratings import RatingTally
from stream.reporting.feedback_groups import FeedbackCounts
from tests.console.addresses import PAGES
from tests.console.chromium import Chromium
from tests.console.conftest import SILENT, Office
from tests.programs import required_program

PASSWORD = "correct horse battery"


async def record_and_take_back(browser: Chromium, base: str, office: Office) -> None:
    await browser.go(f"{base}/")
    await browser.fill("[name=name]", "anna")
    await browser.fill("[name=password]", "wrong")
    await browser.press("main button")
    assert "The name or the password is wrong." in await browser.text()
    await browser.fill("[name=name]", "anna")
    await browser.fill("[name=password]", PASSWORD)
    await browser.press("main button")
    assert SILENT.reason in await browser.text()
    await browser.press(".acts button[value=contacted]")
    assert "Contacted, " in await browser.text()
    (recorded,) = office.desk.recorded([SILENT.customer_id], 0)[SILENT.customer_id]
    assert (recorded.kind, recorded.recorded_by) == ("contacted", "anna")
    await browser.press(".was button")
    assert "Contacted, " not in await browser.text()
    assert office.desk.recorded([SILENT.customer_id], 0) == {}
    await browser.js("document.querySelector('#today summary').click()")
    await browser.press("#today details form[action='/snooze'] button")
    assert SILENT.reason not in await browser.text()
    await browser.go(f"{base}/?all=1")
    assert "Put off until" in await browser.text()


async def every_page(browser: Chromium, base: str) -> None:
    for width, dark in ((360, True), (1200, False)):
        await browser.resize(width, 800, dark=dark)
        for path in (*PAGES, "customer"):
            if path == "customer":
                await browser.go(f"{base}/customers")
                await browser.press(".who button")
            else:
                await browser.go(f"{base}{path}")
            assert await browser.js("document.documentElement.scrollWidth <= innerWidth"), (path, width)
            assert await browser.faults() == [], path
            assert "?" not in str(await browser.js("location.href"))


def test_a_person_logs_in_and_works_through_the_list(office: Office, tmp_path: Path) -> None:
    program = required_program("chromium", "chromium")
    office.accounts.add("anna", Role.ADMIN, hash_of(PASSWORD), office.now_ms)
    tally = RatingTally({"2026-01": {"nps": {"10": 3, "4": 1}}}, {"web": {"nps": {"10": 3, "4": 1}}}, {})
    office.operations.said = FeedbackCounts([tally], surveys={"spring": ([tally], [])})

    async def run() -> None:
        async with TestServer(office.application()) as server, Chromium(program, tmp_path) as browser:
            base = f"http://127.0.0.1:{server.port}"
            await record_and_take_back(browser, base, office)
            await every_page(browser, base)
            await browser.press("nav form button")
            assert "Password" in await browser.text()
            await browser.go(f"{base}/business")
            assert "Password" in await browser.text()
            # the browser itself says that a login was refused
            refused = [one for one in browser.complaints if "401" in one]
            assert (len(refused), [one for one in browser.complaints if one not in refused]) == (1, [])

    asyncio.run(run())


def test_everything_of_the_day_is_done_by_keyboard_alone(office: Office, tmp_path: Path) -> None:
    program = required_program("chromium", "chromium")
    office.accounts.add("anna", Role.ADMIN, hash_of(PASSWORD), office.now_ms)

    async def run() -> None:
        async with TestServer(office.application()) as server, Chromium(program, tmp_path) as browser:
            await browser.go(f"http://127.0.0.1:{server.port}/")
            for field, text in (("[name=name]", "anna"), ("[name=password]", PASSWORD)):
                await browser.tab_to(field)
                await browser.call("Input.insertText", text=text)
            await browser.enter()
            await browser.tab_to(".acts button[value=contacted]")
            await browser.enter()
            assert "Contacted, " in await browser.text()
            await browser.tab_to(".was button")
            await browser.enter()
            assert "Contacted, " not in await browser.text()
            await browser.tab_to("#today summary")
            await browser.key("Enter")
            await browser.tab_to("#today details form[action='/snooze'] button")
            await browser.enter()
            assert SILENT.reason not in await browser.text()
            await browser.tab_to("nav a[href='/customers']")
            await browser.enter()
            await browser.tab_to(".who button")
            await browser.enter()
            assert browser.complaints == []

    asyncio.run(run())
