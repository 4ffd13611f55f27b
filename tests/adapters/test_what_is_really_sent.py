"""Calls as providers really send them: forms that their documentation hardly mentions, and wrong values of shops."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.adapters import Ignored, Malformed, Native
from stream.adapters.segment import NAMES
from stream.client.event_contract import Draft, EventContract
from stream.settings import Settings
from tests.adapters.calls import NOW_MS, call, events, translate
from tests.adapters.test_cloudevents import EVENT
from tests.adapters.test_segment import ORDER, TRACK

NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)


def at(seconds: float) -> str:
    """A time of day so many seconds after the call is received."""
    return (NOW + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def track(event: str = "Order Completed", message_id: str = "m-1", **changes: Any) -> dict[str, Any]:
    properties = changes.pop("properties", {"order_id": "o-1", "total": 20})
    return {
        "type": "track",
        "event": event,
        "userId": "u-1",
        "messageId": message_id,
        "timestamp": at(-60),
        "properties": properties,
        **changes,
    }


def occurred(**changes: Any) -> float:
    """When a call of these changes occurred, in seconds after it was received."""
    sent_at = changes.pop("batch_sent_at", None)
    body: Any = track("Product Viewed", **changes)
    if sent_at is not None:
        body = {"batch": [body], "sentAt": sent_at}
    (event,) = events("segment", body)
    found = event["occurred_at"]
    seconds = found if isinstance(found, int | float) else datetime.fromisoformat(found).timestamp()
    return round(seconds - NOW_MS / 1000, 3)


def test_a_bare_array_is_a_batch_in_which_each_call_counts_by_itself() -> None:
    batch = [track("Product Viewed", f"m-{k}") for k in range(1000)]
    assert [event["event_id"] for event in events("segment", batch)] == [f"segment:m-{k}" for k in range(1000)]
    found = translate("segment", call([track(), "none", {"type": "identify"}]))
    assert [type(item) for item in found] == [Native, Malformed, Ignored]


@pytest.mark.parametrize(
    ("said", "meant"),
    [(None, "USD"), ("", "USD"), ("  ", "USD"), ("usd", "USD"), ("USD ", "USD"), (" eur", "EUR"), ("GBP", "GBP")],
)
def test_a_currency_is_written_in_capitals_and_is_dollars_unless_said(said: str | None, meant: str) -> None:
    (order,) = events("segment", track(properties={"order_id": "o-1", "total": 20, "currency": said}))
    assert (order["amount"], order["currency"]) == (20, meant)
    if said and said.strip():
        (order,) = events("cloudevents", purchase(currency=said), STRUCTURED)
        assert order["currency"] == meant


@pytest.mark.parametrize("event", ["Order Refunded", "Refunded Order"])
@pytest.mark.parametrize("said", [-20, "-20", 20, "+20.00", " 20 ", "2e1"])
def test_a_refund_is_its_amount_whatever_its_sign(event: str, said: object) -> None:
    (refund,) = events("segment", track(event, properties={"order_id": "o-4", "total": said, "currency": "USD"}))
    assert (refund["name"], refund["amount"]) == ("refunded", 20)
    (refund,) = events("cloudevents", purchase(name="refunded", amount=said), STRUCTURED)
    assert refund["amount"] == 20


def test_a_negative_order_stays_one_and_is_refused() -> None:
    (order,) = translate("segment", call(track(properties={"order_id": "o-1", "total": -20})))
    assert isinstance(order, Native)
    admitted = EventContract(Settings()).admit([Draft(order.value(), order.event_type)], NOW_MS)
    assert [bad.reason for bad in admitted.rejections] == ["bad_amount"]


@pytest.mark.parametrize(
    "said", ["1_299", "1,299.00", "nan", "inf", "Infinity", "0x10", "\u0661\u0662", "", "1e9999", True]
)
def test_an_invalid_number_stays_invalid(said: object) -> None:
    (order,) = translate("segment", call(track(properties={"order_id": "o-1", "total": said, "value": said})))
    assert isinstance(order, Native)
    admitted = EventContract(Settings()).admit([Draft(order.value(), order.event_type)], NOW_MS)
    if said == "":
        assert "amount" not in json.loads(order.value())
    else:
        assert len(admitted.rejections) == 1


def test_an_invalid_time_stays_invalid() -> None:
    for said in ("1_717_158_600", "nan", "infinity"):
        (event,) = translate("segment", call(track("Product Viewed", timestamp=said)))
        assert isinstance(event, Native)
        assert event.fields["occurred_at"] == said


def test_a_time_in_milliseconds_is_known_by_its_size() -> None:
    for said in (NOW_MS - 5000, str(NOW_MS - 5000), (NOW_MS - 5000) / 1000):
        assert occurred(timestamp=said) == -5


def test_a_refund_that_names_only_its_order_says_no_amount_and_no_currency() -> None:
    (refund,) = translate("segment", call(track("Order Refunded", properties={"order_id": "o-4"})))
    assert isinstance(refund, Native)
    assert {"amount", "currency"}.isdisjoint(json.loads(refund.value()))


@pytest.mark.parametrize("ahead_s", [3600.0, 30.0, 0.0, -3600.0, 86_400.0 * 400])
def test_the_time_is_corrected_for_a_wrong_clock(ahead_s: float) -> None:
    said = {"timestamp": at(ahead_s - 5)}
    assert occurred(batch_sent_at=at(ahead_s), **said) == -5
    assert occurred(sentAt=at(ahead_s), **said) == -5
    assert occurred(timestamp=None, originalTimestamp=at(ahead_s - 5), sentAt=at(ahead_s)) == -5
    # the call's own field wins over the batch's
    assert occurred(sentAt=at(ahead_s), batch_sent_at=at(ahead_s + 1000), **said) == -5


def test_the_first_receiver_tells_the_time_of_receipt() -> None:
    said = {"timestamp": None, "originalTimestamp": at(3600), "sentAt": at(3605), "receivedAt": at(-100)}
    assert occurred(**said) == -105
    assert occurred(**{**said, "originalTimestamp": None, "timestamp": at(3600)}) == -105


def test_a_time_that_segment_has_corrected_is_not_corrected_again() -> None:
    said = {"originalTimestamp": at(3600), "sentAt": at(3605), "receivedAt": at(-30)}
    assert occurred(timestamp=at(-35), **said) == -35
    assert occurred(timestamp=at(-35), **{**said, "receivedAt": None}) == -35
    assert occurred(timestamp=at(-35), **{**said, "originalTimestamp": None}) == -35


@pytest.mark.parametrize("sent_at", ["soon", "2024-05-31T12:00:00", {}, 1e30, -5, ""])
def test_a_time_of_sending_that_cannot_be_read_changes_nothing(sent_at: object) -> None:
    assert occurred(sentAt=sent_at) == -60


@given(at_s=st.integers(-(10**6), 0), behind_s=st.integers(-(10**6), 10**6), waited_s=st.integers(0, 10**6))
def test_the_corrected_time_does_not_depend_on_the_clock(at_s: int, behind_s: int, waited_s: int) -> None:
    """An event at ``at_s``, sent ``waited_s`` later, received at once, by a clock that is ``behind_s`` behind."""
    happened = at_s - waited_s
    assert occurred(timestamp=at(happened - behind_s), sentAt=at(at_s - behind_s), receivedAt=at(at_s)) in {
        happened,
        happened - behind_s,  # as Segment passes it on: not later than the receipt
    }
    if waited_s <= 10**5:
        assert occurred(timestamp=at(-waited_s - behind_s), batch_sent_at=at(-behind_s)) == -waited_s


@pytest.mark.parametrize(
    ("said", "native"),
    [
        ("Order Canceled", "cancelled"),
        ("order_cancelled", "cancelled"),
        ("Canceled Order", "cancelled"),
        ("Completed Order", "completed"),
        ("ORDER  COMPLETED", "completed"),
        ("completedOrder", "completed"),
    ],
)
def test_orders_have_several_spellings(said: str, native: str) -> None:
    (order,) = events("segment", track(said))
    assert (order["type"], order["name"]) == ("purchase", native)


@pytest.mark.parametrize(
    ("said", "native"),
    [
        ("Viewed Product", "product_viewed"),
        ("Viewed Product Category", "product_list_viewed"),
        ("Viewed Product List", "product_list_viewed"),
        ("Added Product", "product_added"),
        ("Removed Product", "product_removed"),
        ("Searched Products", "product_searched"),
        ("viewed-cart", "cart_viewed"),
    ],
)
def test_names_of_version_1_are_known(said: str, native: str) -> None:
    (event,) = events("segment", track(said, properties={"id": "p-1", "category": "Games"}))
    assert (event["name"], event["product_id"], event["category"]) == (native, "p-1", "Games")


def test_an_order_of_version_1_has_other_fields() -> None:
    properties = {**ORDER, "orderId": "o-9", "products": [{"id": "p-1", "price": "19", "quantity": 1}]}
    del properties["order_id"]
    (order,) = events("segment", track("Completed Order", properties=properties))
    assert (order["order_id"], order["items"]) == (
        "o-9",
        [{"product_id": "p-1", "price": 19, "quantity": 1, "category": None}],
    )


def test_every_spelling_leads_to_the_same_event() -> None:
    for name, row in NAMES.items():
        *thing, verb = name.split()
        for said in (name, name.upper(), name.replace(" ", "_"), " ".join((verb, *thing)).title()):
            (event,) = events("segment", track(said, properties=ORDER))
            assert (event["type"], event["name"]) == (row.event_type, row.name), said


def test_a_customer_has_one_spelling() -> None:
    for said in (" Zo\u00eb", "Zoe\u0308", "Zo\u00eb\t"):
        (event,) = events("segment", {**TRACK, "userId": said})
        assert event["customer_id"] == "Zo\u00eb"
        (event,) = events("cloudevents", {**EVENT, "subject": said}, STRUCTURED)
        assert event["customer_id"] == "Zo\u00eb"
    assert translate("segment", call({**TRACK, "userId": "  "})) == [Ignored("anonymous")]


STRUCTURED = {"content-type": "application/cloudevents+json"}


def purchase(**changes: object) -> dict[str, object]:
    data = {"order_id": "o-1", "amount": 20, "currency": "EUR", "name": "completed", **changes}
    name = str(data.pop("name"))
    return {**EVENT, "type": f"com.example.purchase.{name}", "data": data}
