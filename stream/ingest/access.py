"""Who may send events."""

import hmac
import ipaddress
from collections.abc import Mapping
from typing import Final

from stream.adapters.signatures import basic_credentials
from stream.errors import SettingsError
from stream.settings import Settings

__all__ = ["Access"]

MIN_TOKEN_CHARS: Final = 16
_BEARER: Final = "bearer "


class Access:
    """Knows the tokens: ``Authorization: Bearer TOKEN``, or the token as the password of HTTP basic authentication.

    The latter is for webhooks, whose providers take ``https://any:TOKEN@host/...``. Without a token everyone on this
    machine may send. Raises `SettingsError` if that would be everyone on the network, or if a token is easily guessed.
    """

    def __init__(self, settings: Settings) -> None:
        self._tokens = [token.strip().encode() for token in settings.ingest_token.split(",") if token.strip()]
        if not self._tokens and not _is_loopback(settings.ingest_host):
            raise SettingsError(
                f"ingest_host={settings.ingest_host}: set STREAM_INGEST_TOKEN as well, or anyone who reaches it"
                " can send events of any customer; without a token only a loopback address such as 127.0.0.1 is served"
            )
        for token in self._tokens:
            if len(token) < MIN_TOKEN_CHARS or not token.isascii() or b" " in token:
                raise SettingsError(
                    f"ingest_token: expected at least {MIN_TOKEN_CHARS} ASCII characters without spaces, such as"
                    " openssl rand -hex 32 gives; several are separated by commas"
                )

    def allows(self, headers: Mapping[str, str]) -> bool:
        """Whether the request brings a token. The time it takes tells nothing about the token."""
        if not self._tokens:
            return True
        authorization = headers.get("authorization", "")
        if authorization.lower().startswith(_BEARER):
            given = authorization[len(_BEARER) :].strip()
        else:
            given = basic_credentials(headers)[1]
        offered = given.encode("utf-8", "surrogateescape")
        return any([hmac.compare_digest(offered, token) for token in self._tokens])  # noqa: C419 - look at all of them


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
