"""Which channels hear of an alert, by which rule and in which words."""

from collections.abc import Sequence
from typing import NamedTuple

from stream.alerts.alert_records import Alert
from stream.notifications.config import Config, Match, Rule
from stream.notifications.notification_records import Suppression

__all__ = ["Route", "Routing", "matches", "route"]


class Route(NamedTuple):
    """One channel that hears of the alert."""

    channel: str
    rule: str
    template: str


class Routing(NamedTuple):
    """The routes of an alert; without any, ``reason`` says why not and ``rule`` which rule decided so, if one did."""

    routes: Sequence[Route]
    reason: Suppression | None = None
    rule: str | None = None


def matches(match: Match, alert: Alert) -> bool:
    """Whether `alert` satisfies every condition that is given."""
    return (
        (not match.kind or alert.kind in match.kind)
        and (not match.cause or alert.cause in match.cause)
        and (not match.segment or alert.segment in match.segment)
        and (match.risk_at_least is None or (alert.risk is not None and alert.risk >= match.risk_at_least))
        and (match.value_at_least is None or alert.value_at_risk >= match.value_at_least)
    )


def route(config: Config, alert: Alert) -> Routing:
    """Apply the rules in order: the first that matches decides, or all that match (``apply: all``).

    A channel hears of an alert once: of several matching rules the first one's template counts.
    """
    matching: list[Rule] = []
    for rule in config.rules:
        if matches(rule.match, alert):
            matching.append(rule)
            if config.apply == "first":
                break
    routes: dict[str, Route] = {}
    for rule in matching:
        for channel in rule.channels:
            routes.setdefault(channel, Route(channel, rule.name, rule.template))
    if routes:
        return Routing([*routes.values()])
    if matching:
        return Routing((), Suppression.RULE, matching[0].name)
    return Routing((), Suppression.NO_RULE)
