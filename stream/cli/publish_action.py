"""One action of a person, checked as its readers will check it, and published."""

import time
from collections.abc import Mapping
from contextlib import closing
from typing import Final

import msgspec

from stream.alerts.action_records import MAX_NOTE_CHARS, Action
from stream.alerts.decoding import decode_action, encode_action
from stream.cli.publish_one import publish_one
from stream.errors import SettingsError
from stream.events.rejections import Rejection
from stream.notifications.inbound import Inbound
from stream.privacy.concealed_fields import EVENT_ID, ConcealedField
from stream.privacy.concealing import concealed_text
from stream.privacy.person_keys import PersonKeys
from stream.settings import Settings

__all__ = ["publish_action", "ready_action"]

#: What is encrypted: texts of people, and the event that they label.
_CONCEALED: Final[Mapping[str, ConcealedField]] = {
    "event_id": EVENT_ID,
    "actor": ConcealedField(100, is_id=True),
    "note": ConcealedField(MAX_NOTE_CHARS),
}


def publish_action(settings: Settings, action: Action) -> None:
    """Publish what `ready_action` makes of it. Raises `TopologyError` or `PublishError` as well."""
    ready, value = _ready(settings, action)
    publish_one(settings, settings.actions, ready.customer_id.encode(), value, "action")


def ready_action(settings: Settings, action: Action) -> Action:
    """The action as the topic has it: with `privacy_keys` under the pseudonym and the key of its customer.

    Raises `SettingsError` for one that readers of the topic would refuse, or of a person who was erased, and
    `StorageError` while the keys of persons are away. What is ready stays as it is.
    """
    return _ready(settings, action)[0]


def _ready(settings: Settings, action: Action) -> tuple[Action, bytes]:
    """What `ready_action` returns, and the value of its record."""
    value = encode_action(action)
    now_ms = time.time_ns() // 1_000_000
    record = Inbound(settings.actions, 0, 0, action.customer_id.encode(), value, now_ms)
    read = decode_action(record, round(settings.skew_s * 1000))
    if isinstance(read, Rejection):
        raise SettingsError(f"this is not an action: {read.detail}")
    if (keys := PersonKeys.of(settings)) is None:
        return action, value
    with closing(keys):
        person = keys.persons([action.customer_id])[action.customer_id]
    if person is None:
        raise SettingsError("the customer was erased: nothing is recorded of them")
    told: dict[str, str] = {"customer_id": person.customer_id}
    for name, field in _CONCEALED.items():
        text = getattr(action, name)
        if text is not None:
            found = concealed_text(person, text, field)
            if found is None:
                raise SettingsError(
                    f"{name} is too long to be encrypted: expected some {field.limit * 2 // 3:,} characters"
                )
            told[name] = found
    concealed = msgspec.structs.replace(action, **told)
    return concealed, encode_action(concealed)
