"""How well ids are joined, and what it costs: ``python -m benchmarks.identity``.

Joins: the bundled log of an online shop, with simulated ids (`benchmarks.simulated_people`). *Precision* is the share
of pairs of ids in one group that belong to one person and to nobody else. *Recall* is the share of such pairs, among
all ids in events, that are in one group. An event counts as right if it is sent to the right person.

Costs: events of `benchmarks.workload` go through the projection `arrivals` in steps as a worker makes them, with a
Redis on this machine: reading, loading, folding and encoding, and the commit. Kafka is not included. A tenth of the ids
are cookies whose customer is already known. CPU time of this process for reading and folding, elapsed time for Redis.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections import defaultdict
from itertools import combinations
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import msgspec

from benchmarks.simulated_people import Happening, People, people_of
from benchmarks.workload import TYPES, Workload, synthetic
from stream.agents.memory import tune_garbage_collection
from stream.cli.bundled import bundled
from stream.events.log import read_log
from stream.identity.arrival_notes import NOTE_HEADERS, TYPE_HEADER, Assigned, encode_note
from stream.identity.resolver import Resolver
from stream.local.redis import EmbeddedRedis
from stream.projections.arrivals import Arrivals
from stream.projections.folding import FoldingPartition, Part, ProjectionTopics
from stream.settings import Settings
from stream.storage.connection import connect
from stream.storage.keys import Keys
from stream.storage.outbox_records import encode_records
from stream.storage.projection_store import ProjectionStore

_ENCODE = msgspec.json.Encoder().encode
_LOG = "uci_online_retail_events.csv.gz"


class Joins(NamedTuple):
    """Shares of events. ``named``: came under a customer's id; ``at_once``: go to the right person when they come;
    ``held``: go there with a long enough hold. ``id_bytes``: mean size of a stored id.
    """

    precision: float
    recall: float
    named: float
    at_once: float
    held: float
    id_bytes: float


class _Record(NamedTuple):
    key: bytes
    value: bytes
    timestamp: int
    offset: int
    headers: tuple[tuple[str, bytes | None], ...]


def joined(happenings: list[Happening]) -> Joins:
    """Join the ids of a log link by link, and judge the groups."""
    resolver = Resolver()
    owners: dict[str, set[str]] = defaultdict(set)
    named = at_once = 0
    for one in happenings:
        for own_id, person in one.truth:
            owners[own_id].add(person)
        for link in one.links:
            resolver.take(link)
        named += one.own_id == one.person
        at_once += resolver.customer_of(one.own_id) == one.person
    held = sum(resolver.customer_of(one.own_id) == one.person for one in happenings)
    groups: dict[str, list[str]] = defaultdict(list)
    of_person: dict[str, list[str]] = defaultdict(list)
    for own_id, persons in owners.items():
        groups[resolver.customer_of(own_id)].append(own_id)
        if len(persons) == 1:
            of_person[min(persons)].append(own_id)
    joined_pairs = {pair for ids in groups.values() for pair in combinations(sorted(ids), 2)}
    wanted = {pair for ids in of_person.values() for pair in combinations(sorted(ids), 2)}
    right = len(joined_pairs & wanted)
    stored = [len(name) + len(_ENCODE(node)) for name, node in resolver.nodes.items()]
    count = len(happenings)
    return Joins(
        right / len(joined_pairs),
        right / len(wanted),
        named / count,
        at_once / count,
        held / count,
        statistics.mean(stored),
    )


def records_of(events: int, customers: int) -> list[_Record]:
    """Events of the workload in the topic `arrivals`; every tenth customer is a cookie whose customer is known."""
    logs = synthetic(Workload(events=events, customers=customers), time.time_ns() // 1_000_000)
    found: list[_Record] = []
    known: set[bytes] = set()
    for event_type, log in zip(TYPES, logs, strict=True):
        for record in log:
            headers = ((TYPE_HEADER, event_type.value.encode()),)
            key, value = record.key, record.value
            if crc32(key) % 10 == 0:
                cookie = b"anonymous_id:h1_" + key.ljust(22, b"_")[:22].replace(b"-", b"_")
                value = value.replace(b'"' + key + b'"', b'"' + cookie + b'"')
                if cookie not in known:
                    known.add(cookie)
                    note = Assigned(id=cookie.decode(), customer_id=key.decode(), version=0)
                    found.append(_Record(cookie, encode_note(note), record.timestamp, 0, tuple(NOTE_HEADERS)))
                key = cookie
            found.append(_Record(key, value, record.timestamp, 0, headers))
    notes = [record for record in found if record.headers == tuple(NOTE_HEADERS)]
    return notes + sorted((one for one in found if one.headers != tuple(NOTE_HEADERS)), key=lambda one: one.timestamp)


async def costs(records: list[_Record], step_records: int, settings: Settings) -> dict[str, float]:
    """Microseconds an event by phase, over one pass."""
    spent: dict[str, float] = defaultdict(float)
    projection = Arrivals(settings)
    partition = FoldingPartition(projection, 0, ProjectionTopics("dead-letters", "alerts"), 2**62)
    client = connect(settings)
    store = ProjectionStore(client, Keys(settings.namespace), projection.name, projection.version, 0, "benchmark")
    await store.claim()
    published = trim = 0
    for begin in range(0, len(records), step_records):
        part = records[begin : begin + step_records]
        began = time.process_time()
        missing = partition.read([Part(0, part, begin + len(part))])
        spent["read"] += time.process_time() - began
        while missing:
            began_s = time.perf_counter()
            partition.remember(missing, await store.states(missing))
            spent["load"] += time.perf_counter() - began_s
            missing = partition.further()
        began = time.process_time()
        outcome = partition.step(0)
        outbox = encode_records(outcome.outgoing)
        spent["fold"] += time.process_time() - began
        began_s = time.perf_counter()
        await store.commit(
            outcome.state, outcome.written, outcome.forgotten, outbox, trim, outcome.timers, outcome.idle
        )
        spent["commit"] += time.perf_counter() - began_s
        partition.accept(outcome)
        trim = len(outbox)
        published += sum(record.topic != settings.assignments for record in outcome.outgoing)
    await client.aclose()
    notes = sum(record.headers == tuple(NOTE_HEADERS) for record in records)
    if published != len(records) - notes:
        raise SystemExit(f"{published:,} events were passed on, of {len(records) - notes:,}")
    return {name: seconds / published * 1e6 for name, seconds in spent.items()}


def main() -> None:
    """Print both tables and, with ``--json``, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--step-records", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", help="write the figures to this file")
    options = parser.parse_args()
    log = sorted(((event.customer_id, event.at_ms) for event in read_log(bundled(_LOG))), key=lambda one: one[1])
    judged = joined([*people_of(log, People(seed=options.seed))])
    for name, figure in judged._asdict().items():
        print(f"{name:<10}{figure:8.1f} bytes" if name == "id_bytes" else f"{name:<10}{figure:8.4f}")
    records = records_of(options.events, options.customers)
    tune_garbage_collection()
    rounds = []
    with tempfile.TemporaryDirectory() as directory, EmbeddedRedis(Path(directory)) as redis:
        for number in range(options.rounds):
            settings = Settings(redis_url=redis.url, namespace=f"round{number}")
            rounds.append(asyncio.run(costs(records, options.step_records, settings)))
    figures = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    whole = sum(figures.values())
    for name, microseconds in [*figures.items(), ("all", whole)]:
        print(f"{name:<10}{microseconds:8.2f} us an event")
    print(f"{1e6 / whole:,.0f} events/s a process")
    if options.json:
        Path(options.json).write_text(json.dumps({**judged._asdict(), **figures, "all": whole}), "utf-8")


if __name__ == "__main__":
    main()
