"""The severity of an alert."""

from hypothesis import given
from hypothesis import strategies as st

from stream.alerts.severity import Severity, severity_of

levels = st.floats(0.01, 0.99)


@given(levels, st.floats(0.0, 1.0))
def test_an_alert_is_critical_from_half_way_between_its_level_and_certainty(raise_at: float, share: float) -> None:
    risk = raise_at + share * (1.0 - raise_at)
    half_way = raise_at + 0.5 * (1.0 - raise_at)
    assert (severity_of(risk, raise_at, raised=True) is Severity.CRITICAL) == (risk >= half_way)


@given(levels, st.floats(0.0, 1.0))
def test_a_cleared_alert_has_the_severity_info(raise_at: float, risk: float) -> None:
    assert severity_of(risk, raise_at, raised=False) is Severity.INFO
