"""The page of business: what customers say and write, what followed campaigns, and what notifying brings."""

import json
import re
from dataclasses import replace

from markupsafe import escape

from stream.directory.desk.api_tokens import Scope
from stream.directory.timeline import TimelineEntry
from stream.errors import TopologyError
from stream.projections.ratings import RatingTally
from stream.projections.surveys import Surveyed
from stream.reporting.feedback_groups import FeedbackCounts
from tests.console.conftest import EVIL, Office, Visit
from tests.directory.mailed import CAMPAIGNS
from tests.directory.told import commit


def test_business_shows_what_customers_say_and_without_redis_the_rest(office: Office) -> None:
    tally = RatingTally({"2026-01": {"nps": {"10": 3, "4": 1}}}, {"web": {"nps": {"10": 3, "4": 1}}}, {})
    surveyed = Surveyed(months={"2026-01": [10, 4]})
    office.operations.said = FeedbackCounts([tally], surveyed=[surveyed], surveys={EVIL: ([tally], [surveyed])})

    async def steps(visit: Visit) -> None:
        status, _, text = await visit("/business")
        assert (status, EVIL in text) == (200, False)
        # a month as elsewhere on the page
        assert ("Jan 2026" in text, "2026-01" in text) == (True, False)
        survey = text.partition("survey &lt;script&gt;")[2].partition("rowgroup")[0]
        cells = re.findall(r"<td[^>]*>([^<]*)</td>", survey)
        assert cells[:2] == ["NPS", "+50"]
        assert cells[-4:] == ["did not answer", "60%", "31% to 83%", "10"]
        office.operations.is_away = True
        # made a moment ago
        assert "What customers say cannot" not in (await visit("/business"))[2]

    office.visited(steps)

    async def without(visit: Visit) -> None:
        status, _, text = await visit("/business")
        assert (status, 'What customers say cannot be shown now. <span lang="en">Redis does not answer' in text) == (
            200,
            True,
        )
        assert "Sales and customers" in text

    office.visited(without)


def test_business_shows_what_followed_campaigns_and_what_customers_write_about(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        text = (await visit("/business"))[2]
        campaigns = text.partition("<h2>Campaigns")[2].partition("</section>")[0]
        rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr><td>.*?</tr>", campaigns)]
        # the evil one was sent last, and the order came a moment after it
        assert rows[0] == [str(escape(EVIL)), "30 June 2026", "1", "0%", "0%", "100%", "1", "€12.00"]
        assert {row[0] for row in rows[1:]} == {str(escape(name)) for name in CAMPAIGNS}
        assert "within 7 days after" in campaigns
        wrote = text.partition("<h2>What customers write about")[2].partition("</section>")[0]
        assert "10 texts in Jun 2026; 4 in the month before." in wrote
        cells = re.findall(r"<td[^>]*>([^<]*)</td>", wrote)
        assert cells[1:5] == ["positive", "6", "60%", "0%"]
        assert cells[9:] == [
            "delivery",
            "5",
            "50%",
            "100%",
            str(escape(EVIL)),
            "3",
            "30%",
            "0%",
            "not known",
            "2",
            "20%",
            "",
        ]
        # the sentence of the effect is made behind who asks
        while "Nobody to compare yet." not in text:
            assert "It is being counted" in text
            text = (await visit("/business"))[2]

    office.visited(steps)


def test_every_page_and_answer_knows_the_currency_of_orders_that_came_after_the_start(office: Office) -> None:
    office.writing = replace(office.writing, currency="")
    token = office.tokens.add("crm", {Scope.READ}, office.now_ms)
    now_s, found, looks = 0.0, "", list[float]()

    def look() -> str:
        looks.append(now_s)
        if not found:
            raise TopologyError("no topic events.purchase")
        return found

    office.monotonic, office.currency = lambda: now_s, look
    pages = ("/business", "/customers", "/whatif")

    async def steps(visit: Visit) -> None:
        nonlocal now_s, found
        for page in pages:
            assert "€" not in (await visit(page))[2]
        found = "EUR"
        # it is not looked for with every page
        assert "€" not in (await visit("/business"))[2]
        assert looks == [0.0]
        now_s = 6.0
        answer = (await visit("/api/v1/kpis", Authorization=f"Bearer {token}"))[2]
        assert json.loads(answer)["currency"] == "EUR"
        for page in pages[:2]:
            assert "€" in (await visit(page))[2]
        now_s = 100.0
        await visit("/business")
        assert looks == [0.0, 6.0]

    office.visited(steps)


def test_pages_of_the_directory_say_while_it_has_not_read_everything(office: Office) -> None:
    now_s = 1000.0
    office.monotonic = lambda: now_s
    commit(office.store, office.store.claim(), [], offset=100_000)
    pages: tuple[tuple[str, dict[str, str] | None], ...] = (
        *(("/customers", None), ("/business", None)),
        ("/customer", {"customer_id": "c-3"}),
    )

    def unread(share: float) -> None:
        """Some seconds later so great a share of all records is unread."""
        nonlocal now_s
        now_s += 6
        office.operations.unread = round(share / (1 - share) * 100_000)

    async def said(visit: Visit) -> set[str]:
        found = set()
        for path, form in pages:
            status, _, text = await visit(path, form)
            assert status == 200
            told = re.findall(r'<p class="note" role="status">([^<]*)</p>', text)
            found.add("".join(told))
        return found

    async def steps(visit: Visit) -> None:
        nonlocal now_s, pages
        for share, shown in ((0.3, "70%"), (0.011, "99%")):
            unread(share)
            line = f"Still reading: {shown} of all records so far. What this page shows is not complete yet."
            assert await said(visit) == {line}
        text = (await visit("/business", Accept_Language="de"))[2]
        assert "Es wird noch gelesen: bisher 99\xa0% aller Einträge. Diese Seite ist noch nicht vollständig." in text
        # what a shop that is open always has under way
        unread(0.001)
        assert await said(visit) == {""}
        now_s += 6
        office.operations.is_away = True
        # who agreed to be scored is not known either, so there is no list by scores
        assert (await visit("/customers"))[0] == 503
        pages = pages[1:]
        assert await said(visit) == {"Whether everything that happened is on this page cannot be said now."}

    office.visited(steps)


def test_channels_are_named_in_the_language_of_who_asks(office: Office) -> None:
    came = [TimelineEntry("c-3", "interaction", 1, 1, "visited", channel) for channel in ("web", EVIL)]
    commit(office.store, office.store.claim(), came)

    async def steps(visit: Visit) -> None:
        for tag, named in (("en", "web"), ("de", "Internet"), ("zh", "网站")):
            for path, form in (("/business", None), ("/customer", {"customer_id": "c-3"})):
                text = (await visit(path, form, Accept_Language=tag))[2]
                assert re.search(rf">{named}[ <]", text), (tag, path)
                assert EVIL not in text
            text = (await visit("/customers", Accept_Language=tag))[2]
            assert f'<option value="web">{named}</option>' in text
            assert f'<option value="{escape(EVIL)}">' in text

    office.visited(steps)
