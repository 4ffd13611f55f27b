"""Texts of customers as records of the topic `feedback-texts`: masked, and with the labels that are known."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from stream.events.model import CustomerId, Id, Instant, Label, Language, Text

__all__ = ["KEY", "FeedbackText", "Mood", "encode_text"]

#: The key of every text: one partition has them all, because one model learns from all of them.
KEY: Final = "feedback-texts"

Mood = Literal["negative", "neutral", "positive"]

_ENCODE: Final = msgspec.json.Encoder().encode


class FeedbackText(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a customer wrote, without personal data; it comes again when its category becomes known.

    ``text_id`` is the id of the event. ``name`` says what the event was, as in `events.feedback`, or ``replied`` to an
    e-mail. ``mood`` follows from a score that was given with the text, from a complaint or from praise; people told
    ``category``. The record key is ``feedback-texts``.
    """

    text_id: Id
    customer_id: CustomerId
    occurred_at: Instant
    name: Label
    text: Text
    language: Language | None = None
    product_id: Label | None = None
    channel: Label | None = None
    mood: Annotated[Mood, Meta(description="told by the customer")] | None = None
    category: Annotated[Label, Meta(description="told by people")] | None = None


def encode_text(text: FeedbackText) -> bytes:
    """The value of its record."""
    return _ENCODE(text)
