"""Complaints on the list of the day are of persons: what was done under one id counts for those under all."""

from stream.alerts.alert_records import Heard
from stream.projections.complaints import Case, Cases
from stream.reporting.entries import complaints_of

HOUR_MS = 3_600_000


def complained(customer_id: str, at_ms: int) -> Cases:
    case = Case("complained", at_ms, Heard(feedback_id=f"f-{customer_id}", said_at="2026-01-01T00:00:00Z"))
    return Cases(customer_id, {f"t-{customer_id}": case})


def test_a_complaint_is_open_until_it_is_resolved_under_any_id() -> None:
    cases = [complained("c-2", 5 * HOUR_MS), complained("c-9", 3 * HOUR_MS)]
    owners = {"c-2": "c-1"}
    assert [(one.customer_id, one.acted) for one in complaints_of(cases)] == [("c-9", False), ("c-2", False)]
    assert [one.customer_id for one in complaints_of(cases, owners)] == ["c-9", "c-1"]
    acted = [*cases, Cases("c-1", acted_ms=6 * HOUR_MS)]
    assert [(one.customer_id, one.acted) for one in complaints_of(acted, owners)] == [("c-9", False), ("c-1", True)]
    resolved = [Cases("c-1", resolved_ms=6 * HOUR_MS), *cases]
    assert [one.customer_id for one in complaints_of(resolved, owners)] == ["c-9"]
    # taken apart, each has their own again
    assert [one.customer_id for one in complaints_of(resolved)] == ["c-9", "c-2"]
