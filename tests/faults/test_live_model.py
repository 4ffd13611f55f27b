"""The check of alerts of a live model: it accepts what follows, and nothing else."""

import msgspec
import pytest

from stream.alerts.alert_records import Alert, AlertKind
from stream.processing.rules import Rules
from tests.faults.event_log import made_log
from tests.faults.expectation import expected
from tests.faults.frozen_model import frozen_snapshot
from tests.faults.live_model import departures

LOG = made_log(3, customers=30, lateness_days=0)
MODEL = frozen_snapshot().churn


@pytest.fixture(scope="module")
def alerts() -> list[Alert]:
    contents = expected(LOG, Rules()).published["alerts"].values()
    return [msgspec.convert({**content, "emitted_at": ""}, type=Alert) for content in contents]


def departs(alert: Alert) -> list[str]:
    return [*departures(alert, MODEL, LOG.truth[alert.customer_id])]


def test_every_alert_of_an_undisturbed_run_follows_from_its_model(alerts: list[Alert]) -> None:
    assert {AlertKind.RAISED, AlertKind.CLEARED} <= {alert.kind for alert in alerts}
    assert [departs(alert) for alert in alerts] == [[]] * len(alerts)


def test_no_alert_follows_from_another_model(alerts: list[Alert]) -> None:
    other = msgspec.structs.replace(MODEL, intercept=MODEL.intercept + 1e-6)
    assert all([*departures(alert, other, LOG.truth[alert.customer_id])] for alert in alerts)


@pytest.mark.parametrize("field", ["risk", "logit", "baseline", "rest"])
def test_a_number_that_is_off_is_noticed(alerts: list[Alert], field: str) -> None:
    off = msgspec.structs.replace(alerts[0], **{field: getattr(alerts[0], field) + 1e-6})
    assert any(found.startswith(field) for found in departs(off))


def test_a_contribution_or_a_value_that_is_off_is_noticed(alerts: list[Alert]) -> None:
    first, *others = alerts[0].reasons
    for changed in (
        msgspec.structs.replace(first, contribution=first.contribution + 1e-6),
        msgspec.structs.replace(first, value=-1.0),
    ):
        assert departs(msgspec.structs.replace(alerts[0], reasons=(changed, *others)))


def test_an_alert_of_the_wrong_kind_is_noticed(alerts: list[Alert]) -> None:
    for kind, other_kind in ((AlertKind.RAISED, AlertKind.CLEARED), (AlertKind.CLEARED, AlertKind.RAISED)):
        other = next(alert for alert in alerts if alert.kind is other_kind)
        assert any(found.startswith(str(kind)) for found in departs(msgspec.structs.replace(other, kind=kind)))


def test_an_alert_on_the_wrong_side_of_its_threshold_is_noticed(alerts: list[Alert]) -> None:
    raised = next(alert for alert in alerts if alert.kind is AlertKind.RAISED)
    assert departs(msgspec.structs.replace(raised, threshold=(raised.risk or 0.0) + 1e-6))
