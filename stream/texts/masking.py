"""Masks personal data in what customers write: e-mail addresses, card numbers, phone numbers."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["CARD", "EMAIL", "NUMBER", "PHONE", "is_card_number", "masked"]

EMAIL, CARD, PHONE, NUMBER = "[email]", "[card]", "[phone]", "[number]"

_DOMAIN: Final = re.compile(r"[@\uff20][\w-]+(?:\.[\w-]+)+")
_LOCAL: Final = frozenset("._%+-'")
#: Seven digits and more, with what people write between them: spaces, hyphens and dashes of any width, none as well.
_DIGITS: Final = re.compile(r"[+(]?\d(?:[ \t\u00a0\u00ad\u2007-\u2015\u202f\u2060\u2212\ufeff().\-/]{0,3}\d){6,}")
_DATE: Final = re.compile(r"\d{4}([-/.])\d{1,2}\1\d{1,2}(?: \d{1,2})?|\d{1,2}([-/.])\d{1,2}\2\d{4}(?: \d{1,2})?")
_MIN_CARD, _MAX_CARD = 13, 19
_MAX_PHONE: Final = 15
#: Digits without a sign that they are a phone number are taken for one from this number on.
_LONG: Final = 10
#: Of a longer run of digits nobody can tell what it is.
_MAX_RUN: Final = 40


def masked(text: str) -> str:
    """The text without addresses, card numbers (by Luhn's check) and phone numbers; each becomes a word in brackets.

    Long numbers are rather masked than left: a number of ten digits and more is a phone number here. Dates stay. Takes
    a time proportional to the length of the text.

    >>> masked("Call +49 170 1234567 or write to eva@example.com about order 77123, since 2026-01-05.")
    'Call [phone] or write to [email] about order 77123, since 2026-01-05.'
    >>> masked("I paid with 4111 1111 1111 1111.")
    'I paid with [card].'
    """
    return _DIGITS.sub(_mask_number, _without_addresses(text))


def is_card_number(digits: str) -> bool:
    """Whether digits pass Luhn's check (ISO/IEC 7812-1) and have the length of a card number."""
    if not _MIN_CARD <= len(digits) <= _MAX_CARD:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 * (doubled > 9)  # noqa: PLR2004 - the sum of the two digits
    return total % 10 == 0


def _without_addresses(text: str) -> str:
    parts: list[str] = []
    done = 0
    for found in _DOMAIN.finditer(text):
        start = found.start()
        while start > done and (text[start - 1].isalnum() or text[start - 1] in _LOCAL):
            start -= 1
        if start == found.start():
            continue
        parts += (text[done:start], EMAIL)
        done = found.end()
    return "".join((*parts, text[done:]))


def _mask_number(found: re.Match[str]) -> str:
    run = found.group()
    digits = "".join(character for character in run if character.isdecimal())
    if len(digits) > _MAX_RUN:
        return NUMBER
    if run.startswith("+") and len(digits) <= _MAX_PHONE:
        return PHONE
    if _has_card(digits):
        return CARD
    if _DATE.fullmatch(run):
        return run
    says_so = run != digits or digits.startswith("0")
    if says_so or len(digits) >= _LONG:
        return PHONE if len(digits) <= _MAX_PHONE else NUMBER
    return run


def _has_card(digits: str) -> bool:
    """Whether a card number is in a run of digits: an expiry date or another number may stand beside it."""
    return any(
        is_card_number(digits[start : start + length])
        for start in range(len(digits) - _MIN_CARD + 1)
        for length in range(_MIN_CARD, _MAX_CARD + 1)
        if start + length <= len(digits)
    )
