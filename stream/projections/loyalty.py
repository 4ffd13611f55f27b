"""How satisfied an event says a customer is, and the loyalty that follows from one satisfaction after another."""

from __future__ import annotations

from typing import Final, Literal

from stream.catalogue.events import SCALES
from stream.events.model import FeedbackEvent

__all__ = ["FIRST_LOYALTY", "LOYALTY_RATE", "Source", "loyalty_after", "satisfaction_of"]

#: The loyalty of a customer who has said nothing yet.
FIRST_LOYALTY: Final = 0.5
#: The part of the way to the satisfaction that loyalty goes with each feedback.
LOYALTY_RATE: Final = 0.1

#: Where a satisfaction is from: a score on a scale, or the kind of the feedback alone.
Source = Literal["score", "kind"]

_OF_KIND: Final = {"complained": 0.0, "praised": 1.0}


def loyalty_after(loyalty: float, satisfaction: float, rate: float = LOYALTY_RATE) -> float:
    """L(t+1) = L(t) + a (S(t) - L(t)); all in [0, 1].

    >>> round(loyalty_after(0.5, 0.8), 6), round(loyalty_after(0.53, 0.9), 6)
    (0.53, 0.567)
    """
    return loyalty + rate * (satisfaction - loyalty)


def satisfaction_of(event: FeedbackEvent) -> tuple[float, Source] | None:
    """S in [0, 1]: the place of the score on its scale, else 0 for a complaint and 1 for praise. None: it says neither.

    >>> event = FeedbackEvent(event_id="e", customer_id="c", occurred_at=0.0, name="rated", scale="nps", value=8)
    >>> satisfaction_of(event)
    (0.8, 'score')
    """
    if event.scale is not None and event.value is not None:
        scale = SCALES[event.scale]
        return (event.value - scale.low) / (scale.high - scale.low), "score"
    return (_OF_KIND[event.name], "kind") if event.name in _OF_KIND else None
