"""Identifiers in clear to tokens, before an event goes anywhere.

A token is HMAC-SHA256 under the installation's key, cut to 128 bits. A person who can read the topics or Redis, but
not the key, cannot tell whether an address is in them. Equal identifiers have equal tokens, so the program can
join by them.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import msgspec

from stream.catalogue.identifiers import CUSTOMER, IDENTIFIERS
from stream.events.rejections import Defect, Rejection, printable
from stream.events.screen import BadRecordError, screen
from stream.identity.nobody import is_nobody
from stream.settings import Settings

__all__ = ["Sealer"]

_FIELD: Final = "identifiers"
_MARK: Final = b'"identifiers"'
_PREFIX: Final = "h1_"
_DIGEST_BYTES: Final = 16
_TOKEN_CHARS: Final = len(_PREFIX) + 22
_MAX_BYTES: Final = 65_536
_REMEMBERED: Final = 20_000
_BY_STRENGTH: Final = sorted(IDENTIFIERS, key=lambda kind: -IDENTIFIERS[kind].strength)

_EVENT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ANY: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder()
_ENCODE: Final = msgspec.json.Encoder().encode

#: (kind, text, country of phone numbers) -> the spelling that is hashed; empty for nobody.
Normal = Callable[[str, str, str], str]


class Sealer:
    """Replaces the identifiers of events by their tokens.

    An identifier that tells nobody (``null``, ``guest``, all zeros) or is none of its kind is left out, and so is a
    field of another name. An event without ``customer_id``, or with one that tells nobody, gets the token of its
    strongest identifier as customer, with its kind before it. Without a key, identifiers in clear are left out.

    >>> sealer = Sealer(b"k" * 32, lambda kind, text, region: text.lower())
    >>> sealer.seal(b'{"event_id":"e-1","identifiers":{"email":"Ann@example.com"}}')
    b'{"event_id":"e-1","identifiers":{"email":"h1_BKQqCCZDqIoqspUjwasLqw"},"customer_id":"email:h1_BKQqCCZDqIoqspUjwasLqw"}'
    """

    def __init__(self, key: bytes, normal: Normal, region: str = "") -> None:
        self._key = key
        self._normal = normal
        self._region = region
        # a customer comes many times, and an address takes 40 us to be read
        self._token = lru_cache(_REMEMBERED)(self._token_of)

    @classmethod
    def of(cls, settings: Settings) -> Sealer:
        """The sealer that goes by ``settings``."""
        if not settings.identity_key:
            return cls(b"", _nobody)
        from stream.identity.normal import normal  # noqa: PLC0415 - 45 ms, and nothing for whom nothing is joined

        return cls(settings.identity_key.encode(), normal, settings.phone_region)

    def token(self, kind: str, text: str) -> str:
        """The token of an identifier; of a token itself; empty for an identifier that tells nobody."""
        return text if is_token(text) else self._token(kind, text)

    def _token_of(self, kind: str, text: str) -> str:
        found = self._normal(kind, text, self._region)
        if not found:
            return ""
        digest = hmac.digest(self._key, f"{kind}:{found}".encode(), "sha256")[:_DIGEST_BYTES]
        return _PREFIX + urlsafe_b64encode(digest).decode().rstrip("=")

    def seal(self, value: bytes) -> bytes | Rejection:
        """The event in JSON with tokens; as it is if it has no identifiers, or is no JSON, which the decoder refuses.

        A `Rejection` (of record 0) if nothing tells whose event it is, or two customers are named.
        """
        if _MARK not in value:
            return value
        try:
            screen(value, _MAX_BYTES)
            event = _EVENT.decode(value)
            given: object = _ANY.decode(event.get(_FIELD, b"null"))
            stated: object = _ANY.decode(event.get(CUSTOMER, b"null"))
        except (BadRecordError, msgspec.MsgspecError, UnicodeDecodeError):
            return value
        if _FIELD not in event:
            return value
        if given is None:
            given = {}
        if not isinstance(given, dict):
            return Rejection(0, Defect.BAD_IDENTIFIER, f"expected identifiers as an object; got {type(given).__name__}")
        return self._sealed(event, given, stated)

    def _sealed(self, event: dict[str, msgspec.Raw], given: dict[str, Any], stated: object) -> bytes | Rejection:
        tokens: dict[str, str] = {}
        for kind in _BY_STRENGTH:
            found = given.get(kind)
            if found is None:
                continue
            if isinstance(found, bool) or not isinstance(found, str | int):
                return Rejection(
                    0, Defect.BAD_IDENTIFIER, f"expected {kind} as a text; got {printable(type(found).__name__)}"
                )
            if token := self.token(kind, str(found)):
                tokens[kind] = token
        own = given.get(CUSTOMER)
        if own and stated and own != stated:
            return Rejection(0, Defect.BAD_IDENTIFIER, "customer_id and identifiers.customer_id are two customers")
        sealed: dict[str, object] = {name: raw for name, raw in event.items() if name != _FIELD}
        if tokens:
            sealed[_FIELD] = tokens
        customer = stated or own
        if customer and not (tokens and isinstance(customer, str) and is_nobody(customer)):
            sealed[CUSTOMER] = customer
        elif tokens:
            strongest = next(iter(tokens))
            sealed[CUSTOMER] = f"{strongest}:{tokens[strongest]}"
        else:
            return Rejection(0, Defect.MISSING_FIELD, self._why_nobody())
        return _ENCODE(sealed)

    def _why_nobody(self) -> str:
        if self._key:
            return "expected a customer_id or an identifier that tells a person; there is neither"
        return "expected a customer_id; without the setting identity_key no other identifier is accepted"


def is_token(text: str) -> bool:
    """Whether a text has the form of a token."""
    return (
        len(text) == _TOKEN_CHARS
        and text.startswith(_PREFIX)
        and text.isascii()
        and all(char.isalnum() or char in "-_" for char in text)
    )


def _nobody(_kind: str, _text: str, _region: str) -> str:
    return ""
