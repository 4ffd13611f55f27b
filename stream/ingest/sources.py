"""Tokens, and what the source that has one may send."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stream.errors import SettingsError
from stream.events.columns import MONEY_SCALE
from stream.events.kinds import EventType

__all__ = ["ANY", "MIN_TOKEN_CHARS", "Source", "sources_of"]

MIN_TOKEN_CHARS: Final = 16
_ALL_TYPES: Final = frozenset(EventType)


@dataclass(frozen=True, slots=True)
class Source:
    """Who sends. ``types``: what it may send; ``max_amount``: the largest amount of an order, in the base currency."""

    types: frozenset[EventType] = _ALL_TYPES
    max_amount: float | None = None

    def objection(self, event_type: EventType, amount: int) -> str:
        """Why it may not send an event of this type and amount (in 1/MONEY_SCALE of the base currency), or nothing.

        >>> Source(frozenset({EventType.CLICK})).objection(EventType.PURCHASE, 10_000)
        'this token may send click events only'
        >>> Source(max_amount=500).objection(EventType.PURCHASE, 500 * MONEY_SCALE)
        ''
        """
        if event_type not in self.types:
            return f"this token may send {' and '.join(sorted(self.types))} events only"
        if self.max_amount is not None and amount > self.max_amount * MONEY_SCALE:
            return f"this token may send amounts up to {self.max_amount:,.2f} in the base currency only"
        return ""


#: A sender who may send everything.
ANY: Final = Source()


def sources_of(text: str) -> Sequence[tuple[bytes, Source]]:
    """The tokens of ``TOKEN[;types=TYPE|TYPE][;max_amount=NUMBER][,...]``, each with its source.

    Raises `SettingsError`, which shows no token, for anything else.
    """
    return [_entry(entry.strip(), number) for number, entry in enumerate(text.split(","), 1) if entry.strip()]


def _entry(entry: str, number: int) -> tuple[bytes, Source]:
    token, *limits = (part.strip() for part in entry.split(";"))
    if len(token) < MIN_TOKEN_CHARS or not token.isascii() or " " in token:
        raise SettingsError(
            f"ingest_token: expected at least {MIN_TOKEN_CHARS} ASCII characters without spaces, such as"
            " openssl rand -hex 32 gives; several are separated by commas"
        )
    types, max_amount = _ALL_TYPES, None
    for limit in limits:
        name, _, value = (part.strip() for part in limit.partition("="))
        if name == "types":
            types = _types(value, number)
        elif name == "max_amount":
            max_amount = _amount(value, number)
        else:
            # the name may be a part of a token that has a semicolon
            raise SettingsError(
                f"ingest_token: after ; of token {number}: expected types={'|'.join(EventType)} or max_amount=NUMBER"
            )
    return token.encode(), Source(types, max_amount)


def _types(value: str, number: int) -> frozenset[EventType]:
    try:
        return frozenset(EventType(name.strip()) for name in value.split("|"))
    except ValueError:
        raise SettingsError(
            f"ingest_token: types of token {number}: expected some of {'|'.join(EventType)}, separated by |"
        ) from None


def _amount(value: str, number: int) -> float:
    try:
        amount = float(value)
    except ValueError:
        amount = math.nan
    if not (math.isfinite(amount) and amount > 0):
        raise SettingsError(f"ingest_token: max_amount of token {number}: expected a number over 0, such as 500")
    return amount
