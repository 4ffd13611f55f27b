"""Output on a terminal: singular, more categories than there is room for, brackets."""

from zoneinfo import ZoneInfo

import msgspec
from rich.console import RenderableType

from stream.cli.console import console_for_people
from stream.cli.customer_view import _chance, _pairs
from stream.cli.leads_view import leads_view
from stream.cli.loyalty_view import loyalty_view
from stream.cli.recommendations_desk import ListsRecord, ShopRecord
from stream.cli.recommendations_view import recommendations_view, record_view, rules_view
from stream.cli.texts_view import clipped, tally_view
from stream.cli.themes_view import themes_view
from stream.consent.agreements import Agreements, Statement
from stream.consent.consented import Consented
from stream.consent.purposes import Purpose
from stream.leads.lead_cohorts import count
from stream.projections import judgements
from stream.projections.judgements import TextTally
from stream.projections.leads import LeadState
from stream.projections.texts import Text
from stream.recommending.association_rules import AssociationRule, AssociationRules
from stream.recommending.list_ranker import RankerRecord
from stream.recommending.recommended import RecommendationLists, Recommended
from stream.reporting.first_orders import LeadList, list_leads
from stream.reporting.learned_loyalty import Checked, CustomerLoyalty, LearnedLoyalty
from stream.reporting.themes import SaidText, themes_of
from stream.reporting.writing import Writing

WRITING = Writing("en_GB", "EUR", ZoneInfo("Europe/Berlin"))
DAY_MS = 86_400_000


def shown(view: RenderableType, width: int = 200) -> str:
    console = console_for_people()
    console.width = width
    with console.capture() as captured:
        console.print(view)
    return captured.get()


def test_one_customer_who_wrote_one_text_is_one() -> None:
    one = Text(1, "e1", 20_000 * DAY_MS, "reviewed", "fine", mood="positive")
    themes = themes_of([SaidText("c-1", one)])
    assert themes is not None
    assert "1 customer wrote, 0 in the 4 weeks before" in shown(themes_view(themes))
    estimated = shown(themes_view(msgspec.structs.replace(themes, estimated=1)))
    assert "mood: estimated for 1 text of which nobody told it; undecided for 0" in estimated


def test_one_label_is_one() -> None:
    category, mood = (
        judgements.Tested(labels=1, abstained=0, right=1),
        judgements.Tested(labels=1200, abstained=200, right=900),
    )
    text = shown(tally_view(TextTally(category_tested=category, mood_tested=mood)))
    assert "1 text has a category that was told; before that, 0 undecided, 1 of the other 1 right" in text
    assert "1,200 texts have a mood that was told; before that, 200 undecided, 900 of the other 1,000 right" in text


def test_loyalty_says_which_figure_is_learned_and_when_it_is_not() -> None:
    customers = [CustomerLoyalty("c-1", 0.47, 0.25, 8, 0)]
    few = shown(loyalty_view(LearnedLoyalty(is_learned=False, rate=0.25, checked=Checked(1, 0), customers=customers)))
    assert "by the formula" in few
    assert "learned: orders that stay" in few
    assert "not learned yet: 1 label, 200 are needed; all customers have the shop's share, 25%" in few
    checked = Checked(1600, 1400, 0.8, 0.82, 0.03, 0.06, 0.16)
    learned = shown(loyalty_view(LearnedLoyalty(is_learned=True, rate=0.8, checked=checked, customers=customers)))
    assert "tested on 1,400 later landmarks before it learned them: expected 80%, stayed 82%" in learned
    assert "mean squared error: learned 0.0300, the shop's share alone 0.0600, the formula 0.1600" in learned
    untested = LearnedLoyalty(is_learned=True, rate=0.8, checked=Checked(200, 0), customers=customers)
    assert "not tested yet" in shown(loyalty_view(untested))


def test_many_categories_are_shown_by_the_most_frequent_and_none_is_lost() -> None:
    counts = {f"c{k}": 40 - k for k in range(30)} | {"": 7}
    text = shown(tally_view(TextTally(categories={"2026-01": counts}, category_channels={"web": counts})), 120)
    table = text[text.index("category of texts") :].splitlines()
    assert table[0].split()[3:] == [*(f"c{k}" for k in range(8)), "all", "others", "undecided"]
    total = sum(40 - k for k in range(8, 30))
    expected = [*(str(40 - k) for k in range(8)), str(total), "7"]
    assert [line.split()[-10:] for line in table[1:4]] == [expected] * 3


def test_a_chance_within_one_week_is_in_one_week() -> None:
    now_week = 2_930
    person = LeadState("c-1", {now_week: 1 << 8})
    week = LeadState(week=now_week - 1, cells={"00103": [1, 1]})
    found = list_leads([person, week], ((7 * now_week) - 3) * DAY_MS, 7.0, 5)
    text = shown(leads_view(found, WRITING))
    assert "1 person was in touch and has not ordered" in text
    assert "Learned from 1 label, one for each lead and week" in text
    ((_, line),) = _chance(found.entries[0], WRITING)
    assert " in 1 week. " in line
    assert "Visited the site this week or last, on one day." in line


