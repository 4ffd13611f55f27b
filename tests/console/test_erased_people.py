"""Pages that keep what they were made of show nobody from the moment of the request, whatever stores still have."""

import pytest

from stream.console.todays_list import Day
from stream.privacy.erasures import Erasures
from stream.privacy.pseudonym import Pseudonyms
from stream.privacy.request_records import PrivacyRequest
from tests.console.conftest import LEAD, SILENT, Office, Visit, fields_of, somebody_today

KEY = b"k" * 32


def asked(at_ms: int) -> PrivacyRequest:
    who = SILENT.customer_id
    return PrivacyRequest(request_id="r-1", asked_at=at_ms / 1000, pseudonyms=[Pseudonyms(KEY).of(who)], ids=[who])


@pytest.mark.parametrize("anew", [False, True])
def test_an_erasure_empties_today_and_offers_at_once(office: Office, *, anew: bool) -> None:
    office.erasures = Erasures(KEY, anew=anew)
    # nothing is made anew because a busy machine took its time
    office.monotonic = lambda: 0.0
    made: list[int] = []
    shown = office.offers.shown

    def counted() -> Day:
        made.append(1)
        return somebody_today()

    def counted_offers() -> object:
        made.append(2)
        return shown()

    office.offers.shown = counted_offers  # type: ignore[assignment,method-assign]

    async def steps(visit: Visit) -> None:
        for _ in range(2):
            text = (await visit("/"))[2]
            assert SILENT.reason in text
            assert LEAD.reasons[0] in text
            assert "Due. " in (await visit("/offers"))[2]
        assert made == [1, 2]
        office.erasures.take(0, asked(office.now_ms))
        for _ in range(2):
            text = (await visit("/"))[2]
            assert SILENT.reason not in text
            assert LEAD.reasons[0] not in text
            assert "Due. " not in (await visit("/offers"))[2]
        # what was kept is gone from the memory as well, and stores were asked again
        assert made == [1, 2, 1, 2]
        # who comes back after an erasure may be seen again
        office.now_ms += 3_700_000
        assert (SILENT.reason in (await visit("/"))[2]) == anew

    office.visited(steps, counted)


def test_what_was_being_made_when_somebody_was_erased_is_not_kept(office: Office) -> None:
    office.erasures = Erasures(KEY)
    made: list[int] = []

    def erased_meanwhile() -> Day:
        made.append(1)
        if len(made) == 1:
            office.erasures.take(0, asked(office.now_ms))
        return somebody_today()

    async def steps(visit: Visit) -> None:
        assert SILENT.reason not in (await visit("/"))[2]
        assert SILENT.reason not in (await visit("/"))[2]
        assert len(made) == 2

    office.visited(steps, erased_meanwhile)


def test_pages_are_shown_when_nobody_knows_who_is_erased(office: Office) -> None:
    office.erasures.failed(OSError("no right to read"))

    async def steps(visit: Visit) -> None:
        assert SILENT.reason in (await visit("/"))[2]

    office.visited(steps)


def test_a_trial_that_may_have_found_an_erased_person_is_not_shown(office: Office) -> None:
    office.erasures = Erasures(KEY)
    office.operations.go_on.set()
    policy = {"alerts_per_week": "8", "overdue_at": "2", "cooldown_days": "14", "min_purchases": "3"}

    async def steps(visit: Visit) -> None:
        async def tried() -> str:
            csrf = fields_of((await visit("/whatif"))[2], "/whatif/try")["csrf"]
            assert (await visit("/whatif/try", {"csrf": csrf, **policy}))[0] == 303
            return (await visit("/whatif"))[2]

        reason = "Alerts that would be added: 1"
        assert reason in await tried()
        office.erasures.take(0, asked(office.now_ms))
        assert reason not in (await visit("/whatif"))[2]
        # tried again before all stores have done it
        assert reason not in await tried()

    office.visited(steps)
