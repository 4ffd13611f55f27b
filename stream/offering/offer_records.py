"""What was decided about customers: the records of the topic ``offers``.

JSON objects keyed by ``customer_id``, sent at least once; ``decision_id`` makes a repeat known.
"""

import hashlib
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from stream.alerts.alert_records import Sha256
from stream.events.model import CustomerId, Id, Instant

__all__ = ["OfferDecision", "decision_id_of"]

Share = Annotated[int, Meta(ge=0, le=1_000_000)]
Input = Annotated[int, Meta(ge=-256, le=256)]
Contrast = Annotated[int, Meta(ge=-1024, le=1024)]
Money = Annotated[float, Meta(ge=0.0, le=1e9)]


class OfferDecision(Struct, frozen=True, kw_only=True):
    """What is offered to a customer, or that nothing is, and with which probability that was so.

    ``offer``: its name in the offers file, null for nothing; ``channel``: by what way. ``drawn``: what the policy
    chose, "nothing" among it; ``held_out``: the customer is in the hold-out, and gets nothing whatever was drawn.
    ``propensities``: of each arm, in millionths, as it is after the hold-out. ``context``: what was known of the
    customer, in 1/64. ``order_value``: what an order of theirs is worth, and ``margin`` the share of an amount that is;
    ``cost`` of the offer, and ``discount`` if they order within ``window_days`` (money). ``expected_gain``: more than
    without the offer. ``why`` says it in a sentence.
    """

    decision_id: Sha256
    customer_id: CustomerId
    offer: Id | None
    channel: Id | None
    drawn: Id
    held_out: bool
    propensities: dict[str, Share]
    context: list[Input]
    order_value: Money
    margin: Annotated[float, Meta(gt=0.0, le=1.0)]
    cost: Money
    discount: Money
    expected_gain: float
    why: str
    window_days: Annotated[float, Meta(gt=0.0, le=366.0)]
    decided_at: Instant


def decision_id_of(customer_id: str, decided_ms: int) -> str:
    """The SHA-256, in hex, of what makes a decision the one it is."""
    return hashlib.sha256(msgspec.json.encode(("offer", customer_id, decided_ms))).hexdigest()
