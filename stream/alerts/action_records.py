"""What people do about customers: the records of the topic ``actions``.

JSON objects keyed by ``customer_id``, sent at least once; ``action_id`` makes a repeat known.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from stream.alerts.alert_records import Sha256
from stream.events.model import CustomerId, Id, Instant

__all__ = ["MAX_NOTE_CHARS", "Action", "ActionKind"]

MAX_NOTE_CHARS = 2000

# A note may have line breaks and tabs; the decoder refuses the other control characters, as the schema does.
_NO_CONTROL_CHARACTERS = {"pattern": r"^(?![\s\S]*[\u0000-\u0008\u000b\u000c\u000e-\u001f])"}
Note = Annotated[str, Meta(max_length=MAX_NOTE_CHARS, extra_json_schema=_NO_CONTROL_CHARACTERS)]


class ActionKind(StrEnum):
    """What someone did about a customer, or found out."""

    CONTACTED = "contacted"
    OFFER_ACCEPTED = "offer_accepted"
    RESOLVED = "resolved"
    FALSE_ALARM = "false_alarm"
    LABELLED = "labelled"


class Action(Struct, frozen=True, kw_only=True):
    """Someone acted on a customer.

    ``action_id`` makes the record idempotent. ``customer_id`` equals the record key. ``alert_id`` names the alert that
    led to the action, ``actor`` who acted (a person, a team or a system). ``labelled`` says of which ``category`` what
    the customer wrote in the event ``event_id`` is, and needs both. Unknown extra fields are ignored.
    """

    action_id: Id
    customer_id: CustomerId
    action: ActionKind
    occurred_at: Instant
    alert_id: Sha256 | None = None
    actor: Id | None = None
    note: Note | None = None
    event_id: Id | None = None
    category: Id | None = None

    @property
    def is_response(self) -> bool:
        """Whether somebody did something for the customer, and not only filed what they wrote."""
        return self.action is not ActionKind.LABELLED
