"""Loyalty learned from what came later: what stays, what was known, and that it beats the shop's share."""

from random import Random

import pytest

from stream.online_models.example import Label
from stream.projections.satisfaction import Opinion, Said
from stream.reporting.learned_loyalty import learned_loyalty
from stream.reporting.stay_model import MIN_LABELS, StayModel

DAY_MS = 86_400_000
HORIZON_MS = 28 * DAY_MS


def label(customer: str, period: int, purchases: int) -> Label:
    at_ms = period * HORIZON_MS
    return Label(
        example_id=f"{customer}@{period}",
        customer_id=customer,
        at_ms=at_ms,
        matured_at_ms=at_ms + HORIZON_MS,
        x=[],
        risk=None,
        model_version=0,
        churned=purchases == 0,
        purchases=purchases,
        spend=20.0 * purchases,
    )


def said(number: int, period: float, satisfaction: float, loyalty: float, ticket: str | None = None) -> Said:
    name = "rated" if ticket is None else "complained"
    at_ms = round(period * HORIZON_MS)
    return Said(number, at_ms, name, satisfaction=satisfaction, loyalty=loyalty, ticket=ticket)


def shop(customers: int) -> tuple[list[Label], dict[str, Opinion]]:
    """Half of the customers are content and keep their orders; the others keep a quarter, and say so."""
    labels, opinions = [], {}
    random = Random(7)
    for k in range(customers):
        is_content, of = k % 2 == 0, f"c-{k}"
        # all of them order eight times in every other period
        later = 8 if is_content else 2
        labels += [label(of, period, 8 if period % 2 == 0 else later) for period in range(9)]
        satisfaction = 0.9 if is_content else 0.2
        opinions[of] = Opinion(said=[said(k, random.random() / 2, satisfaction, 0.5 + (satisfaction - 0.5) / 10)])
    return labels, opinions


def test_with_few_labels_every_customer_has_the_share_of_the_shop() -> None:
    labels, opinions = shop(10)
    found = learned_loyalty([*labels, *labels], opinions)
    # of eight landmarks with a horizon before, four are followed by the smaller number, four by the larger
    shares = [1.0] * 5 * 8 + [0.25] * 5 * 4 + [1.0] * 5 * 4
    assert found.checked.labels == len(shares) < MIN_LABELS
    assert (found.is_learned, found.checked.tested) == (False, 0)
    assert found.rate == pytest.approx(sum(shares) / len(shares))
    assert {one.learned for one in found.customers} == {found.rate}


def test_what_came_later_teaches_who_stays_and_each_label_tests_first() -> None:
    labels, opinions = shop(200)
    found = learned_loyalty(labels, opinions)
    checked = found.checked
    assert found.is_learned
    # 200 landmarks of a period mature at the end of it: the model is learned from the third landmark on
    assert (checked.labels, checked.tested) == (1600, 1400)
    shares = [1.0] * 200 * 4 + [1.0, 0.25] * 100 * 3
    assert checked.stayed == pytest.approx(sum(shares) / len(shares))
    assert checked.learned is not None
    assert checked.rate is not None
    assert checked.formula is not None
    assert checked.learned < 0.7 * checked.rate < checked.formula
    # all ordered eight times; those who are not content come first
    assert {one.orders for one in found.customers} == {8}
    assert [round(one.formula, 2) for one in found.customers] == [0.47] * 100 + [0.54] * 100
    assert found.customers[99].learned < 0.5
    assert found.customers[100].learned > 0.8


def test_the_future_is_not_known_at_a_landmark() -> None:
    labels, opinions = shop(200)
    before = learned_loyalty(labels, opinions).checked
    told_later = {
        of: Opinion(said=[*one.said, said(9, 8.5, 0.0, 0.1), said(10, 8.6, 0.5, 0.1, ticket="t")])
        for of, one in opinions.items()
    }
    assert learned_loyalty(labels, told_later).checked == before
    # a complaint counts as it did before it was resolved
    complained = {of: Opinion(said=[said(1, 0.1, 0.0, 0.45, ticket="t")]) for of in opinions}
    resolved = {of: Opinion(said=[said(1, 0.1, 0.5, 0.45, ticket="t")]) for of in opinions}
    assert learned_loyalty(labels, complained) == learned_loyalty(labels, resolved)


def test_who_did_not_order_or_has_no_horizon_before_has_no_orders_that_could_stay() -> None:
    opinions = {"a": Opinion(said=[said(1, 0.1, 0.5, 0.5)])}
    assert learned_loyalty([label("a", 0, 0), label("a", 1, 3)], opinions).checked.labels == 0
    assert learned_loyalty([label("a", 0, 2), label("a", 2, 3)], opinions).checked.labels == 0
    found = learned_loyalty([label("a", 0, 4), label("a", 1, 1), label("b", 1, 0)], opinions)
    assert (found.checked.labels, found.rate) == (1, 0.25)
    assert learned_loyalty([label("a", 0, 4), label("a", 1, 0)], opinions).customers == []
    assert learned_loyalty([], opinions).rate is None


def test_the_model_follows_rivers_interface() -> None:
    model = StayModel()
    for k in range(2 * MIN_LABELS):
        model.learn_one({"good": float(k % 2)}, 1.0 if k % 2 else 0.5)
    assert model.predict_one({"good": 1.0}) > 0.8
    assert model.predict_one({"good": 0.0}) < 0.65
    assert model.clone().labels == 0
