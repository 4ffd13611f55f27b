"""Decisions about offers to the customers of a log, and to some who never order."""

import random
from typing import Final

import msgspec
from confluent_kafka import Producer

from stream.events.partitioner import partition_of
from stream.offering.offer_records import OfferDecision, decision_id_of
from stream.settings import Settings
from tests.faults.event_log import EventLog

__all__ = ["produce_decisions"]

_DAY_MS: Final = 86_400_000
_OFFERS: Final = ("nothing", "coupon", "call")


def produce_decisions(settings: Settings, log: EventLog) -> None:
    """Write the topic `offers`, if a projection reads it; one decision in ten comes twice."""
    if "offers" not in settings.projections:
        return
    rng = random.Random(f"decisions/{log.seed}")
    begin_ms = min(event.at for events in log.truth.values() for event in events)
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "enable.idempotence": True, "log_level": 0})
    for customer in [*sorted(log.truth), "nobody", "no one"]:
        for week in range(rng.randint(1, 5)):
            decided_ms = begin_ms + (20 * week + rng.randrange(20)) * _DAY_MS
            value = msgspec.json.encode(_decided(customer, decided_ms, rng))
            for _ in range(1 + (rng.random() < 0.1)):
                producer.produce(settings.offers, value, customer, partition_of(customer, log.partitions))
    if left := producer.flush(60.0):
        raise AssertionError(f"{left} decisions were not delivered")


def _decided(customer: str, at_ms: int, rng: random.Random) -> OfferDecision:
    drawn, held_out = rng.choice(_OFFERS), rng.random() < 0.2
    is_made = drawn != "nothing" and not held_out
    return OfferDecision(
        decision_id=decision_id_of(customer, at_ms),
        customer_id=customer,
        offer=drawn if is_made else None,
        channel="phone" if is_made else None,
        drawn=drawn,
        held_out=held_out,
        propensities={"nothing": 500_000, "coupon": 250_000, "call": 250_000},
        context=[64, rng.randrange(64)],
        order_value=30.0,
        margin=0.4,
        cost=2.0 if is_made else 0.0,
        discount=3.0 if drawn == "coupon" else 0.0,
        expected_gain=1.0,
        why="Silent for long.",
        window_days=28.0,
        decided_at=at_ms / 1000,
    )
