"""Who may see and do what: passwords, sessions, roles, limits of attempts, and the trace that everything leaves."""

import re

import pytest

from stream.console.passwords import hash_of, is_password
from stream.directory.desk.accounts import Role
from stream.directory.desk.audit_trail import AuditTrail, Trace
from stream.errors import SettingsError
from tests.console.conftest import SILENT, Office, Visit, fields_of

PASSWORD = "correct horse battery"
HOUR_MS = 3_600_000
PAGES = ("/", "/customers", "/business", "/offers", "/system", "/privacy", "/audit", "/help")


@pytest.fixture(scope="module")
def hashed() -> str:
    return hash_of(PASSWORD)


@pytest.fixture
def guarded(office: Office, hashed: str) -> Office:
    """An office with a user of each role, named like it."""
    for role in Role:
        office.accounts.add(role.value, role, hashed, office.now_ms)
    return office


async def log_in(visit: Visit, name: str, password: str = PASSWORD) -> tuple[int, str]:
    form = fields_of((await visit("/login"))[2], "/login")
    status, headers, text = await visit("/login", form | {"name": name, "password": password})
    return status, headers.get("Location") or headers.get("Retry-After") or text


def test_a_password_is_hashed_with_argon2id_and_a_salt(hashed: str) -> None:
    assert re.fullmatch(r"\$argon2id\$v=19\$m=65536,t=3,p=4\$[\w+/]{22}\$[\w+/]{43}", hashed)
    assert is_password(PASSWORD, hashed)
    assert not is_password(PASSWORD + "x", hashed)
    assert not is_password(PASSWORD, None)
    for odd in ("", "x" * 11, "x" * 1025):
        with pytest.raises(SettingsError, match="at least 12"):
            hash_of(odd)


def test_without_a_login_nothing_is_shown_but_the_login(guarded: Office) -> None:
    async def steps(visit: Visit) -> None:
        for path in PAGES:
            status, headers, text = await visit(path)
            assert (status, headers["Location"], text) == (303, "/login", ""), path
        for path in ("/customers", "/customer", "/done", "/undo", "/assign", "/snooze", "/logout"):
            status, headers, text = await visit(path, {"customer_id": "c-3"})
            assert (status, headers["Location"], text) == (303, "/login", ""), path
        for path in ("/style.css", "/health/live", "/login"):
            assert (await visit(path))[0] in {200, 204}, path
        assert "<nav" not in (await visit("/login"))[2]

    guarded.visited(steps)
    assert [*guarded.trail.newest(9)] == []


def test_a_console_for_other_machines_has_a_login_before_it_has_users(office: Office) -> None:
    office.must_log_in, office.names = True, ("shop.example.com",)

    async def steps(visit: Visit) -> None:
        status, headers, _ = await visit("/login", Host="shop.example.com")
        assert (status, "Secure" in headers["Set-Cookie"]) == (200, True)
        assert (await visit("/"))[0] == 303
        assert (await visit("/login", Host="other.example.com"))[0] == 403

    office.visited(steps)


def test_a_session_begins_with_a_new_secret_and_ends(guarded: Office) -> None:
    async def steps(visit: Visit) -> None:
        _, headers, text = await visit("/login")
        before = headers["Set-Cookie"].partition(";")[0]
        form = fields_of(text, "/login") | {"name": "viewer", "password": PASSWORD}
        status, headers, _ = await visit("/login", form)
        assert (status, headers["Location"]) == (303, "/")
        cookie = headers["Set-Cookie"].partition(";")[0]
        assert cookie != before
        text = (await visit("/"))[2]
        assert "Log out viewer" in text
        # idle for too long
        guarded.now_ms += 12 * HOUR_MS + 1
        assert (await visit("/"))[0] == 303
        assert (await log_in(visit, "viewer"))[0] == 303
        # in use all the time, and all the same not for ever
        for hours in range(0, 7 * 24, 6):
            assert (await visit("/business"))[0] == 200, hours
            guarded.now_ms += 6 * HOUR_MS
        guarded.now_ms += 1
        assert (await visit("/"))[0] == 303
        assert (await log_in(visit, "viewer"))[0] == 303
        form = fields_of((await visit("/"))[2], "/logout")
        assert (await visit("/logout", {}))[0] == 403
        assert (await visit("/logout", form))[0] == 303
        assert (await visit("/"))[0] == 303

    guarded.visited(steps)


