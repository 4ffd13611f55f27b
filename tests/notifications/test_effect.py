"""The effect of notifying: published intervals, laws of the comparison, and the way from topics to figures."""

import json
import math
from collections.abc import Iterable
from itertools import count

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.alerts.action_records import Action, ActionKind
from stream.alerts.alert_records import AlertKind, Cause
from stream.alerts.intervals import share_difference
from stream.events.decode import Decoder
from stream.events.times import instant, rfc3339
from stream.notifications.effect import MoneyMove, exposures, report
from stream.notifications.effect_input import PurchaseLog
from stream.notifications.inbound import Inbound
from stream.notifications.notification_records import Arm, DeliveryOutcome, Notification
from stream.notifications.verdict import verdict
from tests.notifications.rig import NotifierBench

DAY_MS = 86_400_000


START_MS = 1_750_000_000_000


_numbers = count(1)


def told(customer: str, arm: Arm | None, day: float = 0, **fields: object) -> Notification:
    base = Notification(
        alert_id=f"{next(_numbers):064x}",
        customer_id=customer,
        channel="mail",
        rule="all",
        outcome=DeliveryOutcome.HELD_OUT if arm is Arm.HELD_OUT else DeliveryOutcome.SENT,
        reason=None,
        arm=arm,
        kind=AlertKind.RAISED,
        cause=Cause.SILENCE,
        segment="loyal",
        risk=0.8,
        value_at_risk=10.0,
        attempts=1,
        digest=False,
        occurred_at=rfc3339(START_MS + round(day * DAY_MS)),
        at=rfc3339(START_MS + round(day * DAY_MS)),
    )
    return msgspec.structs.replace(base, **fields)


def test_alerts_about_complaints_are_compared_apart_from_those_about_risks() -> None:
    records = [
        told("a", Arm.NOTIFIED),
        told("a", Arm.HELD_OUT, 1, kind=AlertKind.COMPLAINT),
        told("b", Arm.NOTIFIED, 1, kind=AlertKind.COMPLAINT),
    ]
    first, mixed = exposures(records)
    assert ([(one.customer_id, one.arm) for one in first], mixed) == ([("a", Arm.NOTIFIED)], 0)
    drawn, mixed = exposures(records, kind=AlertKind.COMPLAINT)
    assert (sorted((one.customer_id, one.arm) for one in drawn), mixed) == (
        [("a", Arm.HELD_OUT), ("b", Arm.NOTIFIED)],
        0,
    )
    orders = {"b": [order(2)]}
    found = report(drawn, 0, orders, {}, horizon_days=7, as_of_ms=START_MS + 30 * DAY_MS).everyone
    assert (found.ordered.estimate, found.held_out.customers, found.notified.orders) == (1.0, 1, 1)


def order(day: float, amount: float = 10.0) -> MoneyMove:
    return MoneyMove(START_MS + round(day * DAY_MS), amount, is_order=True)


def test_a_customer_counts_once_from_the_first_alert_on() -> None:
    first, mixed = exposures(
        [
            told("a", Arm.NOTIFIED, 3),
            told("a", Arm.NOTIFIED, 1, channel="crm", alert_id="a" * 64),
            told("a", Arm.NOTIFIED, 1, alert_id="a" * 64),
            told("b", Arm.HELD_OUT, 2, segment=None),
            told("c", None),
            told("d", Arm.NOTIFIED, kind=AlertKind.CLEARED),
            told("e", Arm.NOTIFIED),
            told("e", Arm.HELD_OUT, 5),
        ]
    )
    by_customer = {item.customer_id: item for item in first}
    assert mixed == 1
    assert by_customer.keys() == {"a", "b"}
    assert by_customer["a"].at_ms == START_MS + DAY_MS
    assert by_customer["a"].channels == {"mail", "crm"}
    assert by_customer["b"].segment == "none"


def test_only_what_lies_within_the_horizon_after_the_alert_counts() -> None:
    first, mixed = exposures([told("a", Arm.NOTIFIED), told("b", Arm.HELD_OUT), told("late", Arm.NOTIFIED, 3)])
    refund = MoneyMove(START_MS + 5 * DAY_MS, -4.0, is_order=False)
    orders = {"a": [order(-1), order(0), order(7, 25.0), refund, order(7.1, 99.0)], "b": [refund]}
    actions = {
        "a": [
            Action(action_id=str(n), customer_id="a", action=ActionKind.OFFER_ACCEPTED, occurred_at=instant(at_ms))
            for n, at_ms in enumerate((START_MS - 1, START_MS + DAY_MS, START_MS + 2 * DAY_MS))
        ]
    }
    found = report(first, mixed, orders, actions, horizon_days=7, as_of_ms=START_MS + 9 * DAY_MS)
    notified, held_out = found.everyone.notified, found.everyone.held_out
    assert (notified.customers, notified.orders, notified.spend) == (1, 1, 21.0)
    assert (held_out.customers, held_out.orders, held_out.spend) == (1, 0, -4.0)
    assert notified.actions[ActionKind.OFFER_ACCEPTED] == 1
    assert found.pending == 1
    assert found.everyone.ordered.estimate == 1.0
    assert found.everyone.spend.estimate == 25.0
    assert len(found.everyone.warnings) == 2