def test_who_refuses_scores_is_no_lead_and_who_refuses_mail_is_not_mailed() -> None:
    now_week = 2_930
    people = [LeadState(f"c-{number}", {now_week: 1 << 8}) for number in range(4)]
    said = {f"c-{number}": Agreements() for number in (1, 2)}
    said["c-1"].add(Purpose.PROFILING, None, Statement(1, True, "e-1", "consent withdrawn"))
    said["c-2"].add(Purpose.MARKETING, "email", Statement(1, True, "e-2", "consent withdrawn"))
    found = list_leads(people, ((7 * now_week) - 3) * DAY_MS, 7.0, 5, Consented(said, "opt-out"))
    assert [(one.customer_id, one.may_email) for one in found.entries] == [("c-0", True), ("c-2", False), ("c-3", True)]
    assert found.leads == 3
    # what was said after the events have ended holds now
    late = {"c-3": Agreements()}
    late["c-3"].add(Purpose.PROFILING, None, Statement(10**15, True, "e-3", "consent withdrawn"))
    asked_now = Consented(late, "opt-out", now_ms=10**15)
    found = list_leads(people, ((7 * now_week) - 3) * DAY_MS, 7.0, 5, asked_now)
    assert [one.customer_id for one in found.entries] == ["c-0", "c-1", "c-2"]
    unasked = list_leads(people, ((7 * now_week) - 3) * DAY_MS, 7.0, 5, Consented(said, "opt-in"))
    assert unasked.entries == ()


def test_nothing_is_learned_of_who_refuses_scores_under_another_id() -> None:
    """The projection knows what was said under the id of the lead alone."""
    now_week = 2_930
    people = {f"c-{n}": LeadState(f"c-{n}", {now_week - 9: 1 << 8}, ordered=now_week - 9 + n) for n in range(4)}
    people["c-9"] = LeadState("c-9", {now_week: 1 << 8})

    def leads_of(*names: str, consented: Consented) -> LeadList:
        weeks = {week: LeadState(week=week) for week in range(now_week - 20, now_week + 1)}
        for name in names:
            for week, landmark in people[name].counted.items():
                if week in weeks:
                    count(weeks[week].cells, landmark, 1)
        states = [*weeks.values(), *(people[name] for name in names)]
        return list_leads(states, ((7 * now_week) - 3) * DAY_MS, 7.0, 5, consented)

    refused = Agreements()
    refused.add(Purpose.PROFILING, None, Statement(1, True, "e-1", "consent withdrawn"))
    found = leads_of(*people, consented=Consented({"c-2": refused}, "opt-out"))
    assert found == leads_of("c-0", "c-1", "c-3", "c-9", consented=Consented({}, "opt-out"))
    assert found.leads_learned < leads_of(*people, consented=Consented({}, "opt-out")).leads_learned


def test_brackets_in_customers_texts_are_shown_unchanged() -> None:
    text = "write to [email] or [phone], see [/docs], :smile:"
    assert text in shown(_pairs(iter([("wrote", clipped(text))])))


def test_how_good_lists_were_is_told_of_both_kinds_of_lists_apart() -> None:
    records = [RankerRecord(3, 2, 1.5), RankerRecord(1, 0, 0.0)]
    lines = shown(record_view(ShopRecord(ListsRecord.of(records), ListsRecord.of([])))).splitlines()
    assert [line.split() for line in lines if line.strip().startswith(("buy", "you"))] == [
        ["buy", "again", "4", "50%", "0.375"],
        ["you", "may", "also", "like", "0", "-", "-"],
    ]


def test_lists_without_an_item_say_that_nothing_is_left() -> None:
    assert shown(recommendations_view(RecommendationLists())).startswith("nothing to offer: ")
    found = RecommendationLists(again=(Recommended("绿茶 [bold]", "Bought once, 2 days ago."),))
    text = shown(recommendations_view(found))
    assert "绿茶 [bold]" in text
    assert "nothing to offer" not in text


def test_a_rule_is_a_sentence_and_its_figures_stand_beside() -> None:
    rule = AssociationRule("tea", "[honey]", 1_045, 2_750, 0.12, 0.38, 3.24, 1e-9)
    text = shown(rules_view(AssociationRules((rule, rule), 900, 8_000, 30), 1))
    assert text.count("Who buys tea buys [honey] within 30 days: 38%, 3.2 times as often as customers alike.") == 1
    assert "1,045 of 2,750" in text
    assert "2 rules of 900 pairs of items and 8,000 customers; at most 5% of them are expected to be chance." in text
