"""Models, system and what if: what they say, who may decide, and what is asked of the program."""

import asyncio

import pytest

from stream.imports.contacts import Contact
from stream.whatif.trial_progress import LEARNING, TRYING, StageProgress
from tests.console.conftest import EVIL, Office, Visit, fields_of

POLICY = {"alerts_per_week": "8", "overdue_at": "2", "cooldown_days": "14", "min_purchases": "3"}


def test_models_are_told_in_plain_words_and_can_be_chosen(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        text = (await visit("/models"))[2]
        for said in ("Right in 81% of comparisons", "at least 91 days", "differs from that by 3%", "1,200 outcomes"):
            assert said in text
        assert "began anew" in text
        assert EVIL not in text
        forms = text.split('action="/models/decide"')[1:]
        assert len(forms) == 2
        back = fields_of(text, "/models/decide")
        assert back["what"] == "rollback"
        assert (await visit("/models/decide", back))[0] == 303
        chosen = fields_of(text[text.rindex("<form", 0, text.index('value="promote"')) :], "/models/decide")
        assert (await visit("/models/decide", chosen))[0] == 303
        assert (await visit("/models/decide", chosen | {"what": "forget"}))[0] == 400
        assert (await visit("/models/decide", {"what": "rollback"}))[0] == 403

    office.visited(steps)
    assert office.operations.asked == [("rollback", "", "console"), ("promote", EVIL, "console")]
    assert [one.detail for one in office.trail.newest(9) if one.what == "decided about models"] == [
        f"what: promote, name: {EVIL}",
        "what: rollback",
    ]


def test_the_state_of_the_program_is_told_and_records_are_published_again(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        text = (await visit("/system"))[2]
        for said in ("1 of 2 checks needs a look", "set appendonly yes", "Bad amount: 3", "expected a number"):
            assert said in text
        assert EVIL not in text
        assert text.count('action="/system/replay"') == 1
        assert (await visit("/system/replay", fields_of(text, "/system/replay")))[0] == 303
        office.operations.is_away = True
        status, _, text = await visit("/system")
        assert (status, "Redis does not answer" in text, "Bad amount" in text) == (200, True, True)

    office.visited(steps)
    assert office.operations.asked == [("replay", "bad_amount")]


def test_a_policy_is_tried_in_the_background_one_at_a_time(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        office.operations.go_on = asyncio.Event()
        form = {"csrf": fields_of((await visit("/whatif"))[2], "/whatif/try")["csrf"], **POLICY}
        assert (await visit("/whatif/try", form | {"overdue_at": "9"}))[0] == 400
        assert (await visit("/whatif/try", form | {"cooldown_days": "soon"}))[0] == 400
        assert (await visit("/whatif/try", form))[0] == 303
        text = (await visit("/whatif"))[2]
        assert "is being tried" in text
        assert 'value="14"' in text
        assert (await visit("/whatif/try", form))[0] == 400
        office.operations.go_on.set()
        await asyncio.sleep(0)
        text = (await visit("/whatif"))[2]
        for said in ("cannot be told from chance", "Biased: 3 of 40", "75%", "Alerts that would be added: 1", "€310"):
            assert said in text, said
        assert EVIL not in text
        office.operations.known = {EVIL: Contact(name="Ann Ode")}
        assert '<button class="link">Ann Ode</button>' in (await visit("/whatif"))[2]

    office.visited(steps)
    assert office.operations.asked == [("compare", 8.0, 2.0, 14.0, 3.0)]


@pytest.mark.parametrize(
    ("progress", "told"),
    [
        (None, None),
        (StageProgress(LEARNING, 0.634, None), "63% of the events are learned from. <a"),
        (StageProgress(LEARNING, 0.634, 0.2), "63% of the events are learned from. About 1 second left."),
        (StageProgress(LEARNING, 0.634, 89.0), "63% of the events are learned from. About 89 seconds left."),
        (StageProgress(TRYING, 0.01, 90.0), "1% of the events are gone through under a policy. About 2 minutes left."),
    ],
)
def test_the_page_says_how_far_a_comparison_is(
    office: Office, progress: StageProgress | None, told: str | None
) -> None:
    async def steps(visit: Visit) -> None:
        office.operations.go_on = asyncio.Event()
        office.operations.progress = progress
        text = (await visit("/whatif"))[2]
        assert ("http-equiv" in text, "<progress" in text) == (False, False)
        await visit("/whatif/try", {"csrf": fields_of(text, "/whatif/try")["csrf"], **POLICY})
        text = (await visit("/whatif"))[2]
        # the page is asked for again by itself
        assert '<meta http-equiv="refresh" content="5">' in text
        assert ("<progress" in text) == (told is not None)
        assert told is None or told in text

    office.visited(steps)
