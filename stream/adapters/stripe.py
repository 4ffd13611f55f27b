"""Stripe's webhooks: one event a post. Charges tell what is paid, and nothing else does, so that it counts once.

A customer who is saved tells which ids are one person's.
"""

from typing import Final

from stream.adapters.adapter import Call
from stream.adapters.event_table import (
    PURCHASE,
    EventTable,
    LinkRow,
    ProviderEvent,
    Row,
    customer,
    identified_by,
    needed,
    texts,
    time_at,
)
from stream.adapters.json_fields import MalformedError, amount, pick, required
from stream.adapters.provider import Provider, signed
from stream.adapters.signatures import Signature

__all__ = ["PROVIDER", "TABLE"]

_CHARGE: Final = "data.object"
_SAVED: Final = "data.object"
#: https://docs.stripe.com/currencies: digits after the point of an amount, where they are not two.
_DIGITS: Final = {
    **dict.fromkeys(
        ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"), 0
    ),
    **dict.fromkeys(("bhd", "jod", "kwd", "omr", "tnd"), 3),
}


def _kind(item: ProviderEvent) -> str:
    name = str(required(item.event, "type"))
    if name == "charge.succeeded" and pick(item.event, f"{_CHARGE}.captured") is False:
        return "charge.succeeded: not captured"
    return f"{name}: a test" if pick(item.event, "livemode") is False and name in {*TABLE.rows, *TABLE.links} else name


def _units(value: object, what: str) -> int:
    """A whole number, also one that was sent as text. Raises `MalformedError`."""
    found = amount(value)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if not isinstance(found, int) or isinstance(found, bool):
        raise MalformedError(f"expected `{what}` as a whole number of the smallest unit of the currency")
    return found


def _money(item: ProviderEvent, units: int) -> float:
    """An amount in the smallest unit, in major units."""
    return float(units / 10 ** _DIGITS.get(_currency(item).lower(), 2))


def _paid(item: ProviderEvent) -> float | None:
    found = pick(item.event, f"{_CHARGE}.amount_captured", f"{_CHARGE}.amount")
    return None if found is None else _money(item, _units(found, "amount_captured"))


def _currency(item: ProviderEvent) -> str:
    return str(required(item.event, f"{_CHARGE}.currency")).upper()


def _refund(item: ProviderEvent) -> float:
    """What came back this time: the charge tells the sum of all times, the event what it was before."""
    total = _units(required(item.event, f"{_CHARGE}.amount_refunded"), f"{_CHARGE}.amount_refunded")
    before = required(item.event, "data.previous_attributes.amount_refunded")
    return _money(item, total - _units(before, "data.previous_attributes.amount_refunded"))


_ORDER_ID: Final = needed(f"{_CHARGE}.id")
_COMPLETED: Final = Row(
    PURCHASE,
    "completed",
    {
        "order_id": _ORDER_ID,
        "amount": _paid,
        "currency": _currency,
        "occurred_at": time_at(f"{_CHARGE}.created"),
    },
)


def _number(item: ProviderEvent) -> str:
    """The customer as charges name them that have no address."""
    return item.customers.find(pick(item.event, f"{_SAVED}.metadata"), own_id=required(item.event, f"{_SAVED}.id"))


_CUSTOMER: Final = LinkRow(
    "identified",
    (("customer_id", _number), ("email", texts(f"{_SAVED}.email")), ("phone", texts(f"{_SAVED}.phone"))),
    identified_by("id"),
    time_at("created"),
)

#: By ``type``. Left out: payment intents, checkouts and invoices, whose money a charge tells; disputes.
TABLE: Final = EventTable(
    provider="stripe",
    one="an event of Stripe",
    rows={
        "charge.succeeded": _COMPLETED,
        "charge.captured": _COMPLETED,
        "charge.refunded": Row(PURCHASE, "refunded", {"order_id": _ORDER_ID, "amount": _refund, "currency": _currency}),
    },
    kind=_kind,
    identity=identified_by("id"),
    customer=customer(
        f"{_CHARGE}.metadata",
        address=(f"{_CHARGE}.billing_details.email", f"{_CHARGE}.receipt_email"),
        own_id=(f"{_CHARGE}.customer",),
    ),
    links={"customer.created": _CUSTOMER, "customer.updated": _CUSTOMER},
    occurred_at=time_at("created"),
)


def _parts(call: Call, name: str) -> list[str]:
    """The values of ``name`` in ``t=1492774577,v1=5257a8...,v1=...``: several signatures while a secret is replaced."""
    pairs = (part.strip().partition("=") for part in call.headers.get("stripe-signature", "").split(","))
    return [value for key, _, value in pairs if key == name]


def _made_at(call: Call) -> str | None:
    return next(iter(_parts(call, "t")), None)


def _signed(call: Call) -> list[bytes]:
    return [f"{_made_at(call)}.".encode("utf-8", "surrogateescape") + call.body]


#: HMAC-SHA256 of time and body, in hex.
_SIGNATURE: Final = Signature(
    "Stripe-Signature", lambda call: _parts(call, "v1"), _signed, encoding="hex", made_at=_made_at
)

PROVIDER: Final = Provider("stripe", TABLE.translate, signed("ingest_stripe_secret", _SIGNATURE))
