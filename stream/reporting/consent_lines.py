"""What a customer agreed to, for people and programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from stream.catalogue.events import CONTACT_CHANNELS, PURPOSES
from stream.consent.agreements import Agreements, ConsentDefault, Statement
from stream.consent.purposes import Purpose
from stream.reporting.writing import Writing

__all__ = ["history_lines", "refusals_in_words", "refusals_of", "standing_lines", "standing_of"]


def standing_of(said: Agreements, now_ms: int, default: ConsentDefault) -> dict[str, Any]:
    """What holds now for each purpose, and for each channel where it differs; and all that was said."""
    allowed: dict[str, Any] = {}
    for purpose in Purpose:
        of_all = bool(said.may(purpose, None, now_ms, default))
        by = {channel: bool(said.may(purpose, channel, now_ms, default)) for channel in CONTACT_CHANNELS}
        allowed[purpose.value] = {"all": of_all, **{c: may for c, may in by.items() if may != of_all}}
    return {
        "default": default,
        "allowed": allowed,
        "said": {of: [msgspec.to_builtins(one) for one in told] for of, told in said.said.items()},
    }


def standing_lines(standing: dict[str, Any]) -> Iterator[str]:
    """A line for each purpose: what is allowed, and which channels differ."""
    for purpose, allowed in standing["allowed"].items():
        others = [f"by {channel} {_word(may)}" for channel, may in allowed.items() if channel != "all"]
        yield f"{purpose}: {', '.join((_word(allowed['all']), *others))} ({PURPOSES[purpose]})"
    if not standing["said"]:
        yield f"nothing was said: the default is {standing['default']}"


def history_lines(said: Agreements, writing: Writing) -> Iterator[str]:
    """Everything that was said, the newest first, with its source."""
    told = [(statement, of) for of, statements in said.said.items() for statement in statements]
    for statement, of in sorted(told, reverse=True):
        yield f"{writing.moment(statement.at_ms)}  {_said(statement, of)}"


def refusals_in_words(said: Agreements, now_ms: int, default: ConsentDefault) -> list[str]:
    """What must not be done with a customer now, for the owner.

    >>> refusals_in_words(Agreements(), 0, "opt-out")
    []
    >>> refusals_in_words(Agreements(), 0, "opt-in")
    ['no marketing', 'no scores']
    """
    words = {Purpose.SERVICE: "no service messages", Purpose.MARKETING: "no marketing", Purpose.PROFILING: "no scores"}
    return [
        f"{words[purpose]} by {', '.join(channels)}" if channels else words[purpose]
        for purpose, channels in refusals_of(said, now_ms, default)
    ]


def refusals_of(said: Agreements, now_ms: int, default: ConsentDefault) -> list[tuple[Purpose, Sequence[str]]]:
    """What must not be done with a customer now: purposes, each with its channels; none: by all of them.

    >>> refusals_of(Agreements(), 0, "opt-in")
    [(<Purpose.MARKETING: 'marketing'>, ()), (<Purpose.PROFILING: 'profiling'>, ())]
    """
    found: list[tuple[Purpose, Sequence[str]]] = []
    for purpose in Purpose:
        if not said.may(purpose, None, now_ms, default):
            found.append((purpose, ()))
            continue
        refused = [channel for channel in CONTACT_CHANNELS if not said.may(purpose, channel, now_ms, default)]
        if refused and purpose is not Purpose.PROFILING:
            found.append((purpose, refused))
    return found


def _word(may: bool) -> str:  # noqa: FBT001 - a word for each of two
    return "allowed" if may else "refused"


def _said(statement: Statement, of: str) -> str:
    purpose, _, channel = of.partition("/")
    where = f", {statement.source}" if statement.source else ""
    version = f", wording {statement.version}" if statement.version else ""
    what = "withdrawn" if statement.is_withdrawn else "granted"
    by = f" by {channel}" if channel else ""
    return f"{purpose}{by} {what} ({statement.event}{where}{version}, event {statement.event_id})"