def test_failed_deliveries_count_in_the_group_that_was_to_be_notified() -> None:
    first, mixed = exposures([told("a", Arm.NOTIFIED, outcome=DeliveryOutcome.FAILED), told("b", Arm.NOTIFIED)])
    found = report(first, mixed, {}, {}, horizon_days=1, as_of_ms=START_MS + DAY_MS)
    assert (found.everyone.notified.customers, found.failed) == (2, 1)


@given(st.lists(st.tuples(st.sampled_from(Arm), st.sampled_from(["x", "y"]), st.booleans()), max_size=60))
def test_segments_add_up_to_everyone(customers: list[tuple[Arm, str, bool]]) -> None:
    records = [told(str(n), arm, segment=segment) for n, (arm, segment, _) in enumerate(customers)]
    orders = {str(n): [order(1)] for n, (_, _, ordered) in enumerate(customers) if ordered}
    found = report(*exposures(records), orders, {}, horizon_days=7, as_of_ms=START_MS + 30 * DAY_MS)
    for group in ("notified", "held_out"):
        everyone = getattr(found.everyone, group)
        parts = [getattr(comparison, group) for comparison in found.by_segment.values()]
        assert sum(part.customers for part in parts) == everyone.customers
        assert sum(part.orders for part in parts) == everyone.orders
        assert math.isclose(sum(part.spend * part.customers for part in parts), everyone.spend * everyone.customers)


def purchase(customer: str, event_id: str, name: str, day: float, order_id: str, amount: float = 0) -> bytes:
    at_s = (START_MS + day * DAY_MS) / 1000
    event: dict[str, object] = {
        "event_id": event_id,
        "customer_id": customer,
        "occurred_at": at_s,
        "name": name,
        "order_id": order_id,
    }
    return json.dumps(event | ({"amount": amount, "currency": "EUR"} if name != "cancelled" else {})).encode()


def test_orders_have_their_final_amounts() -> None:
    events = [
        purchase("a", "1", "completed", 1, "o1", 10),
        purchase("a", "1", "completed", 1, "o1", 10),  # a repeat
        purchase("a", "2", "completed", 2, "o2", 20),
        purchase("a", "3", "cancelled", 3, "o2"),
        purchase("a", "4", "refunded", 4, "o1", 2.5),
        purchase("b", "5", "completed", 9, "o3", 7),
        b"{",
    ]
    log = PurchaseLog({"a": "a"}, Decoder())
    keys = [b"a"] * 5 + [b"b", b"a"]
    at_ms = START_MS + 99 * DAY_MS
    log.add([Inbound("t", 0, n, key, value, at_ms) for n, (key, value) in enumerate(zip(keys, events, strict=True))])
    assert log.orders == {
        "a": [order(1), MoneyMove(START_MS + 4 * DAY_MS, -2.5, is_order=False)],
    }
    assert log.as_of_ms == START_MS + 9 * DAY_MS


def fill(bench: NotifierBench, told_records: Iterable[Notification], purchases: Iterable[tuple[str, bytes]]) -> None:
    bench.publish_all(
        [
            *((bench.settings.notifications, r.customer_id, msgspec.json.encode(r)) for r in told_records),
            *((bench.settings.events_purchase, customer, value) for customer, value in purchases),
        ]
    )


def test_the_effect_is_reported_from_the_topics(bench: NotifierBench) -> None:
    """150 customers in each group; 90 of the notified and 60 of the held-out ones order again."""
    records = [told(f"n{n}", Arm.NOTIFIED) for n in range(150)] + [told(f"h{n}", Arm.HELD_OUT) for n in range(150)]
    ordering = [f"n{n}" for n in range(90)] + [f"h{n}" for n in range(60)]
    purchases = [(c, purchase(c, f"e{c}", "completed", 2, f"o{c}", 10)) for c in ordering]
    purchases.append(("other", purchase("other", "last", "completed", 40, "x", 1)))
    fill(bench, records, purchases)
    recorded = bench.command("actions", "record", "n1", "offer_accepted", "--at", rfc3339(START_MS + DAY_MS))
    assert recorded.exit_code == 0, recorded.stderr

    shown = bench.command("effect", "--json")
    assert shown.exit_code == 0, shown.stderr
    found = json.loads(shown.stdout)
    everyone = found["everyone"]
    assert (everyone["notified"]["customers"], everyone["notified"]["orders"]) == (150, 90)
    assert (everyone["held_out"]["customers"], everyone["held_out"]["orders"]) == (150, 60)
    assert everyone["notified"]["actions"]["offer_accepted"] == 1
    expected = share_difference(90, 150, 60, 150)
    assert everyone["ordered"] == pytest.approx([*expected])
    assert everyone["spend"][0] == pytest.approx(2.0)
    assert everyone["warnings"] == []
    assert found["by_channel"].keys() == {"mail"}
    for_people = bench.command("effect")
    told_lines = " ".join(for_people.stdout.split())
    assert "an effect on orders" in told_lines
    assert told_lines.startswith("Notifying 150 customers brought €300 more in 28 days (between €")
    assert found["sentence"] == told_lines[: len(found["sentence"])]
    assert "90 60.0% [52.0%, 67.5%]" in told_lines
    assert "+20.0% [+8.7%, +30.6%]" in told_lines


