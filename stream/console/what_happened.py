"""What happened to a customer, as people say it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from stream.alerts.alert_records import AlertKind
from stream.directory.timeline import ACTION, ALERT, STAGE, TimelineEntry
from stream.features.registry import COLUMN, FEATURES
from stream.features.stages import Stage
from stream.reporting.advice import silence_sentence
from stream.reporting.complaint_words import complaint_sentence
from stream.reporting.words import Words, to_say
from stream.whatif.comparison import AlertChange

__all__ = ["change_in_words", "detail_in_words", "effect_in_words", "entry_in_words", "feature_in_words"]

#: Changes of the log-odds from which on a reason counts much, and some: the odds are doubled, or a third higher.
_MUCH: Final = math.log(2)
_SOME: Final = math.log(4 / 3)
#: Entries of the timeline that have a plain name.
_ENTRIES: Final = {
    ("purchase", "completed"): to_say("Order"),
    ("purchase", "refunded"): to_say("Refund"),
    ("purchase", "cancelled"): to_say("Order cancelled"),
    ("click", "page_viewed"): to_say("Looked at the shop"),
    ("click", "product_viewed"): to_say("Looked at a product"),
    (ALERT, AlertKind.RAISED): to_say("Alert: may not come back"),
    (ALERT, AlertKind.CLEARED): to_say("Alert ended: is back, or less at risk"),
    (ALERT, AlertKind.WINBACK): to_say("Alert: was lost, and looks again"),
    (ALERT, AlertKind.COMPLAINT): to_say("Alert: a complaint waits for an answer"),
    (ALERT, AlertKind.DROPPED): to_say("Alert: is less satisfied than before"),
}
_SOURCES: Final = {
    "click": to_say("In the shop: %(what)s"),
    "email": to_say("E-mail: %(what)s"),
    ACTION: to_say("Done by us: %(what)s"),
    STAGE: to_say("Stage: %(what)s"),
    "feedback": to_say("Feedback: %(what)s"),
    "interaction": to_say("Contact: %(what)s"),
    "consent": to_say("Consent: %(what)s"),
}
#: Why a customer is in a stage that no silence leads to.
_BY_ORDER: Final = {
    Stage.LEAD.code: to_say("Known, and no order yet."),
    Stage.NEW.code: to_say("First order."),
    Stage.ACTIVE.code: to_say("Ordered again."),
    Stage.WON_BACK.code: to_say("Ordered again after having been lost."),
}


def effect_in_words(part: float, words: Words) -> str:
    """What a part of the log-odds does to a risk.

    >>> from stream.reporting.words import ENGLISH
    >>> [effect_in_words(part, ENGLISH) for part in (1.2, -0.4, 0.1)]
    ['raises it much', 'lowers it', 'raises it a little']
    """
    size = abs(part)
    if part > 0:
        if size >= _MUCH:
            return words.gettext("raises it much")
        return words.gettext("raises it") if size >= _SOME else words.gettext("raises it a little")
    if size >= _MUCH:
        return words.gettext("lowers it much")
    return words.gettext("lowers it") if size >= _SOME else words.gettext("lowers it a little")


def entry_in_words(entry: TimelineEntry, words: Words) -> str:
    """What happened."""
    if (plain := _ENTRIES.get((entry.source, entry.name))) is not None:
        return words.name(plain)
    what = words.name(entry.name.replace("_", " "))
    if entry.source not in _SOURCES:
        return f"{entry.source}: {what}"
    return words.gettext(_SOURCES[entry.source], what=what)


def detail_in_words(entry: TimelineEntry, words: Words) -> str:
    """More about it: what people noted, why a stage changed, how long a customer was silent, or which thing it was."""
    detail = entry.detail or {}
    if entry.source == STAGE:
        return _why_stage(entry.name, detail, words)
    if entry.source == ALERT:
        return _why_alert(entry.name, detail, words)
    return str(detail.get("note") or entry.order_id or detail.get("product_id") or "")


def change_in_words(change: AlertChange, words: Words) -> str:
    """Why there is an alert that another policy gives at another time, or not at all."""
    figures = {"days_since_order": change.days_since_order, "usual_gap_days": change.usual_gap_days}
    return _why_alert(change.kind, figures, words)


def feature_in_words(name: str, words: Words) -> str:
    """What a feature is called; one that is not known any more by its code."""
    column = COLUMN.get(name)
    return words.name((FEATURES[column].title if column is not None else "") or name.replace("_", " "))


def _why_alert(kind: str, detail: Mapping[str, Any], words: Words) -> str:
    heard = detail.get("heard") or {}
    if kind == AlertKind.COMPLAINT:
        return complaint_sentence(heard.get("order_id"), heard.get("product_id"), heard.get("channel"), words)
    if kind in {AlertKind.CLEARED, AlertKind.DROPPED}:
        return ""
    return _silence(detail, words)


def _why_stage(stage: str, detail: Mapping[str, Any], words: Words) -> str:
    if detail.get("cause") == "correction":
        return words.gettext("Orders were corrected.")
    return words.name(_BY_ORDER[stage]) if stage in _BY_ORDER else _silence(detail, words)


def _silence(detail: Mapping[str, Any], words: Words) -> str:
    silence, usual = detail.get("days_since_order"), detail.get("usual_gap_days")
    return "" if silence is None or usual is None else silence_sentence(silence, usual, words)
