"""How bad an alert is, for routing and for counting."""

from enum import StrEnum
from typing import Final

__all__ = ["CRITICAL_SHARE", "Severity", "severity_of"]

#: Share of the way from the level that raises alerts to certainty, from which an alert is critical: 0.85 with the
#: default level of 0.7. Relative, so that both severities exist at any level.
CRITICAL_SHARE: Final = 0.5


class Severity(StrEnum):
    """``info`` is for good news: an alert that has been cleared, a lost customer who looks again."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


def severity_of(risk: float, raise_at: float, *, raised: bool) -> Severity:
    """The severity of an alert at ``risk``.

    >>> severity_of(0.72, 0.7, raised=True).value, severity_of(0.9, 0.7, raised=True).value
    ('warning', 'critical')
    """
    if not raised:
        return Severity.INFO
    return Severity.CRITICAL if risk >= raise_at + CRITICAL_SHARE * (1.0 - raise_at) else Severity.WARNING
