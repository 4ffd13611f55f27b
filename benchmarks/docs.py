"""Put the results of the benchmarks into the documentation: ``python -m benchmarks.docs``.

Each file of `SECTIONS` that is in ``build`` goes between the markers of its name in ``docs/performance.md`` and
``docs/scaling.md``; the chart goes to ``docs/images``.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from stream.storage.model_store import LEARNED_TTL_S

Report = Mapping[str, Any]

DOCS = Path(__file__).parents[1] / "docs"
NAMES = {
    "stream": "**stream**, full job",
    "bare": "no engine: librdkafka loop",
    "bytewax": "Bytewax",
    "quix": "Quix Streams",
    "faust": "plain Faust",
    "floor": "reading and decoding only",
    "streams-exactly-once-100ms": "Kafka Streams, exactly once, commits of 100 ms",
    "streams-exactly-once": "Kafka Streams, exactly once, commits of 1 s",
    "streams": "Kafka Streams, at least once, commits of 1 s",
    "streams-30s": "Kafka Streams, at least once, commits of 30 s",
    "streams-memory": "Kafka Streams, at least once, in memory, no changelog",
}

BROKERS = {"embedded": "embedded broker", "kafka": "Apache Kafka"}

#: The target and the reserves for which `docs/scaling.md` is computed.
TARGET_CUSTOMERS, TARGET_EVENTS_PER_S = 100_000_000, 1_000_000
BUSY, MEMORY_RESERVE, NODE_GB, EVENT_BYTES = 0.6, 1.5, 64, 200

#: A landmark and a label. Redis keeps their ids for a time after the end of their week: half a week longer on average.
_IDS_A_WEEK, _WEEK_S = 2, 7 * 86_400


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table; the first column is left-aligned."""
    heads = list(head)
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *[list(map(str, row)) for row in rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def throughput(report: Report) -> str:
    """Events/s, ratios and costs, a table for each law of customers."""
    machine = report["machine"]
    measured = (
        f"{report['events']:,} events of {report['customers']:,} customers, {report['partitions']} partitions, "
        f"{BROKERS[report['broker']]}; "
        f"{machine['cores']} cores ({machine['cpu']}), Python {machine['python']}."
        + (f" The clock starts after {report['skip']:.0%} of the events." if report["skip"] else "")
    )
    parts = [measured]
    for law, engines in report["laws"].items():
        ours = engines["stream"]["events_per_s"]
        ranked = sorted(engines.items(), key=lambda item: -item[1]["events_per_s"])
        rows = [
            (
                NAMES[name],
                f"{one['events_per_s']:,.0f}",
                f"{ours / one['events_per_s']:.1f}",
                f"{one['cpu_us_per_event']:.1f}",
                f"{one['redis_us_per_event']:.1f}",
                f"{one['peak_rss_mb']:.0f}",
                one["rounds"],
            )
            for name, one in ranked
        ]
        head = (
            f"{law} customers",
            "events/s",
            "stream is x times",
            "CPU us/event",
            "Redis CPU us/event",
            "peak RSS MB",
            "rounds",
        )
        parts.append(table(head, rows))
    return "\n\n".join(parts)


def latency(report: Report) -> str:
    """Quantiles at each level, and how busy the processes were."""
    levels = report["levels"]
    rows = [
        (f"{level} ({found['events_per_s']:,}/s), {what}", *(f"{found[what][f'p{q}_ms']:.0f}" for q in (50, 95, 99)))
        for level, found in levels.items()
        for what in ("features", "alert")
    ]
    cores = [(f"{level}", *(f"{used:.2f}" for used in found["cores"].values())) for level, found in levels.items()]
    return "\n\n".join(
        (
            f"Sustainable throughput: {report['sustainable_events_per_s']:,.0f} events/s.",
            table(("published until readable", "p50 ms", "p95 ms", "p99 ms"), rows),
            table(("cores used", *next(iter(levels.values()))["cores"]), cores),
        )
    )


def scale(report: Report) -> str:
    """One column for each number of customers, and the year."""
    sizes = report["sizes"]
    rows: list[list[object]] = []
    for label, name, form in (
        ("events/s of one worker, of 10,000 of them", "active_events_per_s", ",.0f"),
        ("events/s of one worker, of all of them", "events_per_s", ",.0f"),
        ("documents written a second", "documents_per_s", ",.0f"),
        ("Redis CPU us/event", "redis_cpu_us_per_event", ".1f"),
        ("bytes to Redis an event", "redis_bytes_in_per_event", ",.0f"),
        ("Redis bytes of a document", "document_bytes_median", ",.0f"),
        ("Redis bytes a customer, all in all", "redis_bytes_per_customer", ",.0f"),
        ("peak RSS of the worker, MB", "peak_rss_mb", ".0f"),
        ("timers fired a second", "timers_per_s", ",.0f"),
        ("start to owning every partition, s", "took_over_s", ".1f"),
    ):
        rows.append([label, *(format(size[name], form) for size in sizes)])
    years = [
        [
            f"`{year['log']}`",
            f"{year['events']:,}",
            f"{year['landmarks_and_labels']:,}",
            f"{year['seconds']:.1f}",
            f"{year['document_bytes_median']:,.0f}",
        ]
        for year in report["years"]
    ]
    return "\n\n".join(
        (
            table(["customers", *(f"{size['customers']:,}" for size in sizes)], rows),
            f"`cache_customers` was {report['cache_customers']:,}. Real events, replayed at full speed with learning:",
            table(("log", "events", "landmarks and labels", "s", "Redis bytes of a document"), years),
            f"The id of an example that was learned takes {report['years'][0]['bytes_per_learned_id']:.0f} bytes.",
        )
    )


def workers(report: Report) -> str:
    """What a second worker adds."""
    return (
        f"With {report['share']:.0%} of a core each, one worker does {report['one_events_per_s']:,.0f} events/s and "
        f"two do {report['two_events_per_s']:,.0f}: {report['ratio']:.2f} times as many."
    )


def memory(report: Report) -> str:
    """Resident memory of a worker at three moments."""
    named = {"started": "before it owns a partition", "peak": "at its peak", "idle": "idle afterwards"}
    rows = [
        (named[moment], *(f"{found[part]:.0f}" for part in ("all", "anonymous", "files")))
        for moment, found in report["moments"].items()
    ]
    rounds = f"{report['rounds']} rounds" if report["rounds"] > 1 else "one round"
    measured = (
        f"{report['events']:,} events of {report['customers']:,} customers, {report['partitions']} partitions, "
        f"{BROKERS[report['broker']]}, {rounds}; {report['cpu_us_per_event']:.1f} us of CPU an event."
    )
    return f"{measured}\n\n{table(('resident, MB', 'all', 'its own', 'of files, as libraries'), rows)}"


def target(report: Report) -> str:
    """What the target needs, computed from the largest size measured."""
    largest = max(report["sizes"], key=lambda size: size["customers"])
    rate, cpu_us = largest["events_per_s"], largest["redis_cpu_us_per_event"]
    workers = math.ceil(TARGET_EVENTS_PER_S / (rate * BUSY))
    beside_document = largest["redis_bytes_per_customer"] - largest["document_bytes_median"]
    document = max(size["document_bytes_median"] for size in (largest, *report["years"]))
    ids = _IDS_A_WEEK * (LEARNED_TTL_S / _WEEK_S + 0.5) * max(year["bytes_per_learned_id"] for year in report["years"])
    customer = document + beside_document + ids
    memory_gb = TARGET_CUSTOMERS * customer * MEMORY_RESERVE / 1e9
    by_memory, by_cpu = math.ceil(memory_gb / NODE_GB), math.ceil(TARGET_EVENTS_PER_S * cpu_us * 1e-6 / BUSY)
    written_mb = TARGET_EVENTS_PER_S * largest["redis_bytes_in_per_event"] / 1e6
    rows = [
        ("workers (one core each)", f"{TARGET_EVENTS_PER_S:,} / ({rate:,.0f} x {BUSY})", f"{workers:,}"),
        (
            "partitions of each event topic",
            "two a worker, so that the share of one that fails is spread",
            f"{2 * workers:,}",
        ),
        (
            "Redis memory of a customer, bytes",
            f"document {document:,.0f} + timer {beside_document:,.0f} + ids of learned examples {ids:,.0f}",
            f"{customer:,.0f}",
        ),
        ("Redis memory", f"{TARGET_CUSTOMERS:,} x {customer:,.0f} bytes x {MEMORY_RESERVE}", f"{memory_gb:,.0f} GB"),
        (f"Redis nodes of {NODE_GB} GB, by memory", f"{memory_gb:,.0f} / {NODE_GB}", f"{by_memory:,}"),
        ("Redis nodes, by CPU", f"{TARGET_EVENTS_PER_S:,} x {cpu_us:.1f} us / {BUSY}", f"{by_cpu:,}"),
        ("events in", f"x {EVENT_BYTES} bytes", f"{TARGET_EVENTS_PER_S * EVENT_BYTES / 1e6:,.0f} MB/s"),
        ("workers to Redis", f"x {largest['redis_bytes_in_per_event']:,} bytes", f"{written_mb:,.0f} MB/s"),
        ("customers of a worker", f"{TARGET_CUSTOMERS:,} / {workers:,}", f"{TARGET_CUSTOMERS // workers:,}"),
    ]
    next_one = "Redis: its CPU" if by_cpu >= by_memory else "Redis: its memory"
    return table(("what", "from", "needed"), rows) + f"\n\nThe larger share of the machines is for {next_one}."


SECTIONS: tuple[tuple[str, str, str, Callable[[Report], str]], ...] = (
    ("throughput.json", "performance.md", "throughput", throughput),
    ("throughput-kafka.json", "performance.md", "throughput-kafka", throughput),
    ("throughput-streams.json", "performance.md", "throughput-streams", throughput),
    ("throughput-million.json", "performance.md", "throughput-million", throughput),
    ("latency.json", "performance.md", "latency", latency),
    ("scale.json", "performance.md", "scale", scale),
    ("workers.json", "performance.md", "workers", workers),
    ("memory.json", "performance.md", "memory", memory),
    ("scale.json", "scaling.md", "target", target),
)


def between_markers(text: str, name: str, content: str) -> str:
    """Replace what stands between the markers of ``name``. Raises ValueError when they are not there."""
    pattern = re.compile(rf"(<!-- {name}: .*?-->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    changed, count = pattern.subn(lambda found: f"{found[1]}\n{content}\n\n{found[2]}", text)
    if count != 1:
        raise ValueError(f"expected the markers of {name!r} once, found them {count} times")
    return changed


def main() -> None:
    """Fill in what has been measured, and print what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=Path("build"))
    options = parser.parse_args()
    for source, page, name, render in SECTIONS:
        results = options.build / source
        if not results.is_file():
            print(f"{results} is not there: {name} stays as it is", file=sys.stderr)
            continue
        path = DOCS / page
        path.write_text(between_markers(path.read_text(), name, render(json.loads(results.read_text()))))
        print(f"{name} in {path} is that of {results}")
    chart = options.build / "throughput.png"
    if chart.is_file():
        shutil.copyfile(chart, DOCS / "images" / "throughput.png")


if __name__ == "__main__":
    main()
