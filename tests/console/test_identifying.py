"""Ids of a person on the page of a customer: what is shown, who may decide, and the trace that it leaves."""

import re

from stream.console.passwords import hash_of
from stream.directory.desk.accounts import Role
from stream.identity.links import Link, LinkName
from stream.projections.identity import Linked
from tests.console.conftest import EVIL, Office, Visit, fields_of
from tests.directory.told import commit

PASSWORD = "correct horse battery"


def orders_in(page: str) -> int:
    """The number of orders that a page of a customer tells."""
    found = re.search(r"<dt>Orders</dt><dd>(\d+)", page)
    assert found is not None
    return int(found[1])


def test_ids_are_shown_merged_and_taken_apart_with_a_trace_for_each(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        text = (await visit("/customer", {"customer_id": "c-3"}))[2]
        for said in ("email:h1_aaaa", "first seen together today", "taken apart today", "name 93 %", "May be the same"):
            assert said in text
        assert EVIL not in text
        part = fields_of(text, "/identities/unmerge")
        assert part["other"] == "email:h1_aaaaaaaaaaaaaaaaaaaaaa"
        status, _, text = await visit("/identities/unmerge", part)
        assert (status, "is another person than c-3" in text) == (200, True)
        status, _, text = await visit("/identities/merge", part | {"other": " Ann Ode "})
        assert (status, "c-4 is the same person as c-3" in text) == (200, True)
        assert "belongs to" in (await visit("/customer", {"customer_id": "c-2"}))[2]
        # the page says what becomes of earlier events
        assert "what came before stays where it is" in text
        office.operations.history_days = 30
        text = (await visit("/customer", {"customer_id": "c-3"}))[2]
        assert "also those of its last 30 days" in text
        assert "what came before stays where it is" not in text

    office.visited(steps)
    assert office.operations.asked == [
        ("unmerge", "email:h1_aaaaaaaaaaaaaaaaaaaaaa", "c-3", "console"),
        ("merge", "c-4", "c-3", "console"),
    ]
    traced = {(one.customer_id, one.detail) for one in office.trail.newest(9) if one.what == "merged two ids"}
    assert traced == {("c-3", "console-1"), ("c-4", "console-1")}
    office.desk.erase("c-4")
    assert "c-4" not in repr([*office.trail.newest(99)])


def test_what_is_no_decision_changes_nothing(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        form = fields_of((await visit("/customer", {"customer_id": "c-3"}))[2], "/identities/unmerge")
        assert (await visit("/identities/merge", form | {"csrf": ""}))[0] == 403
        for odd in ({"other": " "}, {"other": "x" * 321}, {"customer_id": ""}):
            assert (await visit("/identities/merge", form | odd))[0] == 400, odd
        for unknown in ({"other": "c-999"}, {"customer_id": "c-999"}):
            status, _, text = await visit("/identities/merge", form | unknown)
            assert (status, "No customer is called c-999" in text) == (400, True)
        office.operations.is_away = True
        status, _, text = await visit("/customer", {"customer_id": "c-3"})
        assert (status, "Redis does not answer" in text, "What happened" in text) == (200, True, True)

    office.visited(steps)
    assert office.operations.asked == []


def test_who_may_only_look_cannot_decide(office: Office) -> None:
    office.accounts.add("vera", Role.VIEWER, hash_of(PASSWORD), office.now_ms)

    async def steps(visit: Visit) -> None:
        login = fields_of((await visit("/login"))[2], "/login")
        assert (await visit("/login", login | {"name": "vera", "password": PASSWORD}))[0] == 303
        text = (await visit("/customer", {"customer_id": "c-3"}))[2]
        assert ("email:h1_aaaa" in text, "/identities/" in text) == (True, False)
        csrf = fields_of(text, "/logout")["csrf"]
        refused = await visit("/identities/merge", {"csrf": csrf, "customer_id": "c-3", "other": "c-4"})
        assert (refused[0], "it takes a user who is an operator" in refused[2]) == (403, True)

    office.visited(steps)
    assert office.operations.asked == []


def test_a_customer_is_found_by_name_and_only_the_id_is_in_the_trail(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        assert 'name="who"' in (await visit("/customers"))[2]
        status, _, text = await visit("/customer", {"who": " Ann Ode "})
        assert (status, "<h1>c-4</h1>" in text) == (200, True)
        status, _, text = await visit("/customer", {"who": "Nobody Else"})
        assert (status, "does not know this customer" in text) == (404, True)

    office.visited(steps)
    traces = [*office.trail.newest(9)]
    assert [one[2:] for one in traces] == [("saw a customer", "c-4", "found"), ("saw customers", None, None)]
    assert "Ann" not in repr(traces)


def test_what_came_under_all_ids_of_a_person_is_on_the_page_of_the_customer(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        alone, other = [(await visit("/customer", {"customer_id": of}))[2] for of in ("c-3", "c-5")]
        assert "as c-5" not in alone
        link = Link(LinkName.MERGE, "c-5", "c-3", 1, "")
        commit(office.store, office.store.claim(), [Linked(link, 0)])
        joined = (await visit("/customer", {"customer_id": "c-3"}))[2]
        assert "as c-5" in joined
        assert orders_in(joined) == orders_in(alone) + orders_in(other)

    office.visited(steps)
