"""Results are written to their places in the documentation."""

import pytest

from benchmarks.docs import (
    DOCS,
    SECTIONS,
    between_markers,
    cluster,
    latency,
    memory,
    scale,
    throughput,
    workers,
)

ENGINE = {
    "events_per_s": 1000.0,
    "cpu_us_per_event": 10.0,
    "redis_us_per_event": 2.0,
    "peak_rss_mb": 100.0,
    "rounds": 3,
}
THROUGHPUT = {
    "events": 1000,
    "customers": 10,
    "partitions": 4,
    "broker": "embedded",
    "skip": 0.25,
    "machine": {"cores": 2, "cpu": "a CPU", "python": "3.11"},
    "laws": {"uniform": {"stream": {**ENGINE, "events_per_s": 25_000.0}, "bytewax": ENGINE}},
}
WAITS = {"p50_ms": 10.0, "p95_ms": 20.0, "p99_ms": 30.0}
LATENCY = {
    "sustainable_events_per_s": 1000,
    "levels": {
        "50%": {"events_per_s": 500, "broker": WAITS, "features": WAITS, "stage": WAITS, "cores": {"worker": 0.5}}
    },
}
SIZE = {
    "customers": 1_000_000,
    "active_events_per_s": 20_000.0,
    "events_per_s": 10_000.0,
    "documents_per_s": 8_000.0,
    "redis_cpu_us_per_event": 12.0,
    "redis_bytes_in_per_event": 1500,
    "document_bytes_median": 800,
    "redis_bytes_per_customer": 1000,
    "peak_rss_mb": 500.0,
    "timers_per_s": 9000.0,
    "took_over_s": 11.0,
}
SCALE = {
    "sizes": [SIZE],
    "cache_mb": 400,
    "years": [
        {
            "log": "some.csv",
            "events": 100,
            "landmarks_and_labels": 50,
            "seconds": 8.0,
            "events_per_s": 12.5,
            "document_bytes_median": 2000,
            "bytes_per_learned_id": 50.0,
        }
    ],
}


@pytest.mark.parametrize(("page", "name"), [(page, name) for _, page, name, _ in SECTIONS])
def test_every_section_has_its_markers(page: str, name: str) -> None:
    assert "\n\nhere\n\n" in between_markers((DOCS / page).read_text(), name, "here")


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="markers of 'scale'"):
        between_markers("nothing", "scale", "here")


def test_rates_are_shown_as_ratios_to_the_worker() -> None:
    assert "| Bytewax | 1,000 | 25.0 |" in throughput(THROUGHPUT)


def test_a_second_worker_is_a_ratio() -> None:
    report = {"share": 0.3, "one_events_per_s": 1000.0, "two_events_per_s": 1900.0, "ratio": 1.9}
    assert "30% of a core each, one worker does 1,000 events/s and two do 1,900: 1.90 times" in workers(report)


def test_memory_is_shown_at_each_moment() -> None:
    resident = {"all": 300.4, "anonymous": 200.0, "files": 100.4}
    moments = {"started": resident, "peak": {**resident, "all": 450.0}, "idle": resident}
    report = {**THROUGHPUT, "customers": 10, "rounds": 1, "moments": moments, "cpu_us_per_event": 9.96}
    shown = memory(report)
    assert "1,000 events of 10 customers, 4 partitions, embedded broker, one round; 10.0 us of CPU an event." in shown
    assert "| at its peak | 450 | 200 | 100 |" in shown


def test_latencies_and_sizes_become_tables() -> None:
    assert "| 50% (500/s), stage | 10 | 20 | 30 |" in latency(LATENCY)
    assert "| events/s of one worker, of 10,000 of them | 20,000 |" in scale(SCALE)
    assert "| events/s of one worker, of all of them | 10,000 |" in scale(SCALE)


def test_two_workers_stand_beside_one() -> None:
    one = {
        "events_per_s": 1000.0,
        "worker_us": 50.0,
        "redis_us": 20.0,
        "busiest_redis_core": 0.1,
        "idlest_redis_core": 0.1,
    }
    two = {**one, "events_per_s": 1900.0, "busiest_redis_core": 0.14}
    shown = cluster({**THROUGHPUT, "share": 0.3, "rounds": 3, "one": one, "two": two, "ratio": 1.9})
    assert "| two workers, two nodes | 1,900 | 50.0 | 20.0 | 14% | 10% |" in shown
    assert "Two do 1.90 times as many events as one." in shown
