"""`stream offers`, `stream offer` and `stream effect` on real servers: from a decision to what it brought."""

import json

import msgspec

from stream.events.partitioner import partition_of
from stream.events.times import rfc3339
from stream.leads.lead_contacts import week_of
from stream.notifications.read_to_end import read_to_end
from stream.offering.offer_records import OfferDecision
from stream.processing.state import Counters, PartitionState
from stream.projections.offers import Offers, OfferState, OfferTally, week_key
from stream.storage.connection import connect_blocking
from stream.storage.keys import ProjectionKeys
from tests.oracle.record import Record
from tests.projections.stepping import SteppedPartition, part_of
from tests.reporting.conftest import PARTITIONS, CommandDesk
from tests.reporting.made_up_shop import DAY_MS, END_MS


def fold(desk: CommandDesk, decisions: list[OfferDecision], weeks: dict[str, OfferState]) -> None:
    """Store what the projection makes of decisions, and weeks as they are."""
    keys = ProjectionKeys(desk.settings.namespace, Offers.name, Offers.version, 0)
    with connect_blocking(desk.settings) as client:
        for number in range(PARTITIONS):
            own = [one for one in decisions if partition_of(one.customer_id, PARTITIONS) == number]
            records = [
                Record(one.customer_id.encode(), msgspec.json.encode(one), END_MS, offset=k)
                for k, one in enumerate(own)
            ]
            outcome = SteppedPartition(Offers(desk.settings), number).step(part_of(0, records))
            for key, state in outcome.written.items():
                client.set(keys.customer(number, key), state)
        for key, week in weeks.items():
            client.set(keys.customer(0, key), msgspec.json.encode(week))
        of_partition = PartitionState(stream_time_ms=END_MS, counters=Counters(applied=len(decisions) or 1))
        client.hset(keys.meta(0), mapping={"state": msgspec.json.encode(of_partition)})


def test_decisions_are_shown_published_and_hold_until_their_window_is_over(shop: CommandDesk) -> None:
    checked = shop.run("offers", "--check")
    assert (checked.exit_code, checked.stderr.endswith("offers.yaml: 2 offers\n")) == (0, True)
    shown = [json.loads(line) for line in shop.run("offers", "--json").stdout.splitlines()]
    done = shop.run("offers", "--decide", "--limit", "3")
    assert done.exit_code == 0, done.stderr
    published = [
        msgspec.json.decode(record.value or b"", type=OfferDecision)
        for record in read_to_end(shop.settings, shop.settings.offers)
    ]
    # nothing happens between both, but a clock that goes on names other decisions
    assert {one.customer_id for one in published} == {one["customer_id"] for one in shown}
    assert sum(one.cost for one in published if one.offer == "call") <= 20.0
    held_out = [one for one in published if one.held_out]
    assert 0 < len(held_out) < len(published)
    assert {one.offer for one in held_out} == {None}
    made = [one for one in published if one.offer is not None]
    assert done.stdout.startswith(f"Decided: {len(made)} offers for ")
    assert made[0].why.startswith(("No order for", "One order,"))

    fold(shop, published, {})
    again = shop.run("offers")
    assert again.stdout.startswith("To decide: 0 offers for "), again.stdout
    told = shop.run("offer", made[0].customer_id)
    assert told.exit_code == 0, told.stderr
    assert told.stdout.startswith("Decided on ")
    assert shop.run("offer", "nobody").exit_code == 1


def test_the_effect_says_what_each_offer_brought_or_that_it_is_not_known(shop: CommandDesk) -> None:
    week = week_of(END_MS - 60 * DAY_MS)
    sure = OfferState(
        week=week,
        offered={"ten-off": OfferTally(200, 200 * 500, 200 * 500**2 + 200), "call": OfferTally(3, 900, 300_000)},
        held={"ten-off": OfferTally(100, 100 * 300, 100 * 300**2 + 100)},
    )
    young = OfferState(week=week_of(END_MS), offered={"ten-off": OfferTally(1000, -(10**9), 10**15)})
    fold(shop, [], {week_key(week): sure, week_key(week_of(END_MS)): young})
    done = shop.run("effect", "--json")
    assert done.exit_code == 0, done.stderr
    call, coupon = json.loads(done.stdout)["offers"]
    assert (coupon["offered"], coupon["held_out"], coupon["gain"][0]) == (200, 100, 2.0)
    assert coupon["sentence"].startswith("A coupon of 10.00: it brought €400.00 more than it cost with 200 customers")
    assert call["sentence"].startswith("A call: not known yet. 3 customers got it and 0 were held out;")
    assert "A coupon of 10.00: it brought" in shop.run("effect").stdout
    since = rfc3339(END_MS)[:10]
    assert json.loads(shop.run("effect", "--json", "--since", since).stdout)["offers"] == []
