"""Today's list and kept lists of the HTTP API: those of the pages."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from stream.console.todays_list import Day
from stream.directory.desk.desk_store import DeskStore
from stream.errors import NoEventsError
from stream.privacy.erasures import Erasures
from tests.console.conftest import LEAD, SILENT, Office, somebody_today
from tests.console.test_api import Ask, asking
from tests.console.test_erased_people import KEY, asked
from tests.reporting.made_up_shop import DAY_MS


def three_today() -> Day:
    """SILENT and two others."""
    day = somebody_today()
    others = [replace(SILENT, customer_id=f"c-{number}", at_stake=100.0 - number) for number in (1, 2)]
    return day._replace(found=replace(day.found, entries=(SILENT, *others), at_risk=3, at_stake=507.0))


def ids(found: dict[str, Any], part: str = "entries") -> list[str]:
    return [one["customer_id"] for one in found[part]]


def test_todays_list_is_that_of_the_page_with_a_tag(office: Office, desk: DeskStore) -> None:
    office.monotonic = lambda: 0.0
    desk.assign("c-1", "anna")
    desk.snooze("c-2", office.now_ms + DAY_MS)

    async def steps(ask: Ask) -> None:
        status, headers, found = await ask("/today")
        assert (status, found["currency"], found["at_risk"], found["at_stake"]) == (200, "EUR", 3, 507.0)
        assert (ids(found), found["put_off"]) == ([SILENT.customer_id, "c-1"], 1)
        first, second = found["entries"]
        assert (first["reason"], first["days_since_order"], first["at_stake"]) == (SILENT.reason, 86, 310.0)
        assert datetime.fromisoformat(first["last_order_at"]) == datetime.fromtimestamp(
            SILENT.last_order_ms / 1000, UTC
        )
        assert (first["assigned_to"], second["assigned_to"]) == (None, "anna")
        assert [(one["customer_id"], one["chance"]) for one in found["leads"]] == [(LEAD.customer_id, 0.25)]
        assert (await ask("/today", If_None_Match=headers["ETag"]))[::2] == (304, None)
        with_all = (await ask("/today?all=true"))[2]
        assert (ids(with_all), with_all["put_off"]) == ([SILENT.customer_id, "c-1", "c-2"], 0)
        assert with_all["entries"][2]["put_off_until_at"] is not None
        assert ids((await ask("/today?limit=1"))[2]) == [SILENT.customer_id]
        for wrong in ("limit=0", "limit=51", "all=perhaps"):
            assert (await ask(f"/today?{wrong}"))[0] == 400

    asking(office, steps, today=three_today)
    assert {(one.who, one.what) for one in office.trail.newest(9)} == {("token crm", "read today's list")}


def test_nobody_is_in_todays_list_who_is_erased_or_no_longer_agrees(office: Office) -> None:
    office.erasures = Erasures(KEY)
    office.monotonic = lambda: 0.0

    async def steps(ask: Ask) -> None:
        office.operations.refused = {"c-1"}
        assert ids((await ask("/today"))[2]) == [SILENT.customer_id, "c-2"]
        office.erasures.take(0, asked(office.now_ms))
        found = (await ask("/today"))[2]
        assert (ids(found), found["leads"]) == (["c-2"], [])

    asking(office, steps, today=three_today)


def test_before_the_first_event_there_is_no_list(office: Office) -> None:
    def nothing() -> Day:
        raise NoEventsError("no event has been processed yet")

    async def steps(ask: Ask) -> None:
        assert (await ask("/today"))[::2] == (404, {"error": "no event has been processed yet"})

    asking(office, steps, today=nothing)


def test_a_list_is_for_those_who_may_read(office: Office) -> None:
    async def steps(ask: Ask) -> None:
        for path in ("/today", "/lists"):
            assert (await ask(path))[0] == 403

    asking(office, steps, {"act"})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"stage": "at_risk", "at_stake_from": "30", "sort": "at-stake"}, 90),
        ({"risk_from": "50", "sort": "id"}, 120),
        ({"risk_from": "50.1", "sort": "id"}, 0),
        ({"risk_from": "-5", "spend_from": "-9e13", "sort": "id"}, None),
        ({"ordered_from": "1999-12-31", "ordered_before": "2999-01-01", "sort": "spend"}, None),
    ],
)
def test_a_kept_list_says_how_to_ask_for_its_customers(
    office: Office, fields: dict[str, str], expected: int | None
) -> None:
    office.filters.save("ours", fields, "anna", 0)

    async def steps(ask: Ask) -> None:
        status, headers, found = await ask("/lists")
        (kept,) = found["lists"]
        assert (status, kept["name"], kept["kept_by"]) == (200, "ours", "anna")
        assert (await ask("/lists", If_None_Match=headers["ETag"]))[0] == 304
        page = (await ask("/customers/search", {**kept["search"], "limit": 500}))[2]
        assert page["cursor"] is None
        wanted = len(page["customers"])
        assert wanted == expected if expected is not None else wanted > 0

    asking(office, steps)
