"""Who somebody is here whom a provider of OpenID Connect knows: a name, a role, or nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from stream.console.refusals import RefusedError
from stream.directory.desk.account_names import MAX_NAME_CHARS
from stream.directory.desk.accounts import Role

__all__ = ["EVERYBODY", "KnownElsewhere", "LettingIn", "person_of"]

#: The value that stands for whoever the provider knows.
EVERYBODY: Final = "*"


class LettingIn(NamedTuple):
    """Who is let in. ``roles``: by values of the claim ``claim``; ``domains``: of e-mail addresses, empty: any."""

    claim: str
    roles: Mapping[str, Role]
    domains: frozenset[str]


class KnownElsewhere(NamedTuple):
    """``subject`` is the account for good: issuer and number; ``name`` is as people are called here."""

    subject: str
    name: str
    role: Role


def person_of(claims: Mapping[str, Any], rules: LettingIn) -> KnownElsewhere:
    """Who the claims of a provider are: a confirmed e-mail address, or the subject, which nobody chooses.

    Raises `RefusedError` for who is not let in.

    >>> rules = LettingIn("groups.shop", {"boss": Role.ADMIN, "*": Role.VIEWER}, frozenset({"example.com"}))
    >>> claims = {"iss": "https://id", "sub": "7", "email": "Ann@Example.com", "email_verified": True}
    >>> person_of({**claims, "groups": {"shop": ["staff", "boss"]}}, rules)
    KnownElsewhere(subject='https://id 7', name='ann@example.com', role=<Role.ADMIN: 'admin'>)
    >>> person_of(claims, rules).role
    <Role.VIEWER: 'viewer'>
    >>> unsure = {**claims, "email_verified": False, "preferred_username": "boss"}
    >>> person_of(unsure, LettingIn("", rules.roles, frozenset())).name
    '7'
    """
    email = _email_of(claims)
    if rules.domains and email.rpartition("@")[2] not in rules.domains:
        raise RefusedError(
            "Only people with a confirmed e-mail address of %(domains)s may use this console.",
            domains=", ".join(sorted(rules.domains)),
        )
    values = {EVERYBODY, *_values(claims, rules.claim)}
    given = [rules.roles[value] for value in values if value in rules.roles]
    if not given:
        raise RefusedError("You are known, but may not use this console. Ask one of its admins.")
    # what people call themselves there, as `preferred_username`, could be the name of somebody else
    name = email or str(claims["sub"])
    if len(name) > MAX_NAME_CHARS or not name.isprintable() or name != name.strip():
        raise RefusedError("Your account has a name that cannot be used here.")
    return KnownElsewhere(f"{claims['iss']} {claims['sub']}", name, max(given, key=[*Role].index))


def _email_of(claims: Mapping[str, Any]) -> str:
    """The address, where the provider has made sure that it is theirs."""
    email = claims.get("email")
    # some providers say it in words
    is_sure = str(claims.get("email_verified")).lower() == "true"
    return email.strip().lower() if isinstance(email, str) and is_sure and email.count("@") == 1 else ""


def _values(claims: Mapping[str, Any], name: str) -> list[str]:
    """The values of a claim; its name may have dots itself, or say where in an object it is."""
    found: Any = claims.get(name)
    if found is None:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    return [str(one) for one in (found if isinstance(found, list) else [found]) if isinstance(one, str)]
