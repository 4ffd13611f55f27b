"""Whom the plan of a day gives what: within audience, consent, cooling-off, budget and hold-out."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.consent.purposes import Purpose
from stream.offering.offer_plan import OfferCandidate, Planned, plan
from stream.offering.offer_records import OfferDecision
from stream.offering.offered import Made, made_of
from stream.offering.offers_file import OffersConfig, parse
from stream.offering.uplift import WHOLE, Uplifts

DAY_MS = 86_400_000
NOW_MS = 1_767_225_600_000
CONFIG = parse(
    """
hold_out: {share: 0.2, salt: s}
margin: 0.5
window_days: 10
exploration: 0
offers:
  call: {kind: call, what: a call, cost: 5, channel: phone, who: {stages: [at_risk], min_orders: 2},
         budget: {money: 12, days: 7}, cooling_off_days: 30}
  mail: {kind: mail, what: a letter, cost: 1, channel: post, consent: null}
""",
    source="o.yaml",
)


def sure(call: float, mail: float) -> Uplifts:
    """Uplifts about which there is no doubt."""
    return Uplifts(("call", "mail"), np.array([[call], [mail]]), np.full((2, 1, 2, 1), 0.0), 1000.0)


def candidate(
    number: int,
    value: float = 40.0,
    stage: str = "at_risk",
    orders: int = 3,
    decisions: Mapping[str, Made] | None = None,
) -> OfferCandidate:
    return OfferCandidate(f"c-{number}", stage, orders, [64], value, "Silent for long.", decisions or {})


def planned(
    candidates: Sequence[OfferCandidate],
    uplifts: Uplifts,
    *,
    config: OffersConfig = CONFIG,
    spent: Mapping[str, Mapping[int, int]] | None = None,
    may: Callable[[Purpose, str, OfferCandidate], bool] = lambda *_: True,
    held_out: Sequence[str] = (),
    now_ms: int = NOW_MS,
) -> dict[str, Planned]:
    found = plan(
        candidates,
        config,
        uplifts,
        now_ms,
        spent=spent or {},
        may=may,
        is_held_out=held_out.__contains__,
        money="{:.2f}".format,
    )
    return {one.decision.customer_id: one for one in found}


def offers(found: Mapping[str, Planned]) -> dict[str, str | None]:
    return {customer: one.decision.offer for customer, one in found.items()}


def test_the_offer_with_the_highest_gain_is_made_and_none_that_costs_more_than_it_brings() -> None:
    uplifts = sure(call=0.25, mail=0.05)
    found = planned([candidate(1, 40.0), candidate(2, 22.0), candidate(3, 10.0)], uplifts)
    # 40: 10 - 5 against 2 - 1; 22: 0.5 against 0.1; 10: below zero both
    assert offers(found) == {"c-1": "call", "c-2": "call", "c-3": None}
    decision = found["c-1"].decision
    assert (decision.expected_gain, decision.cost, decision.channel) == (5.0, 5.0, "phone")
    assert decision.why == "Silent for long. Expected to bring 5.00 more than without a call."
    assert found["c-3"].decision.why == "Silent for long. No offer is expected to bring more than it costs."


def test_a_budget_goes_to_the_highest_gains_and_counts_what_was_spent_in_its_days() -> None:
    uplifts = sure(call=0.25, mail=0.05)
    some = [candidate(number, 40.0 + number) for number in range(4)]
    assert offers(planned(some, uplifts)) == {"c-3": "call", "c-2": "call", "c-1": "mail", "c-0": "mail"}
    today = NOW_MS // DAY_MS
    spent = {"call": {today: 50_000, today - 6: 20_000, today - 7: 90_000}}
    assert offers(planned(some, uplifts, spent=spent)) == {"c-3": "call", "c-2": "mail", "c-1": "mail", "c-0": "mail"}


def test_who_may_not_have_an_offer_does_not_get_it() -> None:
    uplifts = sure(call=0.5, mail=0.1)
    few, due = candidate(1, orders=1), candidate(2, stage="due")
    assert offers(planned([few, due], uplifts)) == {"c-1": "mail", "c-2": "mail"}
    asked: list[tuple[Purpose, str]] = []

    def may(purpose: Purpose, channel: str, one: OfferCandidate) -> bool:
        asked.append((purpose, channel))
        return False

    assert offers(planned([candidate(1)], uplifts, may=may)) == {"c-1": "mail"}
    assert asked == [(Purpose.MARKETING, "phone")]
    assert planned([candidate(1, stage="lost")], uplifts) == {}


def test_a_customer_is_decided_about_again_after_the_window_and_an_offer_repeats_after_its_cooling_off() -> None:
    uplifts = sure(call=0.5, mail=0.1)
    first = planned([candidate(1)], uplifts)["c-1"].decision
    again = candidate(1, decisions={first.decision_id: made_of(first)})
    assert planned([again], uplifts, now_ms=NOW_MS + 9 * DAY_MS) == {}
    assert offers(planned([again], uplifts, now_ms=NOW_MS + 11 * DAY_MS)) == {"c-1": "mail"}
    assert offers(planned([again], uplifts, now_ms=NOW_MS + 31 * DAY_MS)) == {"c-1": "call"}


def test_who_is_held_out_gets_nothing_whatever_was_drawn() -> None:
    uplifts = sure(call=0.5, mail=0.1)
    found = planned([candidate(1), candidate(2)], uplifts, held_out=["c-1"])
    held = found["c-1"].decision
    assert (held.offer, held.drawn, held.held_out, held.cost) == (None, "call", True, 0.0)
    assert found["c-2"].decision.offer == "call"
    # both have the propensities of before it was known who is held out
    assert held.propensities == found["c-2"].decision.propensities == {"nothing": 200_000, "call": 800_000, "mail": 0}


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(0, 90), min_size=1, max_size=6),
    st.floats(0, 0.5),
    st.randoms(use_true_random=False),
)
def test_a_plan_follows_from_what_is_known(values: list[float], exploration: float, random: object) -> None:
    config = msgspec.structs.replace(CONFIG, exploration=exploration)
    uplifts = Uplifts(("call", "mail"), np.array([[0.1], [0.05]]), np.eye(2).reshape(2, 1, 2, 1) * 0.01, 100.0)
    some = [candidate(number, value) for number, value in enumerate(values)]
    found = planned(some, uplifts, config=config)
    random.shuffle(some)  # type: ignore[attr-defined]
    assert planned(some, uplifts, config=config) == found
    spent = 0.0
    for one in found.values():
        assert sum(one.decision.propensities.values()) == WHOLE
        assert one.decision.propensities[one.decision.drawn] > 0
        spent += 5.0 * (one.decision.offer == "call")
        written = msgspec.json.decode(msgspec.json.encode(one.decision), type=OfferDecision)
        assert made_of(written) == made_of(one.decision)
    assert spent <= 12.0
