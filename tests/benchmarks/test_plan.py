"""The plan for 100 million customers follows from what was measured."""

from benchmarks.docs import DOCS, between_markers
from benchmarks.plan import plan, recorded, with_bytes, with_cpu

FIGURES = {
    "customers": 1_000_000,
    "worker_us": 60.0,
    "redis_us": 12.0,
    "document_bytes": 2000.0,
    "beside_document_bytes": 200.0,
    "learned_id_bytes": 50.0,
    "redis_bytes_in_per_event": 1500,
}


def test_the_page_has_the_plan_that_the_recorded_figures_give() -> None:
    page = (DOCS / "scaling.md").read_text()
    assert between_markers(page, "target", plan(recorded())) == page


def test_what_is_needed_follows_from_the_figures() -> None:
    needed = plan(FIGURES)
    assert "| workers (one core each) | 1,000,000 x 60.0 us / 0.6 | 100 |" in needed
    assert "| Redis nodes, by CPU | 1,000,000 x 12.0 us / 0.6 | 20 |" in needed
    assert "document 2,000 + timer 200 + ids of learned examples 164 | 2,364 |" in needed
    assert "| Redis memory | 100,000,000 x 2,364 bytes x 1.5 | 355 GB |" in needed
    assert "and ten a node of Redis | 200 |" in needed
    assert needed.endswith("Most cores are for workers. Of Redis, CPU decides how many.")


def test_many_nodes_need_more_partitions_than_the_workers_do() -> None:
    needed = plan({**FIGURES, "redis_us": 120.0})
    assert "and ten a node of Redis | 2,000 |" in needed
    assert "Most cores are for Redis." in needed


def test_figures_come_from_the_reports_of_two_benchmarks() -> None:
    of_worker = {"cpu_us_per_event": 40.0, "redis_us_per_event": 9.0}
    found = with_cpu(FIGURES, {"customers": 500_000, "laws": {"uniform": {"stream": of_worker}}})
    assert (found["worker_us"], found["redis_us"], found["customers"]) == (40.0, 9.0, 500_000)
    size = {"document_bytes_median": 800, "redis_bytes_per_customer": 1000, "redis_bytes_in_per_event": 900}
    small = {**size, "customers": 10, "redis_bytes_in_per_event": 1}
    year = {"document_bytes_median": 1700, "bytes_per_learned_id": 60.0}
    found = with_bytes(found, {"sizes": [{**size, "customers": 1000}, small], "years": [year]})
    assert (found["document_bytes"], found["beside_document_bytes"]) == (1700, 200)
    assert (found["learned_id_bytes"], found["redis_bytes_in_per_event"]) == (60.0, 900)
