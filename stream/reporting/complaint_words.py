"""What a customer complained about, in the language of who reads it."""

from __future__ import annotations

from typing import Final

from stream.reporting.words import Words, to_say

__all__ = ["complaint_sentence"]

#: By what it is about, and whether it is known how it came.
_SAYS: Final = {
    ("order", True): to_say("Complained about order %(about)s by %(channel)s."),
    ("order", False): to_say("Complained about order %(about)s."),
    ("product", True): to_say("Complained about product %(about)s by %(channel)s."),
    ("product", False): to_say("Complained about product %(about)s."),
    ("", True): to_say("Complained by %(channel)s."),
    ("", False): to_say("Complained."),
}


def complaint_sentence(order_id: str | None, product_id: str | None, channel: str | None, words: Words) -> str:
    """As `stream.alerts.feedback_alerts.complaint` says it in English.

    >>> from stream.reporting.words import ENGLISH
    >>> complaint_sentence("o-7", None, "email", ENGLISH)
    'Complained about order o-7 by email.'
    """
    kind = "order" if order_id else "product" if product_id else ""
    values = {"about": order_id or product_id, "channel": words.name(channel or "")}
    return words.gettext(_SAYS[kind, bool(channel)], **values)
