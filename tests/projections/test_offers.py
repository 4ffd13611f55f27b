"""Offers and what came of them: against a plain count over the lists of decisions and orders, in any order."""

from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

import msgspec
import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.leads.lead_contacts import week_of
from stream.offering.offer_records import OfferDecision, decision_id_of
from stream.projections.folding import FoldingPartition, Part, ProjectionTopics
from stream.projections.offers import Offers, OfferState, OfferTally, lead_key
from stream.settings import Settings
from tests.oracle.record import Record
from tests.projections.stepping import SteppedPartition

BEGIN_S = 1_767_225_600
DAY_S = 86_400
WINDOW_DAYS, MARGIN, VALUE = 10.0, 0.5, 20.0
COSTS = {"call": 3.0, "coupon": 0.5}
DISCOUNTS = {"call": 0.0, "coupon": 4.0}
PROPENSITIES = {"nothing": 500_000, "call": 300_000, "coupon": 200_000}


class Decided(NamedTuple):
    customer: str
    day: int
    drawn: str
    held_out: bool

    @property
    def offer(self) -> str | None:
        return None if self.held_out or self.drawn == "nothing" else self.drawn


class Ordered(NamedTuple):
    """An event of an order of 30.00: the order is named by customer and day."""

    customer: str
    day: int
    name: str
    amount: float | None = 30.0


customers = st.sampled_from(["a", "b", "/2900"])
decided = st.builds(Decided, customers, st.integers(0, 30), st.sampled_from([*PROPENSITIES]), st.booleans())
ordered = st.builds(
    Ordered,
    customers,
    st.integers(0, 45),
    st.sampled_from(["completed", "completed", "refunded", "cancelled"]),
    st.sampled_from([30.0, 30.0, 12.5, None]),
)
Event = Decided | Ordered


def decision(one: Decided) -> OfferDecision:
    at_s = BEGIN_S + one.day * DAY_S
    return OfferDecision(
        decision_id=decision_id_of(one.customer, at_s * 1000),
        customer_id=one.customer,
        offer=one.offer,
        channel="phone" if one.offer else None,
        drawn=one.drawn,
        held_out=one.held_out,
        propensities=PROPENSITIES,
        context=[64, one.day],
        order_value=VALUE,
        margin=MARGIN,
        cost=COSTS.get(one.drawn, 0.0),
        discount=DISCOUNTS.get(one.drawn, 0.0),
        expected_gain=1.0,
        why="Silent for long.",
        window_days=WINDOW_DAYS,
        decided_at=float(at_s),
    )


def record(offset: int, event: Event) -> Record:
    if isinstance(event, Decided):
        value = msgspec.json.encode(decision(event))
    else:
        body: dict[str, object] = {
            # a day has one event of an order of each name: what is told again is the same
            "event_id": f"{event.customer}/{event.day}/{event.name}",
            "customer_id": event.customer,
            "occurred_at": BEGIN_S + event.day * DAY_S + 3600,
            "name": event.name,
            "order_id": f"{event.customer}/{event.day}",
        }
        if event.amount is not None and event.name != "cancelled":
            body |= {"amount": event.amount, "currency": "EUR"}
        value = orjson.dumps(body)
    return Record(event.customer.encode(), value, offset=offset, timestamp=(BEGIN_S + 1000 * DAY_S) * 1000)


def folded(batches: Sequence[Sequence[Event]]) -> dict[str, OfferState]:
    """The states after steps of a partition that remembers little."""
    stepped = SteppedPartition(Offers(Settings(customer_ids="any")), cache=2)
    offset = 0
    for batch in batches:
        parts: tuple[list[Record], list[Record]] = ([], [])
        for event in batch:
            offset += 1
            parts[isinstance(event, Ordered)].append(record(offset, event))
        outcome = stepped.step(*(Part(source, part, offset) for source, part in enumerate(parts)))
        assert (outcome.rejected, outcome.skipped) == ((), 0)
    return {key: msgspec.json.decode(state, type=OfferState) for key, state in stepped.stored.items()}


def kept_of(events: set[Event], customer: str, day: int) -> float | None:
    """What is kept of the order of a day; None where there is none any more."""
    told = [event for event in events if isinstance(event, Ordered) and event[:2] == (customer, day)]
    completed = [event.amount or 0.0 for event in told if event.name == "completed"]
    refunds = [event.amount for event in told if event.name == "refunded"]
    if not completed or any(event.name == "cancelled" for event in told) or None in refunds:
        return None
    kept = max(max(completed) - sum(amount or 0.0 for amount in refunds), 0.0)
    return kept if kept or not refunds else None


