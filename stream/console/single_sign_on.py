"""Logging in with an account elsewhere: OpenID Connect Core 1.0, the authorisation code flow, with PKCE (RFC 7636).

A person who logs in is sent to the provider with a state, a nonce and the challenge of a verifier. These are kept here
under a key that only that browser has, for some minutes, and are good once. What comes back must bring the state; the
tokens are fetched by this server with the verifier; the ID token must be signed by a key of the provider, for this
client, and have the nonce.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import time
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode, urlsplit

import aiohttp
from authlib.common.security import generate_token
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from stream.console.refusals import RefusedError

__all__ = ["IdentityProvider", "SingleSignOn"]

_LOG = logging.getLogger(__name__)

_DISCOVERY: Final = "/.well-known/openid-configuration"
#: Signatures by keys that the provider publishes. One by the client's secret, or none, is refused.
_ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_TIMEOUT_S: Final = 10.0
#: Bytes of an answer, and logins that are under way at a time; how long one may take (s).
_MAX_BYTES: Final = 1_000_000
_MAX_BEGUN: Final = 1_000
_LONGEST_S: Final = 600.0
#: How far clocks may differ (s).
_LEEWAY_S: Final = 60
#: Random characters of state, nonce, verifier and key.
_CHARS: Final = 48


class IdentityProvider(NamedTuple):
    """Who knows the accounts, and what this program is to them. ``client_secret``: empty for a public client."""

    issuer: str
    client_id: str
    client_secret: str
    scopes: str

    @property
    def host(self) -> str:
        """As people are told of it."""
        return urlsplit(self.issuer).hostname or self.issuer


class _Begun(NamedTuple):
    """A login that is under way. ``back``: where the provider sends the browser back to."""

    state: str
    nonce: str
    verifier: str
    back: str
    at_s: float


class _UntrustedError(Exception):
    """The provider said what it should not; the message is for the log."""


class SingleSignOn:
    """The client of one provider. Raises `RefusedError`, which people are shown; why is in the log."""

    def __init__(self, provider: IdentityProvider, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.provider = provider
        self._monotonic = monotonic
        self._begun: dict[str, _Begun] = {}
        # each takes three requests
        self._finishing = asyncio.Semaphore(8)

    async def begin(self, back: str) -> tuple[str, str]:
        """Where to send the browser, and the key that it keeps meanwhile."""
        found = await self._told(self._discover)
        self._forget()
        state, nonce, verifier = (generate_token(_CHARS) for _ in range(3))
        begun = _Begun(state, nonce, verifier, back, self._monotonic())
        key = generate_token(_CHARS)
        self._begun[key] = begun
        address: str = prepare_grant_uri(
            found["authorization_endpoint"],
            self.provider.client_id,
            "code",
            back,
            self.provider.scopes,
            begun.state,
            nonce=begun.nonce,
            code_challenge=create_s256_code_challenge(begun.verifier),
            code_challenge_method="S256",
        )
        return address, key

    def has_begun(self, key: str, query: Mapping[str, str]) -> bool:
        """Whether who came back was sent by `begin`, and not by any other page."""
        begun = self._begun.get(key)
        return begun is not None and hmac.compare_digest(begun.state.encode(), query.get("state", "").encode())

    async def finish(self, key: str, query: Mapping[str, str]) -> Mapping[str, Any]:
        """What the provider says of who came back: the claims of the ID token and of its user info."""
        self._forget()
        is_ours, begun = self.has_begun(key, query), self._begun.pop(key, None)
        if begun is None or not is_ours:
            raise RefusedError("This login was begun in another window, or too long ago. Try again.")
        if "error" in query:
            _LOG.warning("login by %s: %r", self.provider.host, query["error"][:200])
            raise RefusedError("%(host)s did not let you in.", host=self.provider.host)
        if not query.get("code") or query.get("iss", self.provider.issuer) != self.provider.issuer:
            raise RefusedError("%(host)s did not let you in.", host=self.provider.host)
        async with self._finishing:
            claims: Mapping[str, Any] = await self._told(lambda session: self._claims(session, begun, query["code"]))
            return claims

    async def leave(self, back: str) -> str | None:
        """Where the browser ends its session with the provider; None: the provider does not say."""
        found = await self._told(self._discover)
        address = found.get("end_session_endpoint")
        if not address:
            return None
        wanted = [("client_id", self.provider.client_id), ("post_logout_redirect_uri", back)]
        return str(add_params_to_uri(address, wanted))

    async def _told(self, ask: Callable[[aiohttp.ClientSession], Any]) -> Any:
        try:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S)) as session:
                return await ask(session)
        except (aiohttp.ClientError, TimeoutError) as error:
            _LOG.warning("%s does not answer: %s: %s", self.provider.issuer, type(error).__name__, error)
            raise RefusedError("%(host)s does not answer. Try again in a while.", host=self.provider.host) from error
        except (_UntrustedError, JoseError, ValueError) as error:
            # of another kind of claim or key than is expected, joserfc raises a ValueError
            _LOG.warning("what %s says is not to be trusted: %s", self.provider.issuer, error)
            message = "What %(host)s says about you cannot be trusted. The log of the program says why."
            raise RefusedError(message, host=self.provider.host) from error

    async def _discover(self, session: aiohttp.ClientSession) -> Mapping[str, Any]:
        found = await self._json(session, "GET", self.provider.issuer.rstrip("/") + _DISCOVERY)
        if found.get("issuer") != self.provider.issuer:
            raise _UntrustedError(f"it calls itself {found.get('issuer')!r}: set oidc_issuer to that if it is right")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not _is_safe(found.get(name)):
                raise _UntrustedError(f"{name} is {found.get(name)!r}: expected an address with https")
        return found

    async def _claims(self, session: aiohttp.ClientSession, begun: _Begun, code: str) -> Mapping[str, Any]:
        found = await self._discover(session)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": begun.back}
        tokens = await self._tokens(session, found, form | {"code_verifier": begun.verifier})
        keys = KeySet.import_key_set(await self._json(session, "GET", found["jwks_uri"]))  # type: ignore[arg-type]
        signed = jwt.decode(tokens["id_token"], keys, algorithms=_ALGORITHMS)
        options = {
            "iss": {"essential": True, "value": self.provider.issuer},
            "aud": {"essential": True, "value": self.provider.client_id},
        }
        wanted = {
            "nonce": begun.nonce,
            "client_id": self.provider.client_id,
            "access_token": tokens.get("access_token"),
        }
        claims = CodeIDToken(signed.claims, signed.header, options, wanted)
        claims.validate(leeway=_LEEWAY_S)
        return {**await self._user_info(session, found, tokens, claims["sub"]), **claims}

    async def _tokens(
        self, session: aiohttp.ClientSession, found: Mapping[str, Any], form: Mapping[str, str]
    ) -> Mapping[str, Any]:
        methods = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        usable = [one for one in ("client_secret_basic", "client_secret_post") if one in methods]
        method = "none" if not self.provider.client_secret else (usable or ["client_secret_basic"])[0]
        auth = ClientAuth(self.provider.client_id, self.provider.client_secret, method)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        address, headers, body = auth.prepare("POST", found["token_endpoint"], headers, urlencode(form))
        tokens = await self._json(session, "POST", address, headers=headers, data=body)
        if not isinstance(tokens.get("id_token"), str):
            raise _UntrustedError(f"no ID token: {str(tokens.get('error'))[:200]}")
        return tokens

    async def _user_info(
        self, session: aiohttp.ClientSession, found: Mapping[str, Any], tokens: Mapping[str, Any], subject: str
    ) -> Mapping[str, Any]:
        """What it says of the account beside the ID token; some have addresses and roles only there."""
        address = found.get("userinfo_endpoint")
        if not address or not _is_safe(address) or not tokens.get("access_token"):
            return {}
        headers = {"Authorization": f"Bearer {tokens['access_token']}", "Accept": "application/json"}
        info = await self._json(session, "GET", address, headers=headers)
        if info.get("sub") != subject:
            raise _UntrustedError("user info is of somebody else")
        return info

    async def _json(self, session: aiohttp.ClientSession, method: str, address: str, **more: Any) -> dict[str, Any]:
        async with session.request(method, address, allow_redirects=False, **more) as answer:
            told = await answer.content.read(_MAX_BYTES)
            while len(told) < _MAX_BYTES and not answer.content.at_eof():
                told += await answer.content.read(_MAX_BYTES - len(told))
        what = json.loads(told)
        if not isinstance(what, dict):
            raise _UntrustedError(f"{urlsplit(address).path}: expected an object, status {answer.status}")
        return what

    def _forget(self) -> None:
        """Give up logins that take too long, and the oldest when there are many."""
        since_s = self._monotonic() - _LONGEST_S
        self._begun = {key: one for key, one in self._begun.items() if one.at_s >= since_s}
        while len(self._begun) >= _MAX_BEGUN:
            del self._begun[next(iter(self._begun))]


def _is_safe(address: object) -> bool:
    """Whether what is sent there is read by nobody else: TLS, or this machine."""
    parts = urlsplit(address) if isinstance(address, str) else None
    return parts is not None and bool(parts.hostname) and (parts.scheme == "https" or _is_here(parts.hostname or ""))


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
