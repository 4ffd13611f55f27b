"""What the console shows of offers, against Redis: the same as the commands."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import msgspec

from stream.cli.console_offers import ShopOffers
from stream.consent.agreements import Agreements, Statement
from stream.consent.purposes import Purpose
from stream.events.partitioner import partition_of
from stream.leads.lead_contacts import week_of
from stream.notifications.read_to_end import read_to_end
from stream.offering.offer_records import OfferDecision
from stream.projections.consents import Consents
from stream.projections.offers import OfferState, OfferTally, week_key
from stream.storage.connection import connect_blocking
from stream.storage.keys import ProjectionKeys
from tests.reporting.conftest import OFFERS, PARTITIONS, CommandDesk
from tests.reporting.made_up_shop import DAY_MS, END_MS
from tests.reporting.test_offer_commands import fold


def test_what_would_be_offered_then_what_was_and_what_it_brought(shop: CommandDesk) -> None:
    offers = ShopOffers(replace(shop.settings, data_dir=str(shop.directory)))
    waiting = offers.shown()
    assert waiting.config is not None
    figures = waiting.figures
    assert {*figures} == {"ten-off", "call"}
    assert 0 < sum(one.waiting for one in figures.values()) <= waiting.undecided
    assert all(0 <= one.held_out <= one.waiting for one in figures.values())
    assert sum(one.waiting - one.held_out for one in figures.values()) == waiting.undecided - waiting.nothing
    assert [(one.spent, one.running, one.effect) for one in figures.values()] == [(0.0, 0, None)] * 2
    gains = [one.gain for one in waiting.now]
    assert gains == sorted(gains, reverse=True)
    assert len(gains) == min(20, waiting.undecided - waiting.nothing)
    assert {one.offer for one in waiting.now} <= {*figures}

    assert shop.run("offers", "--decide").exit_code == 0
    published = [
        msgspec.json.decode(record.value or b"", type=OfferDecision)
        for record in read_to_end(shop.settings, shop.settings.offers)
    ]
    assert len(published) == waiting.undecided
    made = Counter(one.offer for one in published if one.offer is not None)
    week = week_of(END_MS - 60 * DAY_MS)
    before = OfferState(
        week=week,
        offered={"ten-off": OfferTally(200, 200 * 500, 200 * 500**2 + 200)},
        held={"ten-off": OfferTally(100, 100 * 300, 100 * 300**2 + 100)},
    )
    fold(shop, published, {week_key(week): before})
    decided = offers.shown()
    assert (decided.undecided, decided.nothing, list(decided.now)) == (0, 0, [])
    assert {name: one.running for name, one in decided.figures.items()} == {name: made[name] for name in figures}
    costs = {name: round(offer.cost * made[name], 2) for name, offer in waiting.config.offers.items()}
    assert {name: round(one.spent, 2) for name, one in decided.figures.items()} == costs
    effect = decided.figures["ten-off"].effect
    assert effect is not None
    assert (effect.offered, effect.held_out) == (200, 100)
    assert effect.sentence.startswith("A coupon of 10.00: it brought")
    assert decided.figures["call"].effect is None


def test_nothing_is_offered_to_who_took_consent_back_after_the_last_event(shop: CommandDesk) -> None:
    def to_decide() -> set[str]:
        return {json.loads(line)["customer_id"] for line in shop.run("offers", "--json").stdout.splitlines()}

    before = to_decide()
    taken_back = min(before)
    said = Agreements()
    said.add(Purpose.PROFILING, None, Statement(END_MS + DAY_MS, True, "e-1", "consent withdrawn"))
    keys = ProjectionKeys(shop.settings.namespace, Consents.name, Consents.version, 0)
    with connect_blocking(shop.settings) as client:
        client.set(keys.customer(partition_of(taken_back, PARTITIONS), taken_back), msgspec.json.encode(said))
    assert before - to_decide() == {taken_back}


def test_a_shop_without_events_or_file_has_nothing_to_show(desk: CommandDesk, tmp_path: Path) -> None:
    path = tmp_path / "offers.yaml"
    offers = ShopOffers(replace(desk.settings, offers_file=str(path)))
    assert offers.shown().config is None
    path.write_text(OFFERS.replace("margin: 0.5", "margin: 5"))
    assert [line for line in offers.shown().problems if "margin" in line]
    path.write_text(OFFERS)
    shown = offers.shown()
    assert (list(shown.problems), shown.undecided) == ([], 0)
    assert [(one.waiting, one.running) for one in shown.figures.values()] == [(0, 0)] * 2
    assert list(offers.problems_of(OFFERS)) == []
    (problem,) = offers.problems_of(OFFERS.replace("cost: 2", "cost: dear"))
    assert problem.startswith("offer call: cost: expected `float`")
