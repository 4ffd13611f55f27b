"""What it costs the core that two customers become one: ``python -m benchmarks.identity_merge``.

Two customers of 1,000 events each (clicks and orders of two months) are merged: the core reads the record of the
departure and the events of the one who leaves, sent again for the other, in one step. No Kafka and no Redis; documents
are built. CPU time of each merge by phase, for many pairs of customers; the first of them warm up. A profile
remembers 1,024 ids of events, so of customers with more than that together the oldest are refused: that is shown.
"""

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.core import scorer
from benchmarks.workload import TYPES
from stream.agents.memory import tune_garbage_collection
from stream.catalogue.events import EventType
from stream.events.decode import Decoder
from stream.identity.departures import AGAIN, ARRIVED_AS, Departure, departure_record
from stream.identity.note_proof import NoteProof
from stream.processing.align import Aligner, Taken
from stream.processing.departed import departures_in
from stream.processing.kernel import Kernel
from stream.processing.outgoing import Topics
from stream.processing.partition import Partition
from stream.processing.rules import Rules

_DAY_S = 86_400
_PURCHASE = TYPES.index(EventType.PURCHASE)
_CLICK = TYPES.index(EventType.CLICK)
_WARM = 20

Headers = tuple[tuple[str, bytes | None], ...]


class _Record(NamedTuple):
    key: bytes
    value: bytes
    timestamp: int
    offset: int
    headers: Headers = ()


class _Core:
    """One partition of the core, without its servers."""

    def __init__(self, now_ms: int) -> None:
        rules = Rules()
        self._now_ms = now_ms
        self._model = scorer()
        self._proof = NoteProof(b"k" * 32)
        self._decoder = Decoder()
        self._aligner = Aligner(len(TYPES))
        topics = [event_type.value for event_type in TYPES]
        self._partition = Partition(0, rules, Kernel(rules), Topics(), topics, 2**62)
        self._offsets = dict.fromkeys(range(len(TYPES)), 0)
        self.spent: dict[str, float] = {}
        self.rejected = 0

    def departure(self, customer: str, into: str, edition: int) -> tuple[bytes, bytes, Headers]:
        gone = Departure(customer_id=customer, merged_into=into, edition=edition)
        key, value, headers = departure_record(gone, self._proof)
        return key, value, tuple(headers)

    def take(self, logs: dict[int, list[tuple[bytes, bytes, Headers]]]) -> None:
        """Take records in, in one step; ``spent`` is in seconds."""
        began = time.process_time()
        for source, contents in logs.items():
            records = []
            for key, value, headers in contents:
                records.append(_Record(key, value, self._now_ms, self._offsets[source], headers))
                self._offsets[source] += 1
            offsets = np.array([record.offset for record in records])
            self._aligner.push(source, None, offsets, records, self._decoder.decode(TYPES[source], records))
        taken = self._aligner.take([True] * len(TYPES), 10**6)
        if taken is None:
            raise SystemExit("nothing was taken")
        decoded = time.process_time()
        taken = self._followed(taken)
        outcome = self._partition.leave(
            self._partition.step(taken, self._model, self._now_ms), self._model, self._now_ms
        )
        self._partition.accept(outcome)
        done = time.process_time()
        self.spent = {"decode": decoded - began, "step": done - decoded, "merge": done - began}
        self.rejected = len(outcome.rejected)

    def _followed(self, taken: Taken) -> Taken:
        taken, departures = departures_in(taken, self._proof, lambda _who, _at_ms: False)
        missing = self._partition.missing([*taken.row_of, *departures])
        self._partition.remember(missing, [None] * len(missing))
        return self._partition.follow(taken, departures)


def events_of(customer: str, count: int, begin_s: int, number: int) -> dict[int, list[tuple[bytes, bytes]]]:
    """Key and value of a customer's events by source, a tenth of them orders."""
    found: dict[int, list[tuple[bytes, bytes]]] = {_CLICK: [], _PURCHASE: []}
    for at in range(count):
        source = _PURCHASE if at % 10 == 0 else _CLICK
        fields = {
            "event_id": f"{customer}-{at}",
            "customer_id": customer,
            "occurred_at": begin_s + at * 60 * _DAY_S // count + number,
            "name": "completed" if source == _PURCHASE else "page_viewed",
        }
        if source == _PURCHASE:
            fields |= {"order_id": f"{customer}-o{at}", "amount": 20.0, "currency": "EUR"}
        found[source].append((customer.encode(), json.dumps(fields).encode()))
    return found


def main() -> None:
    """Print the times and, with ``--json``, write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--pairs", type=int, default=300)
    parser.add_argument("--json", help="write the figures to this file")
    options = parser.parse_args()
    now_s = int(time.time())
    core = _Core(now_s * 1000)
    begin_s = now_s - 61 * _DAY_S
    tune_garbage_collection()
    times: dict[str, list[float]] = defaultdict(list)
    refused = 0
    for pair in range(_WARM + options.pairs):
        one, other = f"c-{pair}-1", f"c-{pair}-2"
        for number, customer in enumerate((one, other)):
            logs = events_of(customer, options.events, begin_s, number)
            core.take({source: [(*record, ()) for record in log] for source, log in logs.items()})
        headers: Headers = ((ARRIVED_AS, other.encode()), (AGAIN, b"1"))
        again = {
            source: [
                (one.encode(), value.replace(f'"{other}"'.encode(), f'"{one}"'.encode()), headers) for _, value in log
            ]
            for source, log in events_of(other, options.events, begin_s, 1).items()
        }
        gone = core.departure(other, one, pair + 1)
        core.take({source: [gone, *log] for source, log in again.items()})
        if pair >= _WARM:
            refused += core.rejected
            for name, seconds in core.spent.items():
                times[name].append(seconds * 1000)
    share = refused / options.pairs / options.events
    print(f"{share:.1%} of the events that were sent again are refused as too late")
    figures: dict[str, object] = {"refused": share}
    for name, of in times.items():
        median, slow = np.percentile(of, [50, 99]).tolist()
        figures[name] = {"p50": median, "p99": slow}
        print(f"{name:<7} {median:7.2f} ms, p99 {slow:7.2f} ms")
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=2), "utf-8")


if __name__ == "__main__":
    main()
