"""What providers send, after their documentation: a call for each row of each table, and how it is signed.

Every sample holds a person's name, address and number (`PERSONAL`), which no event may contain.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from stream.adapters import Call
from tests.adapters.calls import NOW_MS

__all__ = ["PERSONAL", "Sample", "Sign", "changed", "encoded", "hmac_of", "without"]

#: Data by which a person could be recognised.
PERSONAL = ("Ann ", "Sparrow", "ann.sparrow@example.com", "493012345", "Lindenstr")

#: Headers that sign a body, made at a time in seconds.
Sign = Callable[[bytes, float], Mapping[str, str]]


def _unsigned(_body: bytes, _at_s: float) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Sample:
    """``calls``: row of the table -> body (an object is sent as JSON, a dict of texts as a form where ``form``).

    ``headers``: row -> headers beside those of the signature. ``ignored``: what to ignore, under which name.
    ``promised``: row -> paths that the documentation promises and an event needs. ``settings``: those that verify the
    signature. ``tells_time``: the signature contains the time of signing. ``links``: as ``calls``, of what links ids.
    """

    name: str
    calls: Mapping[str, Any]
    ignored: Mapping[str, Any]
    promised: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    sign: Sign = _unsigned
    tells_time: bool = False
    links: Mapping[str, Any] = field(default_factory=dict)
    form: bool = False
    shares_ids: bool = False

    def call(self, row: str, *, body: Any = None, at_s: float = NOW_MS / 1000, received_ms: int = NOW_MS) -> Call:
        """A signed call of ``row``, with another ``body`` if one is given."""
        content = encoded(
            {**self.ignored, **self.links, **self.calls}.get(row) if body is None else body, form=self.form
        )
        headers = {**self.headers.get(row, {}), **self.sign(content, at_s)}
        return Call(headers, content, received_ms, f"https://events.example.com/v1/adapters/{self.name}")


def encoded(body: Any, *, form: bool = False) -> bytes:
    """As the provider sends it."""
    if isinstance(body, bytes):
        return body
    return urlencode(body).encode() if form else json.dumps(body).encode()


def changed(body: Any, path: str, value: Any) -> Any:
    """``body`` with another value at ``path`` (names with dots, positions in lists as numbers)."""
    name, _, rest = path.partition(".")
    if isinstance(body, list):
        return [changed(item, rest, value) if rest and k == int(name) else item for k, item in enumerate(body)]
    return {**body, name: changed(body[name], rest, value) if rest else value}


def without(body: Any, path: str) -> Any:
    """``body`` with nothing at ``path``."""
    return changed(body, path, None)


def hmac_of(secret: str | bytes, message: bytes, digest: str = "sha256", encoding: str = "base64") -> str:
    """The signature, computed with the standard library."""
    key = secret if isinstance(secret, bytes) else secret.encode()
    found = hmac.new(key, message, getattr(hashlib, digest)).digest()
    return found.hex() if encoding == "hex" else base64.b64encode(found).decode()
