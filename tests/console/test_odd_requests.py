"""Whatever a browser sends, the console answers with a page that says why, and never fails."""

import itertools

import pytest

from tests.console.conftest import EVIL, Office, Visit, fields_of

ODD: tuple[str, ...] = (
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    "'; drop table x; --",
    EVIL,
)
ODD += (
    "9" * 400,
    "-1",
    "1e999",
    "nan",
    "inf",
    "0x10",
    "٣",
    "\uff12",
    "☃" * 300,
    "../../etc/passwd",
    "%s%n",
    "{{7*7}}",
    "a" * 9000,
)
#: Pages and their parameters.
PARAMETERS = (("/", "all"), ("/business", "by"), ("/whatif", "x"), ("/customers", "sort"))
#: Forms that change nothing, and their fields.
FORMS = (
    ("/customers", ("begins", "stage", "tier", "segment", "risk_from", "at_stake_from", "spend_from", "channel")),
    ("/customers", ("ordered_from", "ordered_before", "sort", "cursor")),
    ("/customer", ("customer_id", "who", "cursor")),
)


@pytest.mark.parametrize(("path", "name"), PARAMETERS)
def test_odd_addresses_are_answered(office: Office, path: str, name: str) -> None:
    async def steps(visit: Visit) -> None:
        for odd in ODD:
            query = "".join(f"%{byte:02x}" for byte in odd[:800].encode())
            status, _, text = await visit(f"{path}?{name}={query}")
            assert status in {200, 400}, (odd[:30], text[-300:])
            assert EVIL not in text

    office.visited(steps)


@pytest.mark.parametrize(("path", "fields"), FORMS)
def test_odd_forms_are_answered(office: Office, path: str, fields: tuple[str, ...]) -> None:
    async def steps(visit: Visit) -> None:
        known = {"customer_id": "c-1"} if path == "/customer" else {}
        for name, odd in itertools.product(fields, ODD):
            status, _, text = await visit(path, known | {name: odd})
            assert status in {200, 400, 404}, (name, odd[:30], text[-300:])
            assert EVIL not in text

    office.visited(steps)


@pytest.mark.parametrize(
    ("path", "page", "fields"),
    [
        ("/done", "/", ("kind", "customer_id", "action_id", "note")),
        ("/assign", "/", ("customer_id", "assigned_to")),
        ("/snooze", "/", ("customer_id", "days")),
        ("/customers/keep", "/customers", ("name", "risk_from", "sort", "stage", "spend_from")),
        ("/customers/file", "/customers", ("begins", "risk_from", "ordered_from")),
        ("/whatif/try", "/whatif", ("alerts_per_week", "overdue_at", "cooldown_days", "min_purchases")),
    ],
)
def test_odd_decisions_are_answered(office: Office, path: str, page: str, fields: tuple[str, ...]) -> None:
    office.operations.go_on.set()

    async def steps(visit: Visit) -> None:
        form = fields_of((await visit(page))[2], path)
        for name, odd in itertools.product(fields, ODD):
            status, _, text = await visit(path, form | {name: odd})
            assert status in {200, 303, 400, 404}, (name, odd[:30], text[-300:])
        # whatever was kept, pages are shown as before
        for shown in ("/", "/customers", "/whatif", "/audit"):
            status, _, text = await visit(shown)
            assert (status, EVIL in text) == (200, False), shown

    office.visited(steps)
