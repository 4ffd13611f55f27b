"""What a contract of single fields cannot say: scores on their scales, referrals, and control characters in any id."""

import re
from typing import Final

from stream.catalogue.events import SCALES
from stream.events.alphabet import Alphabet
from stream.events.model import Event, FeedbackEvent, InteractionEvent, PurchaseEvent
from stream.events.rejections import Defect
from stream.events.screen import BadRecordError

__all__ = ["CONTROL_IN_ID", "refuse_control_characters", "refuse_incomplete"]

#: Control characters, and those that turn the direction of writing.
CONTROL_IN_ID: Final = re.compile(r"[\x00-\x1f\x80-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def refuse_incomplete(event: Event, alphabet: Alphabet) -> None:
    """Raise `BadRecordError` for a score that is on no scale or beyond its own, and for a referral of nobody."""
    if isinstance(event, FeedbackEvent):
        _refuse_score(event)
    elif isinstance(event, InteractionEvent):
        if event.referred_id is None:
            if event.name == "referred":
                raise BadRecordError(Defect.MISSING_FIELD, "`referred` needs a `referred_id`")
        elif objection := alphabet.objection(event.referred_id):
            raise BadRecordError(Defect.BAD_CUSTOMER_ID, f"referred_id: {objection}")


def _refuse_score(event: FeedbackEvent) -> None:
    if event.scale is None and event.value is None:
        if event.name == "rated":
            raise BadRecordError(Defect.MISSING_FIELD, "`rated` needs a `scale` and a `value`")
        return
    if event.scale is None or event.value is None:
        raise BadRecordError(Defect.MISSING_FIELD, "a `scale` needs a `value`, and a `value` a `scale`")
    scale = SCALES[event.scale]
    if not scale.low <= event.value <= scale.high:
        span = f"{scale.low:g} to {scale.high:g}"
        raise BadRecordError(Defect.BAD_SCORE, f"expected {span} on the scale {event.scale}; got {event.value:g}")


def refuse_control_characters(event: Event) -> None:
    """Raise `BadRecordError` for an id with one: ids become record keys, header values and log lines."""
    other_id = event.order_id if isinstance(event, PurchaseEvent) else ""
    if isinstance(event, InteractionEvent):
        other_id = event.referred_id or ""
    found = CONTROL_IN_ID.search(f"{event.event_id}{event.customer_id}{other_id}")
    if found:
        raise BadRecordError(Defect.CONTROL_CHARACTER, f"an id contains U+{ord(found.group()):04X}")
