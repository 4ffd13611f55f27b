"""What 100 million customers and a million events a second need: ``python -m benchmarks.plan``.

Computed from `RECORD`: CPU time an event at a million customers, from ``python -m benchmarks.throughput --broker kafka
--customers 1000000 --laws uniform --name throughput-million``, and bytes a customer, from ``benchmarks.scale``.
``--record`` takes either from ``build``, where it is there; ``--write`` puts the table into ``docs/scaling.md``.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.docs import DOCS, between_markers, table
from stream.storage.model_store import LEARNED_TTL_S

__all__ = ["RECORD", "plan", "recorded", "with_bytes", "with_cpu"]

RECORD: Final = Path(__file__).parent / "plan.json"

_CUSTOMERS: Final = 100_000_000
_EVENTS_PER_S: Final = 1_000_000
#: A core is at most so busy, Redis has so much memory for each byte in use, a node so many GB, an event so many bytes.
_BUSY, _RESERVE, _NODE_GB, _EVENT_BYTES = 0.6, 1.5, 64, 200
#: A landmark and a label. Redis keeps their ids for a time after the end of their week: half a week longer on average.
_IDS_A_WEEK, _WEEK_S = 2, 7 * 86_400

Figures = Mapping[str, Any]


def recorded() -> dict[str, Any]:
    """The figures of the last measurement that was recorded."""
    found: dict[str, Any] = json.loads(RECORD.read_text())
    return found


def with_cpu(figures: Figures, throughput: Figures) -> dict[str, Any]:
    """``figures`` with the CPU time (us an event) of a report of `benchmarks.throughput`."""
    worker = throughput["laws"]["uniform"]["stream"]
    return {
        **figures,
        "customers": throughput["customers"],
        "worker_us": worker["cpu_us_per_event"],
        "redis_us": worker["redis_us_per_event"],
    }


def with_bytes(figures: Figures, scale: Figures) -> dict[str, Any]:
    """``figures`` with the bytes of a report of `benchmarks.scale`: its largest size and largest document."""
    largest = max(scale["sizes"], key=lambda size: int(size["customers"]))
    return {
        **figures,
        "document_bytes": max(size["document_bytes_median"] for size in (largest, *scale["years"])),
        "beside_document_bytes": largest["redis_bytes_per_customer"] - largest["document_bytes_median"],
        "learned_id_bytes": max(year["bytes_per_learned_id"] for year in scale["years"]),
        "redis_bytes_in_per_event": largest["redis_bytes_in_per_event"],
    }


def plan(figures: Figures) -> str:
    """A table of what is needed and from what it follows, and which servers are most of it."""
    worker_us, redis_us = figures["worker_us"], figures["redis_us"]
    workers = math.ceil(_EVENTS_PER_S * worker_us * 1e-6 / _BUSY)
    document, beside = figures["document_bytes"], figures["beside_document_bytes"]
    ids = _IDS_A_WEEK * (LEARNED_TTL_S / _WEEK_S + 0.5) * figures["learned_id_bytes"]
    customer = document + beside + ids
    memory_gb = _CUSTOMERS * customer * _RESERVE / 1e9
    by_memory, by_cpu = math.ceil(memory_gb / _NODE_GB), math.ceil(_EVENTS_PER_S * redis_us * 1e-6 / _BUSY)
    nodes = max(by_memory, by_cpu)
    written = figures["redis_bytes_in_per_event"]
    of_customer = f"document {document:,.0f} + timer {beside:,.0f} + ids of learned examples {ids:,.0f}"
    rows = [
        ("workers (one core each)", f"{_EVENTS_PER_S:,} x {worker_us:.1f} us / {_BUSY}", f"{workers:,}"),
        ("Redis nodes, by CPU", f"{_EVENTS_PER_S:,} x {redis_us:.1f} us / {_BUSY}", f"{by_cpu:,}"),
        ("Redis memory of a customer, bytes", of_customer, f"{customer:,.0f}"),
        ("Redis memory", f"{_CUSTOMERS:,} x {customer:,.0f} bytes x {_RESERVE}", f"{memory_gb:,.0f} GB"),
        (f"Redis nodes of {_NODE_GB} GB, by memory", f"{memory_gb:,.0f} / {_NODE_GB}", f"{by_memory:,}"),
        (
            "partitions of each event topic",
            "two a worker, so that the share of one that fails is spread, and ten a node of Redis",
            f"{max(2 * workers, 10 * nodes):,}",
        ),
        ("events in", f"x {_EVENT_BYTES} bytes", f"{_EVENTS_PER_S * _EVENT_BYTES / 1e6:,.0f} MB/s"),
        ("workers to Redis", f"x {written:,.0f} bytes", f"{_EVENTS_PER_S * written / 1e6:,.0f} MB/s"),
        ("customers of a worker", f"{_CUSTOMERS:,} / {workers:,}", f"{_CUSTOMERS // workers:,}"),
    ]
    most = "workers" if workers >= nodes else "Redis"
    of_redis = "CPU" if by_cpu >= by_memory else "memory"
    told = f"Most cores are for {most}. Of Redis, {of_redis} decides how many."
    return f"{table(('what', 'from', 'needed'), rows)}\n\n{told}"


def main() -> None:
    """Record, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    figures = recorded()
    if options.record:
        for name, taken in (("throughput-million.json", with_cpu), ("scale.json", with_bytes)):
            results = options.build / name
            if results.is_file():
                figures = taken(figures, json.loads(results.read_text()))
        RECORD.write_text(json.dumps(figures, indent=2) + "\n")
    needed = plan(figures)
    print(needed)
    if options.write:
        page = DOCS / "scaling.md"
        page.write_text(between_markers(page.read_text(), "target", needed))


if __name__ == "__main__":
    main()
