"""What keys of persons cost: ``python -m benchmarks.privacy_keys [--events 40000]``.

CPU time of the way of an event from JSON to Kafka's client, with and without `privacy_keys`: the check, the pseudonyms
and ciphertext, and handing over to librdkafka (to a broker of this machine). Rounds take turns, and the ratio is that
of the medians. Persons are known after the first round, as most are in a shop. The worker then reads records of the
same form under other ids; the second figure is the CPU time of its decoder over both logs.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import orjson

from stream.cli.topics import create_topics
from stream.client.event_contract import Draft, EventContract
from stream.client.event_record import EventRecord
from stream.client.producer import Producer
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.rejections import Rejection
from stream.local.broker import EmbeddedBroker
from stream.settings import Settings
from tests.oracle.record import Record

_AT_ONCE = 500
_AT_S = 1_717_158_600


def drafts(count: int, round_: int) -> list[Draft]:
    """Clicks and orders of a thousand customers."""
    made = []
    for k in range(count):
        common = {"event_id": f"e-{round_}-{k}", "customer_id": f"c-{k % 1000}", "occurred_at": _AT_S + k}
        event = (
            {**common, "name": "completed", "order_id": f"o-{round_}-{k}", "amount": 49.9, "currency": "EUR"}
            if k % 4 == 0
            else {**common, "name": "product_viewed", "product_id": f"p-{k % 97}"}
        )
        made.append(Draft(orjson.dumps(event)))
    return made


def ingested(producer: Producer, contract: EventContract, made: list[Draft]) -> tuple[float, list[EventRecord]]:
    """CPU seconds, and the records that went to Kafka."""
    sent: list[EventRecord] = []
    began = time.process_time()
    for start in range(0, len(made), _AT_ONCE):
        admitted = contract.admit(made[start : start + _AT_ONCE], _AT_S * 1000 + 10**9)
        for record in producer.concealer.conceal(admitted.records):
            if isinstance(record, Rejection) or not isinstance(record, EventRecord):
                raise TypeError(f"expected an event, got {record}")
            producer.send(record)
            sent.append(record)
    producer.flush()
    return time.process_time() - began, sent


def decoded(settings: Settings, records: list[EventRecord]) -> float:
    """CPU seconds of the worker's decoder."""
    decoder = Decoder.of(settings)
    began = time.process_time()
    for event_type in (EventType.CLICK, EventType.PURCHASE):
        batch = [
            Record(one.customer_id.encode(), one.value, one.at_ms) for one in records if one.event_type is event_type
        ]
        if decoder.decode(event_type, batch).rejections:
            raise ValueError("the decoder refuses an event")
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name, EmbeddedBroker(Path(name) / "broker") as broker:
        plain = Settings(kafka_bootstrap=broker.bootstrap, partitions=2)
        create_topics(plain)
        keyed = replace(plain, privacy_keys=f"sqlite:///{name}/keys.sqlite", privacy_master_key="11" * 32)
        seconds: dict[str, list[float]] = {"plain": [], "keyed": [], "read plain": [], "read keyed": []}
        with Producer(plain) as one, Producer(keyed) as other:
            contract = EventContract(plain)
            for round_ in range(given.rounds + 1):
                made = drafts(given.events, round_)
                for what, settings, producer in (("plain", plain, one), ("keyed", keyed, other)):
                    took, sent = ingested(producer, contract, made)
                    if round_:
                        seconds[what].append(took)
                        seconds[f"read {what}"].append(decoded(settings, sent))
    for what in ("", "read "):
        before, after = (statistics.median(seconds[f"{what}{one}"]) for one in ("plain", "keyed"))
        each = 1e6 / given.events
        print(
            f"{what or 'ingest '}: {before * each:.1f} us an event, with keys {after * each:.1f}: {after / before:.2f}x"
        )


if __name__ == "__main__":
    main()
