"""Whether a call comes from the provider that it names: signatures over the body, or credentials in the URL.

A signature that does not cover the event, or that never expires, could be reused by anyone who has seen one call. So
signatures with a time are accepted for a limited time (``max_age_s``), longer than the provider repeats a call. Where a
provider signs no time, a repeated call has the event ids of the first, and counts once.
"""

import base64
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from stream.adapters.adapter import Call, Objection, Proof

__all__ = [
    "MAX_AHEAD_S",
    "NO_MATCH",
    "Signature",
    "basic_credentials",
    "by_basic_credentials",
    "by_signature",
    "equal",
    "from_header",
    "of_body",
    "staleness",
]

_BASIC: Final = "basic "

#: A provider's clock may be ahead of ours by so much.
MAX_AHEAD_S: Final = 300
#: Seconds or milliseconds since the epoch.
_TIME: Final = re.compile(r"\d{1,15}", re.ASCII)

NO_MATCH: Final = "the signature is not that of this body under the secret that is set here"


def of_body(call: Call) -> list[bytes]:
    """What is signed is the body as it is."""
    return [call.body]


def from_header(name: str, prefix: str = "") -> Callable[[Call], list[str]]:
    """One signature, in the header ``name`` (in lower case), after ``prefix``."""

    def read(call: Call) -> list[str]:
        given = call.headers.get(name, "")
        return [given.removeprefix(prefix)] if given.startswith(prefix) and len(given) > len(prefix) else []

    return read


@dataclass(frozen=True, slots=True)
class Signature:
    """How a provider signs: an HMAC.

    ``given`` finds the signatures of a call, of which one must be right; ``where`` names the header for people.
    ``messages``: what may have been signed. ``made_at``: the time of signing in the headers, in ``1/made_at_unit``
    seconds since the epoch; what ``messages`` gives must cover it.
    """

    where: str
    given: Callable[[Call], Sequence[str]]
    messages: Callable[[Call], Sequence[bytes]] = of_body
    digest: Literal["sha1", "sha256"] = "sha256"
    encoding: Literal["hex", "base64"] = "base64"
    made_at: Callable[[Call], str | None] | None = None
    made_at_unit: int = 1


def by_signature(secret: str | bytes, signature: Signature, *, max_age_s: float) -> Proof:
    """The proof by ``signature`` under ``secret``."""
    key = secret.encode() if isinstance(secret, str) else secret

    def by_head(head: Call) -> Objection:
        if not signature.given(head):
            return f"expected a signature in {signature.where}; there is none"
        if signature.made_at is None:
            return ""
        return staleness(signature.made_at(head), head.received_ms, max_age_s, unit=signature.made_at_unit)

    def by_call(call: Call) -> Objection:
        if objection := by_head(call):
            return objection
        digests = [hmac.new(key, message, signature.digest).digest() for message in signature.messages(call)]
        expected = [d.hex() if signature.encoding == "hex" else base64.b64encode(d).decode() for d in digests]
        # look at all of them
        matches = [equal(given, one) for given in signature.given(call) for one in expected]
        return "" if any(matches) else NO_MATCH

    return Proof(by_call, by_head)


def by_basic_credentials(username: str, password: str) -> Proof:
    """HTTP basic authentication, from user and password in the webhook's URL."""

    def objection(call: Call) -> Objection:
        given_username, given_password = basic_credentials(call.headers)
        # both are compared, so that the time tells nothing about which was wrong
        if equal(given_username, username) & equal(given_password, password):
            return ""
        return "expected the user and the password that are set here, as HTTP basic authentication"

    return Proof(objection, objection)


def staleness(made_at: str | float | None, received_ms: int, max_age_s: float, *, unit: int = 1) -> Objection:
    """Why a time of signing, in ``1/unit`` seconds since the epoch, is none to accept: too old, to come, or no time."""
    if made_at is None or (isinstance(made_at, str) and not _TIME.fullmatch(made_at)):
        return "expected the time of signing beside the signature; there is none"
    age_s = received_ms / 1000 - float(made_at) / unit
    if age_s > max_age_s:
        return f"the signature is {age_s / 3600:,.1f} hours old; at most {max_age_s / 3600:g} are accepted"
    if age_s < -MAX_AHEAD_S:
        return f"the signature was made {-age_s:,.0f} s from now: one of the clocks is wrong"
    return ""


def basic_credentials(headers: Mapping[str, str]) -> tuple[str, str]:
    """User and password of HTTP basic authentication; empty if there are none that can be read.

    >>> basic_credentials({"authorization": "Basic YW5uOnNlY3JldA=="})
    ('ann', 'secret')
    """
    given = headers.get("authorization", "")
    if not given.lower().startswith(_BASIC):
        return "", ""
    try:
        username, _, password = base64.b64decode(given[len(_BASIC) :].strip(), validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return username, password


def equal(given: str, expected: str) -> bool:
    """Compare without telling by the time where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())
