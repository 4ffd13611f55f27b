"""What keys of persons cost: ``python -m benchmarks.privacy_keys [--events 200000] [--rounds 5]``.

The same events go through the product with and without `privacy_keys`, in turns. Two figures are CPU time an event:

* *ingest*: from JSON to Kafka's client in the process that sends: the check, pseudonyms and ciphertext, and librdkafka.
  It is the way of `stream ingest` without HTTP, of `stream import`, and of the client's `Producer`.
* *worker*: a whole worker over what was sent, at full speed, as `benchmarks.throughput` measures it, with its rate.

Persons have their keys before the first round, as most have in a shop. The floor is what no other writing of the code
could spare: one call of the cipher for each id, base64, and one encoding of the event.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import orjson

from benchmarks.engines import measure
from benchmarks.workload import TYPES, Workload, seed_model, stack, synthetic
from stream.client.event_contract import Draft, EventContract
from stream.client.event_record import EventRecord
from stream.client.producer import Producer
from stream.privacy.person_keys import PersonKeys
from stream.settings import Settings

_AT_ONCE = 500
_PARTITIONS = 2


class _Round(NamedTuple):
    """CPU us an event of either side, and the events that the worker stored a second."""

    ingest: float
    worker: float
    redis: float
    per_s: float


def drafts(workload: Workload) -> list[Draft]:
    """The events of a workload in the order of time, as a sender writes them."""
    logs = synthetic(workload, time.time_ns() // 1_000_000)
    told = [(record, event_type) for event_type, log in zip(TYPES, logs, strict=True) for record in log]
    told.sort(key=lambda one: one[0].timestamp)
    return [Draft(record.value, event_type) for record, event_type in told]


def ingested(settings: Settings, made: Sequence[Draft]) -> float:
    """CPU seconds of this process to send the events."""
    contract = EventContract(settings)
    now_ms = time.time_ns() // 1_000_000
    with Producer(settings) as producer:
        # who is new gets a key, which is no part of the measurement
        producer.concealer.conceal(contract.admit(made, now_ms).records)
        began = time.process_time()
        for start in range(0, len(made), _AT_ONCE):
            for record in producer.concealer.conceal(contract.admit(made[start : start + _AT_ONCE], now_ms).records):
                if not isinstance(record, EventRecord):
                    raise TypeError(f"expected an event, got {record}")
                producer.send(record)
        producer.flush()
        return time.process_time() - began


def measured(made: Sequence[Draft], settings: Mapping[str, Any]) -> _Round:
    """One round on a broker and a Redis of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        with stack(directory, _PARTITIONS, freeze_model=True, **settings) as running:
            ingest_s = ingested(running.settings, made)
            seed_model(running.settings)
            worker = measure("stream", running, len(made), None, directory)
            ingest_us = ingest_s * 1e6 / len(made)
            return _Round(ingest_us, worker.cpu_us_per_event, worker.redis_us_per_event, worker.events_per_s)


def floor_us(settings: Settings, made: Sequence[Draft]) -> float:
    """CPU us an event: ids that are encrypted, each with one call, and the event encoded once."""
    some = EventContract(settings).admit(made, time.time_ns() // 1_000_000).records
    keys = PersonKeys.of(settings)
    if keys is None:
        raise ValueError("the settings have no privacy_keys")
    persons = keys.persons(record.customer_id for record in some)
    encode = msgspec.json.Encoder().encode
    read = [orjson.loads(record.value) for record in some]
    todo = [
        (person, [event[name] for name in ("event_id", "order_id") if name in event], record.content)
        for record, event in zip(some, read, strict=True)
        if (person := persons[record.customer_id]) is not None
    ]
    best = float("inf")
    for _ in range(50):
        began = time.process_time()
        for person, ids, content in todo:
            for one in ids:
                person.encrypt(one)
            encode(content)
        best = min(best, time.process_time() - began)
    keys.close()
    return best * 1e6 / len(todo)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--customers", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-keys-") as name:
        keyed = Settings(privacy_keys=f"sqlite:///{name}/keys.sqlite", privacy_master_key=os.urandom(32).hex())
        ways = [("without", {}), ("with", {one: getattr(keyed, one) for one in ("privacy_keys", "privacy_master_key")})]
        rounds: dict[str, list[_Round]] = {"without": [], "with": []}
        for number in range(given.rounds):
            made = drafts(Workload(events=given.events, customers=given.customers, prefix=f"r{number}-"))
            for what, settings in ways if number % 2 else reversed(ways):
                rounds[what].append(one := measured(made, settings))
                told = " ".join(f"{field} {value:,.1f}" for field, value in one._asdict().items())
                print(f"{what:8} {told}", flush=True)
        floor = floor_us(keyed, drafts(Workload(events=4 * _AT_ONCE, customers=given.customers)))
    medians = {what: _Round(*map(statistics.median, zip(*some, strict=True))) for what, some in rounds.items()}
    for field in _Round._fields:
        before, after = (getattr(medians[what], field) for what in ("without", "with"))
        print(f"{field:8} without {before:,.1f}, with keys {after:,.1f}: {after / before:.2f}x")
    print(f"floor    {floor:.1f} us an event of what keys add to the ingest")


if __name__ == "__main__":
    main()
