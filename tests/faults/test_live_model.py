"""The check of alerts of a live model: it accepts what follows, and nothing else."""

import msgspec
import pytest
from msgspec.structs import replace

from stream.alerts.alert_records import Alert, AlertKind
from stream.online_models.purchase_process import PurchaseProcess
from stream.online_models.purchases_snapshot import PurchasesSnapshot, TypicalHistory
from stream.online_models.snapshot import ModelSnapshot
from stream.processing.rules import Rules
from tests.faults.event_log import made_log
from tests.faults.expectation import expected
from tests.faults.frozen_model import frozen_snapshot
from tests.faults.live_model import departures, with_process

LOG = made_log(3, customers=30, lateness_days=0)
RULES = Rules()._replace(raise_at=0.5, clear_at=0.4)
MODEL = frozen_snapshot()
PURCHASES = PurchasesSnapshot(
    process=PurchaseProcess(r=0.9, alpha=15.0, a=0.6, b=2.5),
    customers=200,
    typical=TypicalHistory(x=1.5, last=20.0, age=45.0),
)
BOTH = with_process(PURCHASES, ready=True, share=0.3, hedge=0.2)
#: As of a model with the process among its terms, and a calibration.
CALIBRATED = replace(BOTH, churn=replace(BOTH.churn, slope=1.2, shift=0.1, odds_weight=0.25, odds_mean=-0.5))
ALONE = with_process(PURCHASES, ready=False)


def alerts_of(model: ModelSnapshot) -> list[Alert]:
    contents = expected(LOG, RULES, snapshot=model).published["alerts"].values()
    return [msgspec.convert({**content, "emitted_at": ""}, type=Alert) for content in contents]


@pytest.fixture(scope="module")
def alerts() -> list[Alert]:
    return alerts_of(MODEL)


def departs(alert: Alert, model: ModelSnapshot = MODEL) -> list[str]:
    return [*departures(alert, model, LOG.truth[alert.customer_id])]


def test_every_alert_of_an_undisturbed_run_follows_from_its_model(alerts: list[Alert]) -> None:
    assert {AlertKind.RAISED, AlertKind.CLEARED} <= {alert.kind for alert in alerts}
    assert [departs(alert) for alert in alerts] == [[]] * len(alerts)


@pytest.mark.parametrize("model", [BOTH, CALIBRATED, ALONE], ids=["both", "calibrated", "alone"])
def test_every_alert_follows_from_its_model_and_its_purchase_process(model: ModelSnapshot) -> None:
    told = alerts_of(model)
    assert AlertKind.RAISED in {alert.kind for alert in told}
    assert [departs(alert, model) for alert in told] == [[]] * len(told)
    other = with_process(replace(PURCHASES, customers=201, process=replace(PURCHASES.process, r=0.91)), ready=True)
    other = replace(other, churn=model.churn)
    assert all(departs(alert, other) for alert in told)


def test_no_alert_follows_from_another_model(alerts: list[Alert]) -> None:
    other = replace(MODEL, churn=replace(MODEL.churn, intercept=MODEL.churn.intercept + 1e-6))
    assert all(departs(alert, other) for alert in alerts)


@pytest.mark.parametrize("field", ["risk", "logit", "baseline", "rest"])
def test_a_number_that_is_off_is_noticed(alerts: list[Alert], field: str) -> None:
    off = replace(alerts[0], **{field: getattr(alerts[0], field) + 1e-6})
    assert any(found.startswith(field) for found in departs(off))


def test_a_contribution_or_a_value_that_is_off_is_noticed(alerts: list[Alert]) -> None:
    first, *others = alerts[0].reasons
    for changed in (
        replace(first, contribution=first.contribution + 1e-6),
        replace(first, value=-1.0),
    ):
        assert departs(replace(alerts[0], reasons=(changed, *others)))


def test_an_alert_of_the_wrong_kind_is_noticed(alerts: list[Alert]) -> None:
    for kind, other_kind in ((AlertKind.RAISED, AlertKind.CLEARED), (AlertKind.CLEARED, AlertKind.RAISED)):
        other = next(alert for alert in alerts if alert.kind is other_kind)
        assert any(found.startswith(str(kind)) for found in departs(replace(other, kind=kind)))


def test_an_alert_on_the_wrong_side_of_its_threshold_is_noticed(alerts: list[Alert]) -> None:
    raised = next(alert for alert in alerts if alert.kind is AlertKind.RAISED)
    assert departs(replace(raised, threshold=(raised.risk or 0.0) + 1e-6))
