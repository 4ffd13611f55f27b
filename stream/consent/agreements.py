"""What a customer said about each purpose and channel, when, where, and what held at a time."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import msgspec

from stream.consent.purposes import Purpose

__all__ = ["DEFAULTS", "MAX_STATEMENTS", "Agreements", "ConsentDefault", "May", "Statement"]

#: Statements of a purpose and channel that are kept; the oldest are forgotten.
MAX_STATEMENTS: Final = 20

ConsentDefault = Literal["opt-out", "opt-in"]
#: What is allowed with a customer who has said nothing. Service needs no consent: it is what was ordered.
DEFAULTS: Final[dict[ConsentDefault, frozenset[Purpose]]] = {
    "opt-out": frozenset(Purpose),
    "opt-in": frozenset({Purpose.SERVICE}),
}


class Statement(msgspec.Struct, frozen=True, omit_defaults=True, order=True):
    """One thing that a customer said. Statements are ordered: by time, then a withdrawal is the later one.

    ``event``: type and name of the event that said so, such as "email unsubscribed"; ``event_id``: its id. ``source``:
    where. ``version`` and ``text``: to which wording.
    """

    at_ms: int
    is_withdrawn: bool
    event_id: str
    event: str
    source: str = ""
    version: str = ""
    text: str = ""


class May(NamedTuple):
    """Whether something may be done. ``by``: the statement that decides, None where the default does."""

    is_allowed: bool
    by: Statement | None = None

    def __bool__(self) -> bool:
        return self.is_allowed


class Agreements(msgspec.Struct, omit_defaults=True):
    """``said``: purpose, or "purpose/channel" for one channel alone, -> statements, the oldest first."""

    said: dict[str, list[Statement]] = msgspec.field(default_factory=dict)

    def add(self, purpose: Purpose, channel: str | None, statement: Statement) -> None:
        """Take a statement in. Neither the order of statements matters nor how often one comes.

        >>> agreements = Agreements()
        >>> agreements.add(Purpose.MARKETING, None, Statement(1, False, "e-1", "consent granted"))
        >>> agreements.add(Purpose.MARKETING, "email", Statement(2, True, "e-2", "email unsubscribed"))
        >>> [bool(agreements.may(Purpose.MARKETING, channel, 3, "opt-in")) for channel in ("email", "sms")]
        [False, True]
        """
        self.add_all(Agreements({key_of(purpose, channel): [statement]}))

    def add_all(self, other: Agreements) -> None:
        """Take in what was said under another id of the person, or is kept elsewhere."""
        for of, statements in other.said.items():
            self.said[of] = sorted({*self.said.get(of, ()), *statements})[-MAX_STATEMENTS:]

    def may(self, purpose: Purpose, channel: str | None, at_ms: int, default: ConsentDefault) -> May:
        """Whether a use is allowed at a time: by the newest statement until then about this channel or about all.

        Of two statements of one time the withdrawal holds. ``channel``: None asks about all, so what was said of one
        channel does not count.
        """
        keys = {key_of(purpose, None), key_of(purpose, channel)}
        until = [one for key in keys for one in self.said.get(key, ()) if one.at_ms <= at_ms]
        if not until:
            return May(purpose in DEFAULTS[default])
        newest = max(until)
        return May(not newest.is_withdrawn, newest)


def key_of(purpose: Purpose, channel: str | None) -> str:
    """The key of a purpose in `Agreements`.

    >>> key_of(Purpose.MARKETING, None), key_of(Purpose.MARKETING, "email")
    ('marketing', 'marketing/email')
    """
    return purpose.value if channel is None else f"{purpose.value}/{channel}"
