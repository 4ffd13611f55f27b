"""CPU time of an event in the core by phase, compared with decoding it: ``python -m benchmarks.core``.

No Kafka and no Redis: synthetic events of many customers go through decoding, alignment, the kernel and the building of
documents and outgoing records, in steps as a worker makes them. Figures are CPU time of this process. To compare
machines, use the ratio to the decoding of the same events in the same run.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from benchmarks.workload import TYPES, Workload, slice_of, synthetic
from stream.events.decode import Decoder
from stream.events.log_event import LogRecord
from stream.features.registry import FEATURES
from stream.processing.align import Aligner
from stream.processing.kernel import Kernel
from stream.processing.outgoing import Topics
from stream.processing.partition import Partition
from stream.processing.rules import Rules
from stream.processing.scorer import Scorer
from stream.storage.outbox_records import encode_record


def scorer() -> Scorer:
    """A model of a young shop: it scores every customer with all models and alerts nobody."""
    weights = np.full(len(FEATURES), 0.01)
    first = Scorer.first(28.0).model
    return Scorer(first._replace(version=1, weights=weights, bias=-3.0, learned=True, process_weight=0.1), None)


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
            decoded = [decoder.decode(event_type, part) for event_type, part in zip(TYPES, share, strict=True)]
        with phase("align"):
            for source, (part, found) in enumerate(zip(share, decoded, strict=True)):
                if part:
                    aligner.push(source, None, np.array([record.offset for record in part]), part, found)
            taken = aligner.take([True] * len(TYPES), step_records)
        if taken is None:
            continue
        missing = partition.missing(taken.row_of)
        partition.remember(missing, [None] * len(missing))
        with phase("step"):
            outcome = partition.step(taken, model, now_ms)
        with phase("encode"):
            for record in outcome.outgoing:
                encode_record(record)
            partition.accept(outcome)
    return {name: seconds / total * 1e6 for name, seconds in spent.items()}


def main() -> None:
    """Print a table and, with ``--json``, write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--step-records", type=int, default=16_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", help="write the medians to this file")
    options = parser.parse_args()
    now_ms = time.time_ns() // 1_000_000
    logs = synthetic(Workload(events=options.events, customers=options.customers), now_ms)
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