def test_a_removed_user_is_logged_out(guarded: Office) -> None:
    async def steps(visit: Visit) -> None:
        assert (await log_in(visit, "viewer"))[0] == 303
        assert (await visit("/business"))[0] == 200
        assert guarded.accounts.remove("viewer")
        assert (await visit("/business"))[0] == 303
        assert (await log_in(visit, "viewer"))[0] == 401

    guarded.visited(steps)
    assert not guarded.accounts.remove("viewer")


@pytest.mark.parametrize(("role", "may_act", "may_audit"), [("viewer", 0, 0), ("operator", 1, 0), ("admin", 1, 1)])
def test_each_role_may_what_it_may(guarded: Office, role: str, may_act: int, may_audit: int) -> None:
    async def steps(visit: Visit) -> None:
        assert (await log_in(visit, role))[0] == 303
        text = (await visit("/"))[2]
        assert ('action="/done"' in text, 'href="/audit"' in text) == (may_act, may_audit)
        form = {"csrf": fields_of(text, "/logout")["csrf"], "customer_id": SILENT.customer_id}
        assert (await visit("/audit"))[0] == (200 if may_audit else 403)
        for path, more in (
            ("/done", {"kind": "contacted", "action_id": "a-1"}),
            ("/assign", {"assigned_to": "x"}),
            ("/snooze", {"days": "1"}),
            ("/undo", {"action_id": "a-1"}),
        ):
            assert (await visit(path, form | more))[0] == (303 if may_act else 403), path
        assert (await visit("/offers/check", form | {"text": "offers:"}))[0] == (200 if may_act else 403)
        assert ('action="/offers/check"' in (await visit("/offers"))[2]) == may_act

    guarded.visited(steps)


def test_passwords_cannot_be_tried_for_long(guarded: Office) -> None:
    async def steps(visit: Visit) -> None:
        for attempt in range(5):
            status, text = await log_in(visit, "viewer", "wrong")
            assert (status, "name or the password is wrong" in text) == (401, True), attempt
        assert await log_in(visit, "viewer") == (429, "900")
        assert (await log_in(visit, "operator"))[0] == 303, "others may"
        guarded.now_ms += 900_000
        assert (await log_in(visit, "viewer"))[0] == 303

    guarded.visited(steps)
    refused = [one for one in guarded.trail.newest(99) if one.what.startswith("was refused")]
    assert [one.who for one in refused] == ["viewer"] * 5
    assert "wrong" not in {one.detail for one in refused}


def test_everything_leaves_a_trace_and_an_erased_customer_leaves_it(guarded: Office) -> None:
    async def steps(visit: Visit) -> None:
        await log_in(visit, "operator")
        form = fields_of((await visit("/"))[2], "/done") | {"kind": "contacted"}
        await visit("/customer", {"customer_id": "c-3"})
        await visit("/customer", {"customer_id": "nobody"})
        await visit("/done", form)

    guarded.visited(steps)
    traces = [*guarded.trail.newest(9)]
    (action,) = guarded.desk.recorded([SILENT.customer_id], 0)[SILENT.customer_id]
    assert action.recorded_by == "operator"
    assert [one[1:] for one in traces] == [
        ("operator", "recorded an action", SILENT.customer_id, "kind: contacted"),
        ("operator", "saw a customer", "c-3", None),
        ("operator", "saw today's list", None, None),
        ("operator", "logged in", None, None),
    ]
    assert [one.what for one in guarded.trail.newest(9, "c-3")] == ["saw a customer"]
    guarded.desk.erase("c-3")
    assert [*guarded.trail.newest(9, "c-3")] == []
    assert [one.what for one in guarded.trail.newest(9)] == [one.what for one in traces]


def test_traces_are_deleted_once_a_day_when_they_are_too_old(office: Office) -> None:
    day_ms, trail = 24 * HOUR_MS, AuditTrail(office.desk.engine, 10)
    kept_at = [100 * day_ms + k * HOUR_MS for k in (0, 12)]
    for at_ms in (*kept_at, kept_at[0] + 10 * day_ms + 1, kept_at[0] + 10 * day_ms + 2):
        trail.add(Trace(at_ms, "anna", "saw business"))
    assert [one.at_ms for one in trail.newest(9)] == [
        *(kept_at[0] + 10 * day_ms + 2, kept_at[0] + 10 * day_ms + 1, kept_at[1]),
    ]


def test_traces_are_kept_for_a_year(office: Office) -> None:
    for at_ms in (0, 1):
        office.trail.add(Trace(at_ms, "anna", "saw business"))
    office.trail.prune(365 * 24 * HOUR_MS + 1)
    assert [one.at_ms for one in office.trail.newest(9)] == [1]
