"""What actions of people mean for notifications."""

from collections.abc import Mapping
from typing import Final

import msgspec

from stream.alerts.action_records import Action, ActionKind
from stream.alerts.alert_records import OF_FEEDBACK, Alert, AlertKind
from stream.catalogue.windows import DAY_MS
from stream.events.times import epoch_ms

__all__ = ["latest_actions", "suppressing"]

_actions: Final = msgspec.json.Decoder(Action)


def latest_actions(encoded: Mapping[str, bytes]) -> list[Action]:
    """What is stored about a customer, newest first."""
    actions = [_actions.decode(record) for record in encoded.values()]
    return sorted(actions, key=lambda action: epoch_ms(action.occurred_at), reverse=True)


def suppressing(
    alert: Alert, at_ms: int, encoded: Mapping[str, bytes], days: Mapping[ActionKind, float]
) -> Action | None:
    """The latest action that suppresses `alert`, if there is one.

    Raised alerts are suppressed that occurred (at `at_ms`) before the action or up to ``days`` after it. An alert about
    what a customer said is suppressed by an action after it: a new complaint is news, whatever was done before.
    """
    if alert.kind is not AlertKind.RAISED and alert.kind not in OF_FEEDBACK:
        return None
    for action in latest_actions(encoded):
        window_ms = days.get(action.action, 0.0) * DAY_MS
        if alert.kind in OF_FEEDBACK:
            if at_ms < epoch_ms(action.occurred_at):
                return action
        elif window_ms and at_ms < epoch_ms(action.occurred_at) + window_ms:
            return action
    return None
