"""The page of offers, and points: what they say, and what is said of a wrong file."""

import asyncio
from itertools import pairwise

import pytest

from stream.console.labelling import CustomerTexts
from stream.imports.contacts import Contact
from stream.points.points_file import PointsTier
from stream.points.statement import PointsStatement
from tests.console.conftest import EVIL, Office, Visit, fields_of
from tests.console.operations import OFFERS_FILE
from tests.reporting.made_up_shop import END_MS

POINTS = PointsStatement(
    balance=120,
    earned=400,
    spent=200,
    expired=80,
    owed=0,
    expires_ms=END_MS,
    expiring=30,
    lately=300,
    tier=PointsTier(name=EVIL, points=100, benefits="free delivery"),
    next_tier=PointsTier(name="gold", points=2000),
)


def test_offers_in_effect_are_shown_with_what_they_cost_and_bring(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        text = (await visit("/offers"))[2]
        for said in ("a sample by post", "€240.00", "of €300.00 in 7 days", "A call: it brought 800.", "€4.25"):
            assert said in text
        assert "; 1 order or more" in text
        assert "; 5 orders or more" in text
        # 40 would be drawn, of whom 4 are held out
        assert '<td class="right" data-name="would get it now">36</td>' in text
        assert "Of 120 customers it is to be decided; 71 would get nothing." in text
        assert EVIL not in text
        office.offers.known = {EVIL: Contact(name="Ann Ode")}
        assert '<button class="link">Ann Ode</button>' in (await visit("/offers"))[2]
        office.offers.is_away = True

    office.visited(steps)

    async def away(visit: Visit) -> None:
        assert (await visit("/offers"))[0] == 503

    office.visited(away)


def test_a_wrong_offers_file_is_shown_with_all_that_is_wrong(office: Office) -> None:
    office.offers.file = OFFERS_FILE.replace("cost: 3.50", "cost: dear").replace("share: 0.1", "share: 0")

    async def steps(visit: Visit) -> None:
        text = (await visit("/offers"))[2]
        assert "The offers file is wrong, so nothing is offered" in text
        for said in ("hold_out.share", "offer sample: cost"):
            assert said in text
        assert "In effect" not in text

    office.visited(steps)
    office.offers.file = None

    async def missing(visit: Visit) -> None:
        assert "There is no offers file offers.yaml" in (await visit("/offers"))[2]

    office.visited(missing)


def test_a_file_is_checked_and_nothing_changes(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        form = {"csrf": fields_of((await visit("/offers"))[2], "/offers/check")["csrf"]}
        assert "The file is right." in (await visit("/offers/check", form | {"text": OFFERS_FILE}))[2]
        wrong = OFFERS_FILE.replace("cost: 3.50", "cost: dear") + EVIL
        status, _, text = await visit("/offers/check", form | {"text": wrong})
        assert (status, "The file is right." in text, EVIL in text) == (200, False, False)
        status, _, text = await visit("/offers/check", form | {"text": OFFERS_FILE.replace("cost: 3.50", "cost: dear")})
        assert (status, "offer sample: cost" in text) == (200, True)
        # what was pasted is still there
        assert "cost: dear" in text
        assert (await visit("/offers/check", {"text": OFFERS_FILE}))[0] == 403

    office.visited(steps)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in pairwise("abcdefghi")
)


@pytest.mark.parametrize("text", [BOMB, "a: &a {b: [*a]}", "a: &a [*a]"], ids=["bomb", "in itself", "itself"])
def test_a_file_that_its_aliases_make_too_long_is_refused(office: Office, text: str) -> None:
    async def steps(visit: Visit) -> None:
        form = {"csrf": fields_of((await visit("/offers"))[2], "/offers/check")["csrf"]}
        status, _, told = await visit("/offers/check", form | {"text": text})
        assert (status, "alias" in told.partition("<textarea")[0]) == (200, True), told

    office.visited(steps)


def test_points_are_on_the_page_of_a_customer(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        assert "Points" not in (await visit("/customer", {"customer_id": "c-5"}))[2]
        office.texts = CustomerTexts(points=POINTS)
        text = (await visit("/customer", {"customer_id": "c-5"}))[2]
        for said in ("120: 400 earned, 200 spent, 80 expired", "free delivery", "gold, 1,700 points more"):
            assert said in text
        assert EVIL not in text
        office.texts = CustomerTexts(points_note="points.yaml: earn.rate: expected a number")
        text = (await visit("/customer", {"customer_id": "c-5"}))[2]
        assert "points.yaml: earn.rate: expected a number" in text

    office.visited(steps)


def test_pages_are_made_in_turn(office: Office) -> None:
    """Two at a time are made once."""
    made: list[int] = []
    shown = office.offers.shown

    def counted() -> object:
        made.append(1)
        return shown()

    office.offers.shown = counted  # type: ignore[assignment,method-assign]

    async def steps(visit: Visit) -> None:
        assert {status for status, *_ in await asyncio.gather(*(visit("/offers") for _ in range(4)))} == {200}

    office.visited(steps)
    assert len(made) == 1