def test_without_notifications_the_report_says_so(bench: NotifierBench) -> None:
    shown = bench.command("effect")
    assert shown.exit_code == 0, shown.stderr
    assert "Nobody to compare yet." in shown.stdout


def shown_sentence(notified: int, held_out: int, spends: tuple[float, float], *, pending: int = 0) -> str:
    """The sentence about groups of these sizes, in which each customer spends this amount, give or take 1."""
    records = [told(f"n{n}", Arm.NOTIFIED) for n in range(notified)]
    records += [told(f"h{n}", Arm.HELD_OUT) for n in range(held_out)]
    records += [told(f"p{n}", Arm.NOTIFIED, 25) for n in range(pending)]
    orders = {f"n{n}": [order(1, spends[0] + n % 2)] for n in range(notified)}
    orders |= {f"h{n}": [order(1, spends[1] + n % 2)] for n in range(held_out)}
    found = report(*exposures(records), orders, {}, horizon_days=28, as_of_ms=START_MS + 30 * DAY_MS)
    return verdict(found, lambda amount: f"{amount:,.0f} EUR")


def test_the_effect_begins_with_money() -> None:
    sentence = shown_sentence(200, 100, (30.0, 20.0))
    assert sentence.startswith("Notifying 200 customers brought 2,000 EUR more in 28 days (between 1,9")
    assert "chance" not in sentence


def test_an_effect_that_may_be_chance_is_called_so() -> None:
    assert "brought 0 EUR more in 28 days, which may be chance (between -" in shown_sentence(200, 100, (20.0, 20.0))
    assert "brought 2,000 EUR less" in shown_sentence(200, 100, (20.0, 30.0))


def test_a_shop_that_is_too_small_is_told_so() -> None:
    sentence = shown_sentence(60, 12, (30.0, 20.0))
    assert sentence.startswith("Too few customers to know: 60 notified and 12 held out")
    assert "Nobody was held out" in shown_sentence(300, 0, (30.0, 20.0))
    assert shown_sentence(0, 0, (0.0, 0.0), pending=3) == (
        "Nobody to compare yet: 3 customers wait for the end of their 28 days."
    )


def test_orders_before_the_delivery_are_not_credited() -> None:
    """Raised on day 0, delivered on day 2 (a digest), ordered on day 1: that order is nobody's merit."""
    records = [told("a", Arm.NOTIFIED, at=rfc3339(START_MS + 2 * DAY_MS)), told("b", Arm.HELD_OUT)]
    first, mixed = exposures(records)
    assert {item.customer_id: item.at_ms for item in first} == {"a": START_MS + 2 * DAY_MS, "b": START_MS}
    orders = {"a": [order(1, 50.0), order(8.5, 7.0)], "b": [order(1, 5.0)]}
    found = report(first, mixed, orders, {}, horizon_days=7, as_of_ms=START_MS + 30 * DAY_MS)
    assert (found.everyone.notified.orders, found.everyone.notified.spend) == (1, 7.0)
    assert (found.everyone.held_out.orders, found.everyone.held_out.spend) == (1, 5.0)


def test_an_alert_counts_from_the_first_channel_that_delivered_it() -> None:
    records = [
        told(
            "a",
            Arm.NOTIFIED,
            alert_id="a" * 64,
            channel=channel,
            outcome=outcome,
            at=rfc3339(START_MS + hours * 3_600_000),
        )
        for channel, hours, outcome in (
            ("mail", 1, DeliveryOutcome.FAILED),
            ("crm", 3, DeliveryOutcome.SENT),
            ("chat", 2, DeliveryOutcome.SENT),
        )
    ]
    (only,), mixed = exposures(records)
    assert (mixed, only.failed) == (0, False)
    assert only.channels == {"mail", "crm", "chat"}
    assert only.at_ms == START_MS + 2 * 3_600_000
