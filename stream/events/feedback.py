"""What a contract of single fields cannot say of feedback and interactions: scores on their scales, and referrals."""

from stream.catalogue.events import SCALES
from stream.events.alphabet import Alphabet
from stream.events.model import Event, FeedbackEvent, InteractionEvent
from stream.events.rejections import Reason
from stream.events.screen import BadRecordError

__all__ = ["refuse_incomplete"]


def refuse_incomplete(event: Event, alphabet: Alphabet) -> None:
    """Raise `BadRecordError` for a score that is on no scale or beyond its own, and for a referral of nobody."""
    if isinstance(event, FeedbackEvent):
        _refuse_score(event)
    elif isinstance(event, InteractionEvent):
        if event.referred_id is None:
            if event.name == "referred":
                raise BadRecordError(Reason.MISSING_FIELD, "`referred` needs a `referred_id`")
        elif objection := alphabet.objection(event.referred_id):
            raise BadRecordError(Reason.BAD_CUSTOMER_ID, f"referred_id: {objection}")


def _refuse_score(event: FeedbackEvent) -> None:
    if event.scale is None and event.value is None:
        if event.name == "rated":
            raise BadRecordError(Reason.MISSING_FIELD, "`rated` needs a `scale` and a `value`")
        return
    if event.scale is None or event.value is None:
        raise BadRecordError(Reason.MISSING_FIELD, "a `scale` needs a `value`, and a `value` a `scale`")
    scale = SCALES[event.scale]
    if not scale.low <= event.value <= scale.high:
        span = f"{scale.low:g} to {scale.high:g}"
        raise BadRecordError(Reason.BAD_SCORE, f"expected {span} on the scale {event.scale}; got {event.value:g}")
