"""What an event costs in the core, phase by phase, beside the cost of decoding it: ``python -m benchmarks.core``.

No Kafka and no Redis: synthetic events of many customers go through decoding, alignment, the kernel and the building of
documents and outgoing records, in steps as a worker makes them. Figures are CPU time of this process; the ratio to the
decoding of the same events in the same run is what can be compared between machines.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.features.registry import DAY_MS, FEATURES
from stream.processing.align import Aligner
from stream.processing.kernel import Kernel
from stream.processing.outgoing import Topics
from stream.processing.partition import Partition
from stream.processing.replay import LogRecord
from stream.processing.rules import NO_MODEL, Rules
from stream.processing.scorer import Scorer
from stream.storage.partition_store import encode_record

TYPES = tuple(EventType)
NAMES = {
    EventType.CLICK: ("product_viewed", "product_added", "page_viewed"),
    EventType.EMAIL: ("sent", "opened", "clicked"),
    EventType.PURCHASE: ("completed",),
}
SHARES = (0.6, 0.2, 0.2)


def synthetic(events: int, customers: int, now_ms: int, seed: int = 0) -> list[list[LogRecord]]:
    """Records of a day, by type: customers uniform, 60 % clicks, 20 % e-mails, 20 % orders."""
    rng = np.random.default_rng(seed)
    of_type = rng.choice(len(TYPES), events, p=SHARES)
    of_customer = rng.integers(0, customers, events)
    logs: list[list[LogRecord]] = [[] for _ in TYPES]
    for k in range(events):
        source = int(of_type[k])
        event_type, customer = TYPES[source], f"c{of_customer[k]:06d}"
        at_ms = now_ms - DAY_MS + k * DAY_MS // events
        event: dict[str, object] = {
            "event_id": f"e{k}",
            "customer_id": customer,
            "occurred_at": at_ms / 1000,
            "name": NAMES[event_type][k % len(NAMES[event_type])],
        }
        if event_type is EventType.PURCHASE:
            event |= {"order_id": f"o{k}", "amount": float(k % 100), "currency": "USD"}
        logs[source].append(LogRecord(customer.encode(), json.dumps(event).encode(), at_ms, len(logs[source])))
    return logs


def scorer() -> Scorer:
    """A model that scores everyone and alerts nobody."""
    weights = np.full(len(FEATURES), 0.01)
    return Scorer(NO_MODEL._replace(ready=True, version=1, weights=weights, bias=-3.0), None)


def run(logs: list[list[LogRecord]], step_records: int, now_ms: int) -> dict[str, float]:
    """CPU microseconds an event by phase, over one pass."""
    spent: dict[str, float] = defaultdict(float)

    @contextmanager
    def phase(name: str) -> Iterator[None]:
        began = time.process_time()
        yield
        spent[name] += time.process_time() - began

    rules, decoder, model = Rules(), Decoder(), scorer()
    aligner = Aligner(len(TYPES))
    partition = Partition(0, rules, Kernel(rules), Topics(), [event_type.value for event_type in TYPES], 2**62)
    total = sum(map(len, logs))
    for begin in range(0, total, step_records):
        share = slice_of(logs, begin, begin + step_records, total)
        with phase("decode"):
            decoded = [decoder.decode(event_type, part, now_ms) for event_type, part in zip(TYPES, share, strict=True)]
        with phase("align"):
            for source, (part, found) in enumerate(zip(share, decoded, strict=True)):
                if part:
                    aligner.push(source, None, np.array([record.offset for record in part]), part, found)
            taken = aligner.take([True] * len(TYPES), step_records)
        if taken is None:
            continue
        missing = partition.missing(taken.customer_ids)
        partition.remember(missing, [None] * len(missing))
        with phase("step"):
            outcome = partition.step(taken, model, now_ms)
        with phase("encode"):
            for record in outcome.outgoing:
                encode_record(record)
            partition.accept(outcome)
    return {name: seconds / total * 1e6 for name, seconds in spent.items()}


def slice_of(logs: list[list[LogRecord]], begin: int, end: int, total: int) -> list[list[LogRecord]]:
    """The records of each log that fall to the positions begin..end of all."""
    return [log[begin * len(log) // total : end * len(log) // total] for log in logs]


def main() -> None:
    """Print a table and, with ``--json``, write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--step-records", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", help="write the medians to this file")
    options = parser.parse_args()
    now_ms = time.time_ns() // 1_000_000
    logs = synthetic(options.events, options.customers, now_ms)
    run(slice_of(logs, 0, 4000, options.events), options.step_records, now_ms)  # compiles what is not cached
    rounds = [run(logs, options.step_records, now_ms) for _ in range(options.rounds)]
    medians = {name: float(np.median([figures[name] for figures in rounds])) for name in rounds[0]}
    total = sum(medians.values())
    print(f"{options.events:,} events of {options.customers:,} customers, median of {options.rounds} rounds")
    for name, microseconds in (medians | {"total": total}).items():
        print(f"  {name:7} {microseconds:6.2f} us an event, {microseconds / medians['decode']:5.2f} x decoding")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:  # noqa: PTH123 - a plain script
            json.dump({"us_per_event": medians, "ratio_to_decode": total / medians["decode"]}, file, indent=2)


if __name__ == "__main__":
    main()
