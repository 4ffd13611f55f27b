"""One action of a person, checked as its readers will check it, and published."""

import time

from stream.alerts.action_records import Action
from stream.alerts.decoding import decode_action, encode_action
from stream.cli.publish_one import publish_one
from stream.errors import SettingsError
from stream.events.rejections import Rejection
from stream.notifications.inbound import Inbound
from stream.settings import Settings

__all__ = ["check_action", "publish_action"]


def check_action(settings: Settings, action: Action) -> None:
    """Raises `SettingsError` for an action that readers of the topic would refuse."""
    now_ms = time.time_ns() // 1_000_000
    record = Inbound(settings.actions, 0, 0, action.customer_id.encode(), encode_action(action), now_ms)
    read = decode_action(record, round(settings.skew_s * 1000))
    if isinstance(read, Rejection):
        raise SettingsError(f"this is no action: {read.detail}")


def publish_action(settings: Settings, action: Action) -> None:
    """Check and publish. Raises `SettingsError`, `TopologyError` or `PublishError`."""
    check_action(settings, action)
    publish_one(settings, settings.actions, action.customer_id.encode(), encode_action(action), "action")
