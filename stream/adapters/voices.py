"""What the tables of feedback share: the words of customers, their language, and the score."""

import html
import re
from typing import Final

from stream.adapters.event_table import ProviderEvent, Reader
from stream.adapters.json_fields import amount, pick, text
from stream.events.kinds import EventType
from stream.events.model import MAX_TEXT_CHARS

__all__ = ["FEEDBACK", "language_at", "on_scale", "said", "value_at"]

FEEDBACK: Final = EventType.FEEDBACK

_MARKUP: Final = re.compile(r"<[^<>]{1,1000}>")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8})*", re.ASCII)
_MAX_LANGUAGE_CHARS: Final = 35


def said(*paths: str) -> Reader:
    """What the customer wrote, without markup; of a text that is too long the beginning."""

    def read(item: ProviderEvent) -> str | None:
        parts = (text(pick(item.event, path)) for path in paths)
        found = "\n".join(plain for part in parts if part and (plain := _plain(part)))
        return found[:MAX_TEXT_CHARS] or None

    return read


def _plain(written: str) -> str:
    return html.unescape(_MARKUP.sub(" ", written)).strip() if "<" in written else written.strip()


def language_at(*paths: str) -> Reader:
    """A tag of BCP 47; nothing for what is none."""

    def read(item: ProviderEvent) -> str | None:
        found = text(pick(item.event, *paths))
        if found is None or len(found) > _MAX_LANGUAGE_CHARS or not _LANGUAGE.fullmatch(found):
            return None
        return found.replace("_", "-")

    return read


def value_at(*paths: str) -> Reader:
    """A number, also one that was sent as text."""
    return lambda item: amount(pick(item.event, *paths))


def on_scale(scale: str, *paths: str) -> dict[str, Reader]:
    """The fields of a score on ``scale``, where there is one: the contract refuses what is beyond it."""

    def named(item: ProviderEvent) -> str | None:
        return None if pick(item.event, *paths) is None else scale

    return {"scale": named, "value": value_at(*paths)}
