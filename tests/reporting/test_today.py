"""Whom to contact: every customer has a standing, and every figure equals an independent computation."""

import math
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pandas as pd
import pytest

from stream.consent.agreements import Agreements, Statement
from stream.consent.consented import Consented
from stream.consent.purposes import Purpose
from stream.errors import CodecError
from stream.features.stages import Stage
from stream.processing.scorer import Scorer
from stream.reporting.advice import Advice
from stream.reporting.assess import Assessing
from stream.reporting.offer_candidates import candidates_of
from stream.reporting.summary import model_note, standing_line
from stream.reporting.today import list_today
from stream.reporting.writing import Writing
from tests.reporting.conftest import Processed
from tests.reporting.independent import frame, habits, habits_of
from tests.reporting.made_up_shop import DAY_MS, END_MS

WRITING = Writing("en_GB", "EUR", ZoneInfo("UTC"))
SINCE_MS = WRITING.midnight_ms(WRITING.day_of(END_MS - DAY_MS))


@pytest.fixture(params=["small", "middling"])
def shop(request: pytest.FixtureRequest) -> Processed:
    found: Processed = request.getfixturevalue(request.param)
    return found


def test_everybody_who_ordered_has_the_standing_of_an_independent_computation(shop: Processed) -> None:
    expected = habits(shop.shop, shop_gap=shop.basis.shop_gap_days)
    found = {}
    for some in Assessing(shop.documents, shop.basis):
        for row, card in enumerate(some.cards):
            found[card.customer_id] = (some.standing[row], some.silent_days[row], some.habit_days[row], card.spend)
    assert found.keys() == {*expected.index}
    names = {1: "active", 2: "at risk", 3: "lost"}
    for customer, (standing, silent, habit, spend) in found.items():
        of_one = expected.loc[customer]
        assert silent == pytest.approx(of_one["silent"], abs=1e-6)
        assert habit == pytest.approx(of_one["habit"], abs=1e-6)
        assert names[int(standing)] == of_one["standing"]
        assert spend == pytest.approx(of_one["spend"], abs=1e-6)


def test_the_list_has_exactly_the_customers_who_can_still_be_won_by_money_at_stake(shop: Processed) -> None:
    expected = habits(shop.shop, shop_gap=shop.basis.shop_gap_days)
    at_risk = {*expected.index[expected["standing"] == "at risk"]}
    found = list_today(shop.documents, shop.basis, since_ms=SINCE_MS, limit=10_000)
    assert {entry.customer_id for entry in found.entries} == at_risk
    assert found.at_risk == len(at_risk)
    assert found.standing["lost"] == (expected["standing"] == "lost").sum()
    stakes = [entry.at_stake for entry in found.entries]
    assert stakes == sorted(stakes, reverse=True)
    assert found.at_stake == pytest.approx(sum(stakes))
    short = list_today(shop.documents, shop.basis, since_ms=SINCE_MS, limit=3)
    assert short.entries == found.entries[:3]
    assert (short.at_risk, short.at_stake) == (found.at_risk, found.at_stake)


def test_an_offer_is_chosen_by_what_is_known_of_the_customer(shop: Processed) -> None:
    expected = habits(shop.shop, shop_gap=shop.basis.shop_gap_days)
    stages = {stage.code for stage in Stage if stage}
    found = candidates_of(Assessing(shop.documents, shop.basis), stages, margin=0.5)
    assert {one.customer_id for one in found} == {*expected.index}
    for one in found:
        of_one: Any = expected.loc[one.customer_id]
        constant, overdue, order_days, risk, on_site, opened = one.context
        assert constant == 64
        assert on_site in {0, 64}
        # one of five, as of everybody who got no mail
        assert opened == pytest.approx(64 / 5, abs=0.51)
        # sixty-fourths, from -4 to 4
        assert overdue == pytest.approx(min(16 * of_one["silent"] / of_one["habit"], 256), abs=0.51)
        assert order_days == pytest.approx(64 * math.log1p(of_one["order_days"]) / 3, abs=0.51)
        assert risk == 32 if not shop.basis.scores else 0 <= risk <= 64


