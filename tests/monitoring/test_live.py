"""A real Prometheus scrapes a running system: every panel shows data, and every rule has its series."""

import json
import math
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from stream.cli.metric_reference import catalogue
from tests.monitoring.prometheus import Prometheus
from tests.monitoring.queries import DASHBOARDS, PanelQuery, panel_queries, resolved, rules, selectors
from tests.monitoring.system import System, running_system
from tests.programs import required_program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

EVENTS, EVENTS_PER_S = 12_000, 1_000.0
DEADLINE_S = 90.0
#: Four scrapes would do; a busy machine may miss some.
RATE_INTERVAL = "15s"
#: Learned segments take over when reviews of thousands of landmarks agree.
NOT_WITHIN_WEEKS = "stream_segment_share_ratio"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    program = required_program("prometheus", "prometheus")
    with running_system(program, tmp_path_factory.mktemp("monitoring"), events=EVENTS, rate=EVENTS_PER_S) as running:
        yield running


def has_data(prometheus: Prometheus, query: str) -> bool:
    return any(not math.isnan(float(series["value"][1])) for series in prometheus.instant(query))


def never_answered(system: System, queries: Iterable[str]) -> list[str]:
    """Ask until each has returned data once; return those that have not in time."""
    waiting = list(dict.fromkeys(queries))
    deadline = time.monotonic() + DEADLINE_S
    while waiting and time.monotonic() < deadline:
        system.check()
        waiting = [query for query in waiting if not has_data(system.prometheus, query)]
        time.sleep(0.5)
    return waiting


def choices(prometheus: Prometheus, definition: str, chosen: dict[str, str]) -> str:
    """Grafana's "All" of a variable: every value, as a regular expression."""
    found = re.fullmatch(r"label_values\((.+), (\w+)\)", definition)
    assert found is not None, definition
    series = prometheus.instant(f"group by ({found[2]}) ({resolved(found[1], chosen, RATE_INTERVAL)})")
    return "|".join(re.escape(entry["metric"][found[2]]).replace("\\", "\\\\") for entry in series)


def variables_of(prometheus: Prometheus, path: Path) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for variable in json.loads(path.read_text("utf-8"))["templating"]["list"]:
        if variable["type"] == "query":
            chosen[variable["name"]] = choices(prometheus, variable["query"], chosen)
    return chosen


def test_every_process_is_scraped(system: System) -> None:
    jobs = ("worker", "worker", "notify", "ingest", "console")
    assert not never_answered(system, [f'count(up{{job="{job}"}} == 1) >= {jobs.count(job)}' for job in jobs])
    assert sorted(target["labels"]["job"] for target in system.prometheus.targets()) == sorted(jobs)


def test_every_panel_of_every_dashboard_shows_data(system: System) -> None:
    # the variables take their values from the data, which must be there first
    assert not never_answered(
        system, ["stream_watermark_timestamp_seconds", "stream_lag_messages", "stream_notifications_total"]
    )
    chosen = {path.stem: variables_of(system.prometheus, path) for path in DASHBOARDS}
    assert all(all(values.values()) for values in chosen.values()), chosen
    panels: dict[str, list[PanelQuery]] = {}
    for query in panel_queries():
        expr = resolved(query.expr, chosen[query.page.removeprefix("stream-")], RATE_INTERVAL)
        panels.setdefault(expr, []).append(query)
    dead = never_answered(system, [expr for expr in panels if NOT_WITHIN_WEEKS not in expr])
    assert not dead, "\n".join(f"{query.page}, {query.panel}: {expr}" for expr in dead for query in panels[expr])


def test_every_rule_is_evaluated_without_error(system: System) -> None:
    loaded = {rule["name"] for rule in system.prometheus.rules()}
    assert loaded == {rule.get("alert") or rule["record"] for rule in rules()}
    deadline = time.monotonic() + DEADLINE_S
    while any(rule["health"] == "unknown" for rule in system.prometheus.rules()) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert {
        rule["name"]: rule.get("lastError", "") for rule in system.prometheus.rules() if rule["health"] != "ok"
    } == {}


def test_every_series_of_a_rule_exists(system: System) -> None:
    asked = {selector for rule in rules() for selector in selectors(rule["expr"])}
    # answers with an error of ours, and other things that a healthy system never does, have no series: any will do
    asked = {re.sub(r'status=~"5\.\."', 'status=~"2.."', selector) for selector in asked}
    assert not never_answered(system, [f"count({selector})" for selector in asked])


def test_every_declared_metric_is_scraped_from_some_process(system: System) -> None:
    queries = {
        f"{declaration.name}_count" if declaration.kind == "histogram" else declaration.name
        for declaration in catalogue()
        if declaration.name != NOT_WITHIN_WEEKS
    }
    assert not never_answered(system, queries)


def test_no_metric_has_more_series_than_a_dashboard_can_bear(system: System) -> None:
    series = system.prometheus.instant('topk(1, count by (__name__) ({__name__=~"stream_.+", __name__!~".+_bucket"}))')
    assert int(series[0]["value"][1]) < 300, series
