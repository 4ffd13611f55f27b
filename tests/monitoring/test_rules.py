"""Every rule is right on made-up series (promtool), has a runbook entry, and asks for metrics that exist."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from stream.cli.metric_reference import catalogue
from tests.monitoring.queries import DEPLOY, RULES, panel_queries, rules, selectors
from tests.programs import required_program

PROMETHEUS = DEPLOY / "prometheus"
UNIT_TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
RUNBOOK = (DEPLOY.parent / "docs" / "runbook.md").read_text("utf-8")
ALERTS = [rule for rule in rules() if "alert" in rule]
RECORDED = [rule for rule in rules() if "record" in rule]


def name_of(rule: Any) -> str:
    return str(rule.get("alert") or rule.get("record"))


def promtool(*arguments: str | Path) -> None:
    program = required_program("promtool", "prometheus")
    outcome = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, timeout=100, check=False, cwd=PROMETHEUS
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_promtool_accepts_the_configuration_and_the_rules() -> None:
    promtool("check", "config", "prometheus.yml")


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
def test_the_rules_do_on_made_up_series_what_their_tests_say(path: Path) -> None:
    promtool("test", "rules", path)


def asked_of_alerts() -> list[Any]:
    """The questions of the unit tests about alerts."""
    return [
        question
        for path in UNIT_TESTS
        for test in yaml.safe_load(path.read_text("utf-8"))["tests"]
        for question in test["promql_expr_test"]
        if "ALERTS" in question["expr"]
    ]


@pytest.mark.parametrize("rule", ALERTS, ids=name_of)
def test_an_alert_is_seen_to_fire_and_not_to_fire(rule: Any) -> None:
    fired = [str(question["exp_samples"]) for question in asked_of_alerts() if question["exp_samples"]]
    assert any(f'alertname="{rule["alert"]}", alertstate="firing"' in samples for samples in fired)
    # the tests of each file check what fires and what does not
    (where,) = (path for path in RULES if f"alert: {rule['alert']}\n" in path.read_text("utf-8"))
    unit_test = PROMETHEUS / "tests" / where.name
    section = next(part for part in unit_test.read_text("utf-8").split("- name: ") if part.startswith(rule["alert"]))
    assert "exp_samples: []" in section


@pytest.mark.parametrize("rule", RECORDED, ids=name_of)
def test_a_recorded_series_is_asked_for_in_a_unit_test(rule: Any) -> None:
    assert any(f"expr: {rule['record']}\n" in path.read_text("utf-8") for path in UNIT_TESTS)


@pytest.mark.parametrize("rule", ALERTS, ids=name_of)
def test_an_alert_says_what_is_wrong_and_where_to_read_on(rule: Any) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert {"summary", "description", "runbook_url"} == rule["annotations"].keys()
    assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{rule['alert'].lower()}"


@pytest.mark.parametrize("rule", ALERTS, ids=name_of)
def test_an_alert_has_a_complete_section_in_the_runbook(rule: Any) -> None:
    _, _, after = RUNBOOK.partition(f"\n### {rule['alert']}\n")
    section, _, _ = after.partition("\n### ")
    for part in ("Meaning", "Causes", "Look at", "Do", "Threshold"):
        assert re.search(rf"^\*\*{part}\.\*\* \S", section, re.MULTILINE), f"{rule['alert']}: {part}"
    assert rule["labels"]["severity"] in section


def test_the_runbook_has_no_section_without_a_rule() -> None:
    assert set(re.findall(r"^### (\w+)$", RUNBOOK, re.MULTILINE)) == {rule["alert"] for rule in ALERTS}


def exposed(selector: str) -> str:
    """Name of the metric whose series a selector selects."""
    name = selector.partition("{")[0]
    declared = {declaration.name for declaration in catalogue()}
    return name if name in declared else re.sub(r"_(bucket|sum|count)$", "", name)


EXPRESSIONS = [rule["expr"] for rule in rules()] + [query.expr for query in panel_queries()]


def test_rules_and_dashboards_ask_for_metrics_that_are_declared() -> None:
    asked_for = {exposed(selector) for expr in EXPRESSIONS for selector in selectors(expr)}
    known = {declaration.name for declaration in catalogue()} | {rule["record"] for rule in RECORDED}
    assert {name for name in asked_for if name.startswith(("stream_", "job"))} <= known


#: On no dashboard, because a better view of the same thing is there, because the metric is nearly always 0 and has an
#: alert, because it changes once a year and `stream models` explains it, or because projections and
#: the console are optional (docs/projections.md has the queries; the console has its alerts).
UNSHOWN = {
    "stream_batches_total",
    "stream_build_info",
    "stream_console_database_up",
    "stream_console_due_actions",
    "stream_console_logins_total",
    "stream_console_oldest_due_action_seconds",
    "stream_console_request_seconds",
    "stream_console_requests_total",
    "stream_clock_refused_total",
    "stream_horizon_seconds",
    "stream_ingest_body_bytes",
    "stream_ingest_evictions_total",
    "stream_projection_outbox_records",
    "stream_projection_records_total",
    "stream_quarantined_customers",
    "stream_shop_gap_seconds",
    "stream_torn_steps_total",
    "stream_watermark_timestamp_seconds",
}


def test_every_metric_is_on_a_dashboard() -> None:
    shown = {exposed(selector) for query in panel_queries() for selector in selectors(query.expr)}
    assert {declaration.name for declaration in catalogue()} - shown == UNSHOWN


def test_alertmanager_has_a_way_for_every_severity_and_knows_the_alerts_that_it_holds_back() -> None:
    config = yaml.safe_load((DEPLOY / "alertmanager" / "alertmanager.yml").read_text("utf-8"))
    receivers = {receiver["name"] for receiver in config["receivers"]}
    route = config["route"]
    assert {route["receiver"], *(child["receiver"] for child in route["routes"])} == receivers
    matchers = [matcher for child in route["routes"] for matcher in child["matchers"]]
    assert matchers == ['severity="page"']
    names = {rule["alert"] for rule in ALERTS}
    for rule in config["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            pattern = re.fullmatch(r'alertname=~?"(.+)"', matcher)
            assert pattern is not None, matcher
            assert any(re.fullmatch(pattern[1], name) for name in names), matcher