def test_reasons_and_due_dates_name_the_habit(shop: Processed) -> None:
    expected = habits(shop.shop, shop_gap=shop.basis.shop_gap_days)
    for entry in list_today(shop.documents, shop.basis, since_ms=SINCE_MS, limit=10_000).entries:
        of_one: Any = expected.loc[entry.customer_id]
        silent, usual = round(of_one["silent"]), round(of_one["habit"])
        if of_one["order_days"] > 1:
            assert entry.reason == f"No order for {silent} days; usually every {usual}."
        else:
            assert (
                entry.reason
                == f"One order, {silent} days ago; a second usually follows after {round(shop.basis.shop_gap_days)}."
            )
        assert entry.due_ms == pytest.approx(of_one["last"] + of_one["habit"] * DAY_MS, abs=2)


def test_movements_are_those_since_yesterday(shop: Processed) -> None:
    orders = frame(shop.shop)
    orders = orders[orders["kind"] == "order"]
    for days in (2, 40):
        since_ms = WRITING.midnight_ms(WRITING.day_of(END_MS - days * DAY_MS))
        first = orders.groupby("customer")["at_ms"].min()
        lately = {*orders["customer"][orders["at_ms"] >= since_ms]}
        expected = habits(shop.shop, shop_gap=shop.basis.shop_gap_days)
        given_up = expected["last"] + (3 * expected["habit"]).clip(lower=28) * DAY_MS
        found = list_today(shop.documents, shop.basis, since_ms=since_ms, limit=1)
        assert found.new.count == (first >= since_ms).sum()
        # a customer who came since and was lost again is reported as lost
        still = {*expected.index[expected["standing"] != "lost"]}
        assert found.returning.count == len((lately - {*first.index[first >= since_ms]}) & still)
        assert found.lost.count == ((given_up >= since_ms) & (given_up < END_MS)).sum()
        # of gaps more than 90 days before the newest event only number and sum are known now, more was known then
        fewest, most = (_won_back(shop, orders, since_ms, still, margin) for margin in (1.4, 0.7))
        assert fewest <= found.won_back.count <= most


def _won_back(shop: Processed, orders: pd.DataFrame, since_ms: int, still: set[Any], margin: float) -> int:
    """How many of ``still`` had been silent ``margin`` times as long as the lost, when they ordered ``since_ms``."""
    earlier, later = orders[orders["at_ms"] < since_ms], orders[orders["at_ms"] >= since_ms]
    before = habits_of(earlier, {}, now_ms=since_ms, shop_gap=shop.basis.shop_gap_days, horizon=28.0)
    came = later.groupby("customer")["at_ms"].min().reindex(before.index)
    lost_at = before["last"] + margin * (3 * before["habit"]).clip(lower=28) * DAY_MS
    return len({*before.index[came > lost_at]} & still)


def test_a_small_shop_has_a_list_before_there_is_a_model(middling: Processed) -> None:
    # the rhythm is learned from the first orders on, the model needs labels
    unready = middling.basis.scorer.model._replace(ready=False)
    without = replace(middling.basis, scorer=replace(middling.basis.scorer, model=unready))
    found = list_today(middling.documents, without, since_ms=SINCE_MS, limit=10_000)
    scored = list_today(middling.documents, middling.basis, since_ms=SINCE_MS, limit=10_000)
    assert (found.scored, scored.scored) == (False, True)
    assert (found.risk_from, model_note(found)[:40]) == (None, "The model has not learned enough yet, so")
    assert (scored.risk_from, model_note(scored)) == ("outcomes", "")
    young = replace(middling.basis, scorer=Scorer.first(28.0))
    first = list_today(middling.documents, young, since_ms=SINCE_MS, limit=10_000)
    assert (first.risk_from, first.risk_sure) == ("orders", "low")
    assert "A first estimate, mostly by what is usual in other shops." in model_note(first)
    assert all(entry.risk is None for entry in found.entries)
    assert all(entry.risk is not None for entry in scored.entries)
    assert {entry.customer_id for entry in found.entries} == {entry.customer_id for entry in scored.entries}
    for entry in found.entries:
        assert entry.at_stake <= entry.spend  # of one horizon, which is shorter than their time with the shop


def test_unsubscribed_customers_are_marked(middling: Processed) -> None:
    unsubscribed = {event.customer_id for event in middling.shop.events if b'"unsubscribed"' in event.value}
    entries = list_today(middling.documents, middling.basis, since_ms=SINCE_MS, limit=10_000).entries
    assert any(entry.customer_id in unsubscribed for entry in entries)
    for entry in entries:
        assert entry.may_email == (entry.customer_id not in unsubscribed)
        assert (entry.advice is Advice.DO_NOT_EMAIL) == (not entry.may_email)


