"""One action of a person, checked as its readers will check it, and published."""

import time
from contextlib import closing

import msgspec

from stream.alerts.action_records import Action
from stream.alerts.decoding import decode_action, encode_action
from stream.cli.publish_one import publish_one
from stream.errors import SettingsError
from stream.events.rejections import Rejection
from stream.notifications.inbound import Inbound
from stream.privacy.concealed_fields import EVENT_ID
from stream.privacy.concealing import concealed_text
from stream.privacy.person_keys import PersonKeys
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
    """Check and publish, the id of an event as the topics have it.

    Raises `SettingsError`, `TopologyError` or `PublishError`, and `StorageError` while the keys of persons are away.
    """
    action = _concealed(settings, action)
    check_action(settings, action)
    publish_one(settings, settings.actions, action.customer_id.encode(), encode_action(action), "action")


def _concealed(settings: Settings, action: Action) -> Action:
    """With `privacy_keys` the id of the event is under the key of its customer, as in the event itself."""
    if action.event_id is None or (keys := PersonKeys.of(settings)) is None:
        return action
    with closing(keys):
        person = keys.known([action.customer_id]).get(action.customer_id)
    if person is None:
        return action
    return msgspec.structs.replace(action, event_id=concealed_text(person, action.event_id, EVENT_ID))
