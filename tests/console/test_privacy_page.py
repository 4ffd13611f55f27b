"""The page of privacy: what is kept of a person, taken along or erased by admins, with a trace of who did it."""

import asyncio

import pytest
from sqlalchemy.exc import ProgrammingError

from stream.console.passwords import hash_of
from stream.directory.desk.accounts import Role
from tests.console.conftest import EVIL, Office, Visit, fields_of

PASSWORD = "correct horse battery"


async def said_at_last(visit: Visit, text: str) -> str:
    """The page, loaded again until it says so."""
    async with asyncio.timeout(30):
        while text not in (page := (await visit("/privacy"))[2]):
            continue
    return page


async def looked_for(visit: Visit, text: str) -> str:
    form = fields_of((await visit("/privacy"))[2], "/privacy/person")
    status, _, page = await visit("/privacy/person", form | {"person": text})
    assert status == 200
    return page


def test_a_person_is_shown_and_erased_and_the_receipt_follows(office: Office) -> None:
    personal = office.operations.personal

    async def steps(visit: Visit) -> None:
        page = await looked_for(visit, "Ann Ode")
        for said in (
            "Ann Ode &lt;script",
            "Profiles of workers",
            'States of projections</th><td class="right">3',
            "17",
            "What was learned from",
        ):
            assert said in page, said
        assert EVIL not in page
        assert "Records that wait" not in page, "what is empty is left out"
        form = fields_of(page, "/privacy/erase")
        assert form["person"] == "c-4"
        assert (await visit("/privacy/erase", form))[0] == 400, "nobody has said to be sure"
        assert (await visit("/privacy/erase", {"person": "c-4", "sure": "yes"}))[0] == 403, "a form of another site"
        assert (await visit("/privacy/erase", form | {"sure": "yes"}))[1]["Location"] == "/privacy"
        page = await said_at_last(visit, "waiting for &lt;script")
        assert "It is being carried out." in page
        assert 'action="/privacy/erase"' not in page, "nobody begins it twice"
        personal.go_on.set()
        assert "Not erased everywhere yet" not in await said_at_last(visit, "Verified: every receipt")
        personal.faults.append(f"receipt 1 was changed {EVIL}")
        page = (await visit("/privacy"))[2]
        assert ("are not as they were written" in page, "Verified" in page, EVIL in page) == (True, False, False)

    office.visited(steps)
    assert personal.asked == [("kept", "Ann Ode"), ("erase", "c-4")]
    traces = [one[1:] for one in office.trail.newest(99) if one.what != "saw erasures"]
    assert traces == [
        ("console", "erased a person", None, "request: request-2"),
        ("console", "saw what is kept of a person", "c-4", None),
    ]


def test_an_erasure_that_fails_says_why_and_is_gone_on_with(office: Office) -> None:
    personal = office.operations.personal
    personal.problem = "not done yet by partition 3"
    personal.go_on.set()

    async def steps(visit: Visit) -> None:
        form = fields_of(await looked_for(visit, "c-4"), "/privacy/erase")
        await visit("/privacy/erase", form | {"sure": "yes"})
        page = await said_at_last(visit, "not done yet by partition 3")
        personal.problem = ""
        await visit("/privacy/erase", fields_of(page, "/privacy/erase"))
        await said_at_last(visit, "Verified")

    office.visited(steps)
    assert personal.erased == ["request-2"]


def test_a_console_without_the_key_does_not_say_that_nobody_was_erased(office: Office) -> None:
    office.operations.personal.has_key = False

    async def steps(visit: Visit) -> None:
        page = (await visit("/privacy"))[2]
        assert ("STREAM_IDENTITY_KEY" in page, "Nobody has been erased" in page) == (True, False)

    office.visited(steps)


def test_an_erasure_that_a_database_refuses_says_so(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ProgrammingError("DELETE", {}, Exception("no such table: desk_notes"))

    monkeypatch.setattr(office.operations.personal, "carry_out", refuse)

    async def steps(visit: Visit) -> None:
        form = fields_of(await looked_for(visit, "c-4"), "/privacy/erase")
        await visit("/privacy/erase", form | {"sure": "yes"})
        await said_at_last(visit, "no such table: desk_notes")

    office.visited(steps)


def test_a_console_that_ends_leaves_the_erasure_to_be_gone_on_with(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        form = fields_of(await looked_for(visit, "c-4"), "/privacy/erase")
        await visit("/privacy/erase", form | {"sure": "yes"})

    office.visited(steps)
    assert office.operations.personal.erased == []
    assert [one.person for one in office.operations.personal.receipts().waiting] == ["c-4"]


def test_everything_is_taken_along_as_files(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        form = fields_of(await looked_for(visit, "c-4"), "/privacy/export")
        for wanted, content_type, name in (
            ("json", "application/json", "person.json"),
            ("html", "text/html", "person.html"),
            ("events", "application/x-ndjson", "events.jsonl"),
        ):
            status, headers, text = await visit("/privacy/export", form | {"form": wanted})
            assert (status, text) == (200, f"{wanted} of c-4")
            assert headers["Content-Type"] == f"{content_type}; charset=utf-8"
            assert headers["Content-Disposition"] == f'attachment; filename="{name}"'
        assert (await visit("/privacy/export", form | {"form": "xml"}))[0] == 400
        assert (await visit("/privacy/export", {"person": "c-4", "form": "json"}))[0] == 403
        status, _, page = await visit("/privacy/export", form | {"person": "nobody", "form": "json"})
        assert (status, "Nothing is kept of this person." in page) == (400, True)
        assert "No store has anything of this person." in await looked_for(visit, "nobody")
        for text in ("", "x" * 321, "a\nb"):
            assert (await visit("/privacy/person", form | {"person": text}))[0] == 400, text

    office.visited(steps)
    assert "nobody" not in {one.customer_id for one in office.trail.newest(99)}, "what was typed does not stay"
    taken = [one[1:] for one in office.trail.newest(99) if one.what == "took a person's data along"]
    assert taken == [
        ("console", "took a person's data along", "c-4", name)
        for name in ("events.jsonl", "person.html", "person.json")
    ]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_nobody_but_admins_may(office: Office, role: Role) -> None:
    office.accounts.add("ben", role, hash_of(PASSWORD), office.now_ms)

    async def steps(visit: Visit) -> None:
        form = fields_of((await visit("/login"))[2], "/login") | {"name": "ben", "password": PASSWORD}
        assert (await visit("/login", form))[0] == 303
        page = (await visit("/customers"))[2]
        assert '"/privacy"' not in page
        own = fields_of(page, "/logout") | {"person": "c-4", "sure": "yes", "form": "json"}
        assert (await visit("/privacy"))[0] == 403
        for path in ("/privacy/person", "/privacy/export", "/privacy/erase"):
            assert (await visit(path, own))[0] == 403, path

    office.visited(steps)
    assert office.operations.personal.asked == []
