"""CPU time of an event in a projection by phase, compared with decoding it: ``python -m benchmarks.projections``.

The events of `benchmarks.core` go through the projection `activity`, plain Python that touches one state an event, in
steps as a worker makes them: reading (decoding), loading of states, folding and encoding, and the commit to a Redis on
this machine. Figures are CPU time of this process for reading and folding, and elapsed time for Redis.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from benchmarks.workload import TYPES, Workload, slice_of, synthetic
from stream.events.decode import Decoder
from stream.events.log_event import LogRecord
from stream.local.redis import EmbeddedRedis
from stream.projections.activity import Activity
from stream.projections.folding import FoldingPartition, Part, ProjectionTopics
from stream.settings import Settings
from stream.storage.connection import connect
from stream.storage.keys import Keys
from stream.storage.projection_store import ProjectionStore


async def run(logs: Sequence[list[LogRecord]], step_records: int, settings: Settings) -> dict[str, float]:
    """Microseconds an event by phase, over one pass."""
    spent: dict[str, float] = defaultdict(float)
    decoder, projection = Decoder(), Activity(settings)
    partition = FoldingPartition(projection, 0, ProjectionTopics("dead-letters", "alerts"), 2**62)
    client = connect(settings)
    store = ProjectionStore(client, Keys(settings.namespace), projection.name, projection.version, 0, "benchmark")
    await store.claim()
    total = sum(map(len, logs))
    ends = [0] * len(TYPES)
    for begin in range(0, total, step_records):
        share = slice_of(logs, begin, begin + step_records, total)
        began = time.process_time()
        for event_type, part in zip(TYPES, share, strict=True):
            decoder.decode(event_type, part)
        spent["decode alone"] += time.process_time() - began
        parts = []
        for source, part in enumerate(share):
            ends[source] += len(part)
            parts.append(Part(source, part, ends[source]))
        began = time.process_time()
        missing = partition.read(parts)
        spent["read"] += time.process_time() - began
        began_s = time.perf_counter()
        while missing:
            partition.remember(missing, await store.states(missing))
            missing = partition.further()
        spent["load"] += time.perf_counter() - began_s
        began = time.process_time()
        outcome = partition.step(0)
        spent["fold"] += time.process_time() - began
        began_s = time.perf_counter()
        await store.commit(outcome.state, outcome.written, outcome.forgotten, (), 0, outcome.timers, outcome.idle)
        spent["commit"] += time.perf_counter() - began_s
        partition.accept(outcome)
    await client.aclose()
    return {name: seconds / total * 1e6 for name, seconds in spent.items()}


def main() -> None:
    """Print a table and, with ``--json``, write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--step-records", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", help="write the medians to this file")
    options = parser.parse_args()
    workload = Workload(events=options.events, customers=options.customers)
    logs = synthetic(workload, time.time_ns() // 1_000_000)
    rounds = []
    with tempfile.TemporaryDirectory() as directory, EmbeddedRedis(Path(directory)) as redis:
        for number in range(options.rounds):
            settings = Settings(redis_url=redis.url, namespace=f"round{number}")
            rounds.append(asyncio.run(run(logs, options.step_records, settings)))
    figures = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    alone = figures.pop("decode alone")
    whole = sum(figures.values())
    for name, microseconds in [*figures.items(), ("all", whole), ("decode alone", alone)]:
        print(f"{name:<14}{microseconds:8.2f} us an event")
    print(f"{1e6 / whole:,.0f} events/s a process, {whole / alone:.1f} times the cost of decoding")
    if options.json:
        Path(options.json).write_text(json.dumps({**figures, "decode alone": alone, "all": whole}), "utf-8")


if __name__ == "__main__":
    main()