def counted(events: set[Event]) -> dict[str, Any]:
    """What the weeks have, by a plain loop: profits, sums of labels, costs."""
    made = sorted({event for event in events if isinstance(event, Decided)}, key=lambda one: one.day)
    gram, moment, worth = np.zeros((6, 6)), np.zeros(6), 0.0
    tallies: dict[tuple[bool, str], list[float]] = {}
    spent: dict[str, float] = {}
    seen: set[tuple[str, str]] = set()
    for one in made:
        kept = [kept_of(events, one.customer, day) for day in range(one.day, one.day + 10)]
        money = [amount for amount in kept if amount is not None]
        x = np.array([1.0, one.day / 64])
        done = one.offer or "nothing"
        centred = [round(1024 * ((done == arm) - PROPENSITIES[arm] / 1e6)) / 1024 for arm in ("call", "coupon")]
        phi = np.concatenate([x, centred[0] * x, centred[1] * x])
        label = 0.0 if not money else 1 - DISCOUNTS.get(one.offer or "", 0.0) / VALUE
        gram += np.outer(phi, phi)
        moment += phi * label
        worth += label
        cost = COSTS.get(one.offer or "", 0.0)
        profit = sum(money) * MARGIN - cost - (DISCOUNTS.get(one.offer or "", 0.0) if money else 0.0)
        if one.drawn != "nothing" and (one.customer, one.drawn) not in seen:
            tallies.setdefault((one.held_out, one.drawn), []).append(round(profit * 100))
        seen.add((one.customer, one.drawn))
        if cost:
            spent[done] = spent.get(done, 0.0) + cost
    return {"gram": gram, "moment": moment, "worth": worth, "tallies": tallies, "spent": spent, "rows": len(made)}


def one_a_day(events: list[Event]) -> list[Event]:
    """The first decision about a customer on a day, and one story of each order."""
    found: dict[tuple[object, ...], Event] = {}
    for event in events:
        key = (type(event), *event[:2], event.name if isinstance(event, Ordered) else "")
        found.setdefault(key, event)
    return [*found.values()]


@settings(max_examples=60, deadline=None)
@given(st.lists(decided | ordered, max_size=20).map(one_a_day), st.integers(1, 6), st.randoms(use_true_random=False))
def test_states_follow_from_decisions_and_orders_in_any_order(events: list[Event], size: int, random: Random) -> None:
    shuffled = [*events, *random.sample(events, len(events) // 3)]
    random.shuffle(shuffled)
    states = folded([shuffled[begin : begin + size] for begin in range(0, len(shuffled), size)])
    assert states == folded([events] if events else [])
    weeks = [state for state in states.values() if state.week is not None]
    expected = counted({*events})
    assert sum(week.sums.rows for week in weeks) == expected["rows"]
    assert sum(week.sums.worth for week in weeks) / 1000 == pytest.approx(expected["worth"])
    names = ["", "call", "coupon"]
    for place, name in enumerate(names):
        total = sum(np.array(week.sums.moment.get(name, [0, 0])) for week in weeks) / 64 / 1024 / 1000
        assert total == pytest.approx(expected["moment"][2 * place : 2 * place + 2], abs=1e-9)
        for more, other in enumerate(names[place:], place):
            block = sum(np.array(week.sums.gram.get(f"{name}/{other}", [0, 0, 0])) for week in weeks) / (64 * 1024) ** 2
            of_both = expected["gram"][2 * place : 2 * place + 2, 2 * more : 2 * more + 2]
            assert block == pytest.approx(of_both[np.triu_indices(2)], abs=1e-9)
    for held_out in (False, True):
        for offer in COSTS:
            parts = [(week.held if held_out else week.offered).get(offer, OfferTally()) for week in weeks]
            profits = expected["tallies"].get((held_out, offer), [])
            assert sum(part.customers for part in parts) == len(profits)
            assert sum(part.profit for part in parts) == sum(profits)
            assert sum(part.squares for part in parts) == sum(profit**2 for profit in profits)
    for offer in COSTS:
        cents = sum(sum(week.spent.get(offer, {}).values()) for week in weeks) / 10_000
        assert cents == pytest.approx(expected["spent"].get(offer, 0.0))


def test_the_week_of_a_decision_knows_what_it_cost_on_which_day() -> None:
    one = Decided("a", 3, "call", held_out=False)
    states = folded([[one]])
    day = BEGIN_S // DAY_S + 3
    (of_week,) = [state for state in states.values() if state.week is not None]
    assert of_week.week == week_of((BEGIN_S + 3 * DAY_S) * 1000)
    assert of_week.spent == {"call": {str(day): 30_000}}
    assert of_week.offered == {"call": OfferTally(1, -300, 90_000)}


def test_a_customer_may_have_the_name_of_a_week_and_can_be_forgotten() -> None:
    states = folded([[Decided("/2900", 0, "call", held_out=True)]])
    assert [*Offers(Settings()).erase("/2900")] == [lead_key("/2900")]
    assert len(states[lead_key("/2900")].decisions) == 1


def test_what_is_no_decision_is_a_dead_letter_of_the_projection() -> None:
    partition = FoldingPartition(Offers(Settings()), 0, ProjectionTopics("dead-letters", "alerts"), 3)
    partition.read([Part(0, [Record(b"a", b'{"decision_id":1}', 0)], 1)])
    assert len(partition.step(0).rejected) == 1
