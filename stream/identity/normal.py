"""Identifiers in one spelling each, so that equal ones are equal; and those that tell nobody."""

import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from stream.identity.nobody import is_nobody

__all__ = ["MAX_CHARS", "normal"]

#: Longer texts are no identifiers.
MAX_CHARS: Final = 320


def normal(kind: str, text: str, region: str = "") -> str:
    """The identifier in the spelling that is hashed; empty for what tells nobody or is no identifier of its kind.

    ``kind``: one of `stream.catalogue.identifiers.IDENTIFIERS`. ``region``: the country of phone numbers without a
    country code, as two letters.

    >>> normal("email", " Ann@Example.COM "), normal("phone", "030 123456", "DE"), normal("handle", "X:@Ann")
    ('ann@example.com', '+4930123456', 'x:ann')
    >>> normal("email", "ann@"), normal("anonymous_id", "null")
    ('', '')
    """
    found = unicodedata.normalize("NFKC", text).strip()
    if len(found) > MAX_CHARS or is_nobody(found):
        return ""
    return _NORMAL[kind](found, region)


def _email(text: str, _region: str) -> str:
    try:
        address = validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return ""
    # the case of the part before the @ means something in the standard, and nothing to the mail providers of customers
    return "" if is_nobody(address.local_part) else str(address.normalized).lower()


def _phone(text: str, region: str) -> str:
    try:
        number = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _card(text: str, _region: str) -> str:
    return "".join(char for char in text if char.isalnum()).upper()


def _handle(text: str, _region: str) -> str:
    network, colon, name = text.casefold().rpartition(":")
    name = name.strip().lstrip("@")
    return "" if is_nobody(name) else f"{network.strip()}{colon}{name}"


def _anonymous_id(text: str, _region: str) -> str:
    return text


_NORMAL: Final[Mapping[str, Callable[[str, str], str]]] = MappingProxyType(
    {"card": _card, "email": _email, "phone": _phone, "handle": _handle, "anonymous_id": _anonymous_id}
)
