"""Figures and campaigns of the HTTP API, with tags and pages."""

import json
from base64 import urlsafe_b64decode as b64decode
from typing import Any

from stream.projections.ratings import RatingTally
from stream.projections.surveys import Surveyed
from stream.reporting.feedback_groups import FeedbackCounts
from tests.console.conftest import EVIL, Office
from tests.console.test_api import Ask, asking
from tests.directory.mailed import CAMPAIGNS


def test_figures_have_a_tag_that_saves_sending_them_again(office: Office) -> None:
    async def steps(ask: Ask) -> None:
        status, headers, found = await ask("/kpis?by=week")
        assert (status, found["currency"]) == (200, "EUR")
        orders = sum(period["orders"] for period in found["periods"])
        assert orders > 100
        assert (await ask("/kpis?by=week", If_None_Match=f'"x", {headers["ETag"]}'))[::2] == (304, None)
        assert (await ask("/kpis", If_None_Match=headers["ETag"]))[0] == 200
        assert (await ask("/kpis?by=day"))[0] == 400

    asking(office, steps)


def test_what_customers_say_is_told_of_the_shop_and_of_one_survey(office: Office) -> None:
    of_shop = {"nps": {"10": 6, "2": 2}}
    part = RatingTally({"2026-01": of_shop}, {"web": of_shop}, {"2026-01": {"rated": 8}})
    of_survey = RatingTally({"2026-01": {"nps": {"10": 1}}}, {}, {"2026-01": {"rated": 1}})
    asked = [Surveyed(months={"2026-01": [10, 4]})]
    office.operations.said = FeedbackCounts([part], surveyed=asked, surveys={"s-1": ([of_survey], asked)})

    async def steps(ask: Ask) -> None:
        status, headers, found = await ask("/feedback")
        assert (status, found["kinds"]) == (200, {"rated": 8})
        nps = {(one["kind"], one["name"]): one for one in found["figures"] if one["scale"] == "nps"}
        assert [*nps] == [("all", ""), ("month", "2026-01"), ("survey", "s-1"), ("channel", "web")]
        assert (nps["all", ""]["value"], nps["all", ""]["answers"], nps["all", ""]["mean"]) == (0.5, 8, 8.0)
        assert {(one["kind"], one["asked"], one["share"]) for one in found["unanswered"]} == {
            ("all", 10, 0.6),
            ("month", 10, 0.6),
            ("survey", 10, 0.6),
        }
        assert (await ask("/feedback", If_None_Match=headers["ETag"]))[::2] == (304, None)
        (alone, *_) = (await ask("/feedback?of=survey:s-1"))[2]["figures"]
        assert (alone["kind"], alone["scale"], alone["value"]) == ("all", "nps", 1.0)
        assert (await ask("/feedback?of=product:nothing"))[2] == {"figures": [], "unanswered": [], "kinds": {}}
        assert (await ask("/feedback?of=p-1"))[0] == 400
        office.operations.is_away = True
        assert (await ask("/feedback?of=survey:s-1"))[0] == 503

    asking(office, steps)


def test_campaigns_come_a_page_at_a_time_with_what_followed(office: Office) -> None:
    async def steps(ask: Ask) -> None:
        status, headers, all_of_them = await ask("/campaigns")
        assert (status, all_of_them["currency"], all_of_them["cursor"]) == (200, "EUR", None)
        assert (await ask("/campaigns", If_None_Match=headers["ETag"]))[::2] == (304, None)
        found: list[dict[str, Any]] = []
        address = "/campaigns?limit=1"
        while True:
            page = (await ask(address))[2]
            found += page["campaigns"]
            if page["cursor"] is None:
                break
            # an address is logged on the way
            assert json.loads(b64decode(page["cursor"] + "=="))[0::2] == ["campaigns", 1]
            address = f"/campaigns?limit=1&cursor={page['cursor']}"
        assert found == all_of_them["campaigns"]
        assert {one["campaign"] for one in found} == {EVIL, *CAMPAIGNS}
        assert (found[0]["campaign"], found[0]["buyers"], found[0]["revenue"]) == (EVIL, 1, 12.0)
        of_customers = (await ask("/customers/search", {"limit": 1}))[2]["cursor"]
        assert (await ask(f"/campaigns?cursor={of_customers}"))[0] == 404
        for wrong in ("limit=0", "limit=many", f"cursor={'a' * 3000}"):
            assert (await ask(f"/campaigns?{wrong}"))[0] == 400

    asking(office, steps)
