"""What people do from the pages: recorded once, undone while it can be, published after, and only by our own forms."""

import asyncio

import pytest

from stream.alerts.action_records import Action
from stream.console.acting import Acting
from stream.console.labelling import CustomerTexts
from stream.directory.desk.desk_store import UNDO_MS, DeskStore
from stream.errors import PublishError, SettingsError
from stream.privacy.erasures import Erasures
from stream.projections.judgements import Judged, Judgement
from stream.projections.written import Text
from stream.reporting.themes import SaidText
from tests.console.conftest import EVIL, SILENT, Office, Visit, fields_of
from tests.privacy.test_erasures import KEY, request
from tests.reporting.made_up_shop import END_MS

DAY_MS = 86_400_000


def test_a_click_records_what_was_done_and_a_second_one_takes_it_back(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        form = fields_of((await visit("/"))[2], "/done") | {"kind": "contacted"}
        assert form["customer_id"] == SILENT.customer_id
        for _ in range(2):  # a form that is sent twice is one action
            status, headers, _ = await visit("/done", form)
            assert (status, headers["Location"]) == (303, "/")
        text = (await visit("/"))[2]
        assert text.count("<span>Contacted, ") == 1
        assert EVIL not in text
        assert (await visit("/undo", fields_of(text, "/undo")))[0] == 303
        assert "<span>Contacted, " not in (await visit("/"))[2]
        office.now_ms += UNDO_MS
        assert office.acting.publish_due() == 0

    office.visited(steps)
    assert office.published == []


def test_what_is_not_undone_within_a_minute_is_published_once(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        form = fields_of((await visit("/customer", {"customer_id": "c-3"}))[2], "/done")
        status, _, text = await visit("/done", form | {"kind": "offer_accepted"})
        assert (status, "Offer accepted, " in text, ">Undo<" in text) == (200, True, True)
        undo = fields_of(text, "/undo")
        office.now_ms += UNDO_MS - 1
        assert office.acting.publish_due() == 0
        office.now_ms += 1
        office.is_away = True
        with pytest.raises(PublishError):
            office.acting.publish_due()
        text = (await visit("/customer", {"customer_id": "c-3"}))[2]
        assert ("is being passed on" in text, ">Undo<" in text) == (True, False)
        status, _, text = await visit("/undo", undo)
        assert (status, "can no longer be undone" in text) == (400, True)
        office.is_away = False
        assert (office.acting.publish_due(), office.acting.publish_due()) == (1, 0)
        (action,) = office.published
        assert (action.action_id, action.customer_id, action.action) == (form["action_id"], "c-3", "offer_accepted")
        text = (await visit("/customer", {"customer_id": "c-3"}))[2]
        assert ("is being passed on" in text, "Offer accepted, " in text) == (False, True)

    office.visited(steps)


def test_who_is_put_off_is_not_listed_until_then(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        form = fields_of((await visit("/"))[2], "/snooze")
        assert (await visit("/snooze", form | {"days": "3"}))[0] == 303
        text = (await visit("/"))[2]
        assert (SILENT.reason in text, "1 put off" in text) == (False, True)
        text = (await visit("/?all=1"))[2]
        assert (SILENT.reason in text, "Put off until" in text) == (True, True)
        office.now_ms += 3 * DAY_MS
        assert SILENT.reason in (await visit("/"))[2]
        assert (await visit("/snooze", form | {"days": "5"}))[0] == 400

    office.visited(steps)


def test_somebody_looks_after_a_customer_until_nobody_does(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        form = fields_of((await visit("/"))[2], "/assign")
        assert (await visit("/assign", form | {"assigned_to": " Anna <b> "}))[0] == 303
        assert "Anna &lt;b&gt; looks after them." in (await visit("/"))[2]
        for odd in ("x" * 61, "a\nb"):
            assert (await visit("/assign", form | {"assigned_to": odd}))[0] == 400
        assert (await visit("/assign", form | {"assigned_to": ""}))[0] == 303
        assert "looks after them." not in (await visit("/"))[2]

    office.visited(steps)


def test_a_form_that_is_not_ours_changes_nothing(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        text = (await visit("/"))[2]
        for path, more in (
            ("/done", {"kind": "contacted"}),
            ("/assign", {"assigned_to": "x"}),
            ("/snooze", {"days": "1"}),
        ):
            form = fields_of(text, path) | more
            for csrf in ("", "0" * 64, form["csrf"][:-1], "ü"):
                status, _, answer = await visit(path, form | {"csrf": csrf})
                assert (status, "load it again" in answer) == (403, True)
        for odd in ({"kind": "labelled"}, {"action_id": ""}, {"customer_id": ""}, {"note": "x" * 2001}):
            form = fields_of(text, "/done") | {"kind": "contacted"} | odd
            assert (await visit("/done", form))[0] == 400, odd

    office.visited(steps)
    assert not office.desk.recorded([SILENT.customer_id], 0)
    assert not office.desk.notes([SILENT.customer_id])


def test_a_browser_keeps_its_secret_from_scripts_and_other_sites(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        _, headers, first = await visit("/")
        cookie = headers["Set-Cookie"]
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {*cookie.split("; ")}
        _, headers, again = await visit("/")
        assert "Set-Cookie" not in headers
        assert fields_of(first, "/done")["csrf"] == fields_of(again, "/done")["csrf"]
        assert fields_of(first, "/done")["csrf"] not in cookie

    office.visited(steps)


def test_another_method_is_told_which_is_right(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        status, headers, _ = await visit("/done")
        assert (status, headers["Allow"]) == (405, "POST")
        status, headers, _ = await visit("/business", {})
        assert (status, headers["Allow"]) == (405, "GET,HEAD")

    office.visited(steps)


def test_what_a_text_is_about_is_said_on_the_page_of_who_wrote_it(office: Office) -> None:
    told = Judged("e-1", 0, "text", Judgement(decided="delivery", told="delivery"), Judgement())
    texts = [
        SaidText("c-3", Text(id=1, event_id="e-1", at_ms=0, name="text", text="Late again <b>"), told),
        SaidText("c-3", Text(id=2, event_id="e-2", at_ms=0, name="text", text="Nice")),
    ]
    office.texts = CustomerTexts(texts, ["delivery"], "")

    async def steps(visit: Visit) -> None:
        _, _, text = await visit("/customer", {"customer_id": "c-3"})
        assert "Late again &lt;b&gt;" in text
        form = fields_of(text, "/label")
        assert (form["event_id"], form["from"]) == ("e-1", "customer")
        assert (await visit("/label", form | {"category": " "}))[0] == 400
        assert (await visit("/label", form | {"category": "x" * 2000}))[0] == 400
        assert (await visit("/label", form | {"category": "delivery", "csrf": ""}))[0] == 403
        status, _, text = await visit("/label", form | {"category": "service"})
        assert (status, "Said what a text is about, " in text) == (200, True)
        office.now_ms += UNDO_MS
        assert office.acting.publish_due() == 1

    office.visited(steps)
    (action,) = office.published
    said = (action.action, action.customer_id, action.event_id, action.category, action.actor)
    assert said == ("labelled", "c-3", "e-1", "service", "console")


def test_a_page_says_why_it_cannot_show_what_somebody_wrote(office: Office) -> None:
    office.texts = CustomerTexts(note="What they wrote cannot be shown now: Redis is away")

    async def steps(visit: Visit) -> None:
        status, _, text = await visit("/customer", {"customer_id": "c-3"})
        assert (status, "Redis is away" in text, "What happened" in text) == (200, True, True)

    office.visited(steps)


def test_an_action_that_cannot_be_published_holds_no_other_up(desk: DeskStore) -> None:
    published: list[str] = []
    now_ms = [END_MS]

    def publish(action: Action) -> None:
        if action.customer_id == "gone":
            raise SettingsError("the customer was erased: nothing is recorded of them")
        published.append(action.customer_id)

    acting = Acting(desk, lambda action: action, publish, lambda: now_ms[0])
    for customer in ("gone", "ann"):
        asyncio.run(acting.keep("anna", action_id=f"a-{customer}", customer_id=customer, action="contacted"))
        now_ms[0] += 1
    now_ms[0] += UNDO_MS
    for _ in range(2):
        with pytest.raises(SettingsError, match="was erased"):
            acting.publish_due()
    assert published == ["ann"]


def test_nothing_is_written_down_about_who_was_erased(desk: DeskStore) -> None:
    erasures = Erasures(KEY)
    acting = Acting(desk, lambda action: action, lambda _: None, lambda: END_MS, erasures)
    asyncio.run(acting.keep("anna", action_id="a-1", customer_id="c-1", action="contacted"))
    erasures.take(0, request(1, "c-1"))
    with pytest.raises(SettingsError, match="This person was erased"):
        asyncio.run(acting.keep("anna", action_id="a-2", customer_id="c-1", action="contacted", note="called"))
    asyncio.run(acting.keep("anna", action_id="a-3", customer_id="c-2", action="contacted"))
    assert [one.action_id for one in desk.recorded(["c-1"], 0)["c-1"]] == ["a-1"]