def withdrawn(*said: tuple[Purpose, str | None]) -> Agreements:
    agreements = Agreements()
    for purpose, channel in said:
        agreements.add(purpose, channel, Statement(0, True, "e-1", "consent withdrawn"))
    return agreements


def test_who_agrees_to_no_scores_is_counted_and_in_no_list(middling: Processed) -> None:
    every = list_today(middling.documents, middling.basis, since_ms=SINCE_MS, limit=10_000)
    refusers = {entry.customer_id for entry in every.entries[::2]}
    consented = Consented({one: withdrawn((Purpose.PROFILING, None)) for one in refusers}, "opt-out")
    found = list_today(middling.documents, middling.basis, since_ms=SINCE_MS, limit=10_000, consented=consented)
    assert refusers
    assert [one for one in every.entries if one.customer_id not in refusers] == [
        msgspec.structs.replace(one, advice=before.advice, action=before.action)
        for one, before in zip(found.entries, every.entries[1::2], strict=True)
    ]
    assert (found.not_scored, found.customers) == (len(refusers), every.customers)
    assert found.at_risk == every.at_risk - len(refusers)
    assert standing_line(found, WRITING).endswith("agree to no scores and are in no list.")
    assert (
        list_today(
            middling.documents, middling.basis, since_ms=SINCE_MS, limit=10, consented=Consented({}, "opt-in")
        ).entries
        == ()
    )


def test_nobody_is_told_to_use_a_channel_that_the_customer_refuses(middling: Processed) -> None:
    every = list_today(middling.documents, middling.basis, since_ms=SINCE_MS, limit=3).entries
    said = [
        withdrawn((Purpose.MARKETING, "email"), (Purpose.MARKETING, "post")),
        withdrawn((Purpose.MARKETING, None)),
        withdrawn((Purpose.MARKETING, "phone")),
    ]
    of = {one.customer_id: agreements for one, agreements in zip(every, said, strict=True)}
    found = list_today(
        middling.documents, middling.basis, since_ms=SINCE_MS, limit=3, consented=Consented(of, "opt-out")
    ).entries
    assert found[0].action == "Do not e-mail: unsubscribed. Call instead."
    assert found[0].refused == ("email", "post")
    assert found[1].action == "Do not e-mail: unsubscribed. No other way is allowed either."
    assert "phone" in found[2].refused
    assert "call" not in found[2].action


def test_a_document_that_is_read_twice_counts_once(small: Processed) -> None:
    once = list_today(small.documents, small.basis, since_ms=SINCE_MS, limit=50)
    assert list_today(small.documents * 2, small.basis, since_ms=SINCE_MS, limit=50) == once


def test_figures_are_those_of_the_day_not_of_the_documents(middling: Processed) -> None:
    """In a year everybody is lost, and nobody is at risk, though no document has changed."""
    later = replace(middling.basis, now_ms=END_MS + 1000 * DAY_MS)
    found = list_today(middling.documents, later, since_ms=SINCE_MS, limit=10)
    assert (found.entries, found.at_risk) == ((), 0)
    assert found.standing["lost"] == found.customers


def test_the_gap_of_the_shop_is_the_one_that_the_model_has_learned(middling: Processed) -> None:
    snapshot = middling.basis.scorer.snapshot
    assert snapshot is not None
    assert snapshot.rhythm is not None
    assert middling.basis.shop_gap_days == snapshot.rhythm.shop_gap_days


def test_customers_who_cannot_be_read_are_counted_and_hide_nobody(middling: Processed) -> None:
    first, second, *others = middling.documents
    cut, swapped = first[:-20], second.replace(b'"customer_id":"', b'"customer_id":"not-')
    damaged = [b"", b"no document", b'{"edition":{"number":', cut, swapped]
    found = list_today(damaged + others, middling.basis, since_ms=SINCE_MS, limit=10_000)
    without = list_today(others, middling.basis, since_ms=SINCE_MS, limit=10_000)
    assert found == msgspec.structs.replace(without, unreadable=len(damaged))
    assert "The stored data of 5 more customers cannot be read" in standing_line(found, WRITING)
    assert "cannot be read" not in standing_line(without, WRITING)
    # where nobody can be read, the program or its settings are wrong, and not one document
    with pytest.raises(CodecError):
        list_today(damaged, middling.basis, since_ms=SINCE_MS, limit=10_000)
    assert list_today([], middling.basis, since_ms=SINCE_MS, limit=10).customers == 0
