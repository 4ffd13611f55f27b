"""Put the results of the benchmarks into the documentation: ``python -m benchmarks.docs``.

Each file of `SECTIONS` that is in ``build`` goes between the markers of its name in ``docs/performance.md`` and
``docs/scaling.md``.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

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
        for what in ("broker", "features", "stage")
    ]
    cores = [(f"{level}", *(f"{used:.2f}" for used in found["cores"].values())) for level, found in levels.items()]
    return "\n\n".join(
        (
            f"Sustainable throughput: {report['sustainable_events_per_s']:,.0f} events/s.",
            table(("published until", "p50 ms", "p95 ms", "p99 ms"), rows),
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
            f"`cache_mb` was {report['cache_mb']}. Real events, replayed at full speed with learning:",
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


def cluster(report: Report) -> str:
    """Two workers with a cluster of two nodes beside one worker with one Redis."""
    rows = [
        (
            what,
            f"{found['events_per_s']:,.0f}",
            f"{found['worker_us']:.1f}",
            f"{found['redis_us']:.1f}",
            f"{found['busiest_redis_core']:.0%}",
            f"{found['idlest_redis_core']:.0%}",
        )
        for what, found in (("one worker, one Redis", report["one"]), ("two workers, two nodes", report["two"]))
    ]
    head = ("", "events/s", "worker CPU us/event", "Redis CPU us/event", "busiest Redis, of a core", "idlest")
    measured = (
        f"{report['events']:,} events of {report['customers']:,} customers, {report['partitions']} partitions, "
        f"{report['share']:.0%} of a core for each worker, rounds: {report['rounds']}."
    )
    ratio = f"Two do {report['ratio']:.2f} times as many events as one."
    return f"{measured}\n\n{table(head, rows)}\n\n{ratio}"


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


SECTIONS: tuple[tuple[str, str, str, Callable[[Report], str]], ...] = (
    ("throughput.json", "performance.md", "throughput", throughput),
    ("throughput-kafka.json", "performance.md", "throughput-kafka", throughput),
    ("throughput-streams.json", "performance.md", "throughput-streams", throughput),
    ("throughput-million.json", "performance.md", "throughput-million", throughput),
    ("latency.json", "performance.md", "latency", latency),
    ("scale.json", "performance.md", "scale", scale),
    ("workers.json", "performance.md", "workers", workers),
    ("memory.json", "performance.md", "memory", memory),
    ("cluster.json", "scaling.md", "cluster", cluster),
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


if __name__ == "__main__":
    main()
