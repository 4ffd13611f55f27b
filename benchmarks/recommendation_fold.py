"""How fast recommendations learn: ``python -m benchmarks.recommendation_fold LINES --item COLUMN [...]``.

The orders of a table of lines, as `benchmarks.recommendation_log` reads it, go through the projection as events, in
steps as a worker makes them, with all states in memory. Garbage is collected as rarely as in a worker. Figures are CPU
time of this process; the first ``--before`` orders are folded, not measured. What Redis costs beside is what
`benchmarks.projections` says of its states.
"""

from __future__ import annotations

import resource
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import orjson

from benchmarks.recommendation_log import Log, parser_of_lines, read_log
from stream.agents.memory import tune_garbage_collection
from stream.events.log_event import LogRecord
from stream.projections.folding import FoldingPartition, Part, ProjectionTopics
from stream.projections.recommendations import Recommendations
from stream.settings import Settings

__all__ = ["folded", "records_of"]

_HOUR_S: Final = 3600
_FIRST: Final = 100


def records_of(log: Log, limit: int) -> list[LogRecord]:
    """The first orders of a log as records of the topic of orders."""
    records = []
    for number, basket in enumerate(log.baskets[:limit]):
        items = [(log.names[item], log.categories[item]) for item in basket.items]
        customer = f"c{basket.customer}"
        event = {
            "event_id": f"e{number}",
            "customer_id": customer,
            "occurred_at": basket.hour * _HOUR_S,
            "name": "completed",
            "order_id": f"o{number}",
            "items": [{"product_id": name, **({} if of is None else {"category": of})} for name, of in items],
        }
        at_ms = basket.hour * _HOUR_S * 1000
        records.append(LogRecord(customer.encode(), orjson.dumps(event), at_ms, number))
    return records


def folded(records: Sequence[LogRecord], before: int, step_records: int) -> dict[str, float]:
    """Seconds by phase of what comes after the first ``before`` records; and the bytes of all states at the end."""
    settings = Settings(customer_ids="any")
    partition = FoldingPartition(Recommendations(settings), 0, ProjectionTopics("dead-letters", "alerts"), 2**62)
    states: dict[str, bytes] = {}
    spent: dict[str, float] = defaultdict(float)
    for begin in range(0, len(records), step_records):
        part = records[begin : begin + step_records]
        if begin == before // step_records * step_records:
            spent.clear()
        began_s = time.process_time()
        missing = partition.read([Part(0, part, part[-1].offset + 1)])
        while missing:
            partition.remember(missing, [states.get(key) for key in missing])
            missing = partition.further()
        spent["read and decode"] += time.process_time() - began_s
        began_s = time.process_time()
        outcome = partition.step(0)
        spent["fold and encode"] += time.process_time() - began_s
        partition.accept(outcome)
        states |= outcome.written
        for key in outcome.forgotten:
            del states[key]
    of_items = sum(len(state) for key, state in states.items() if not key.startswith("customer/"))
    return {**spent, "bytes of items": of_items, "bytes": sum(map(len, states.values()))}


def main() -> None:
    """Print orders a second, and how much memory it took."""
    parser = parser_of_lines(__doc__)
    parser.add_argument("--orders", type=int, default=2**62, help="play so many orders")
    parser.add_argument("--before", type=int, default=0, help="do not measure the first orders")
    parser.add_argument("--step-records", type=int, default=4096)
    options = parser.parse_args()
    records = records_of(read_log(options), options.orders)
    tune_garbage_collection()
    # what is compiled is loaded once, whatever comes then
    folded(records[:_FIRST], 0, options.step_records)
    peak_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = folded(records, options.before, options.step_records)
    orders = len(records) - options.before // options.step_records * options.step_records
    seconds = found["read and decode"] + found["fold and encode"]
    for name in ("read and decode", "fold and encode"):
        print(f"{name:<18}{found[name] / orders * 1e6:8.1f} us an order")
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak_before) / 1024
    print(
        f"{orders / seconds:,.0f} orders a second of CPU; states {found['bytes'] / 1e6:,.1f} MB, of them"
        f" {found['bytes of items'] / 1e6:,.1f} MB of items; memory grew by {peak:,.0f} MB"
    )


if __name__ == "__main__":
    main()
