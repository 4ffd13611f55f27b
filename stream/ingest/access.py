"""Who may send events."""

import hmac
import ipaddress
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from stream.adapters.signatures import basic_credentials
from stream.errors import SettingsError
from stream.ingest.refusal import Refusal
from stream.ingest.sources import ANY, Source, sources_of
from stream.settings import Settings

__all__ = ["Access"]

_BEARER: Final = "bearer "


class Access:
    """Knows the tokens: ``Authorization: Bearer TOKEN``, or the token as the password of HTTP basic authentication.

    The latter is for webhooks, whose providers take ``https://any:TOKEN@host/...``. Without a token every program on
    this machine may send, but no web page of elsewhere that a browser on this machine shows. Raises `SettingsError` if
    that would be everyone on the network, or if a token is easily guessed.
    """

    def __init__(self, settings: Settings) -> None:
        self._sources = sources_of(settings.ingest_token)
        if not self._sources and not _is_loopback(settings.ingest_host):
            raise SettingsError(
                f"ingest_host={settings.ingest_host}: set STREAM_INGEST_TOKEN as well, or anyone who reaches it"
                " can send events of any customer; without a token only a loopback address such as 127.0.0.1 is served"
            )

    def admit(self, headers: Mapping[str, str]) -> Source:
        """The sender of the request; names of ``headers`` are in lower case. Raises `Refusal` for an unknown sender."""
        if not self._sources:
            _refuse_foreign(headers)
            return ANY
        source = self._source(headers)
        if source is None:
            raise Refusal(
                HTTPStatus.UNAUTHORIZED, "unauthorized", "expected the header Authorization: Bearer TOKEN", unread=True
            )
        return source

    def _source(self, headers: Mapping[str, str]) -> Source | None:
        """Whose token the request brings. The time it takes tells nothing about the token."""
        authorization = headers.get("authorization", "")
        if authorization.lower().startswith(_BEARER):
            given = authorization[len(_BEARER) :].strip()
        else:
            given = basic_credentials(headers)[1]
        offered = given.encode("utf-8", "surrogateescape")
        # look at all of them
        found = [source for token, source in self._sources if hmac.compare_digest(offered, token)]
        return found[0] if found else None


def _refuse_foreign(headers: Mapping[str, str]) -> None:
    """Refuse what a browser sends on behalf of a page of elsewhere.

    Such a page can post to a port of this machine. Browsers say whose page it is (``Origin``), and to which name they
    believe to speak (``Host``); a name that only leads to this machine by a trick of DNS is not this machine's.
    """
    host = headers.get("host", "")
    origin = headers.get("origin")
    if not _is_loopback(_name_of(host)) or (origin is not None and origin.lower() != f"http://{host}".lower()):
        raise Refusal(
            HTTPStatus.FORBIDDEN,
            "foreign_origin",
            "without a token only programs on this machine may send, under a name such as 127.0.0.1 or localhost, and"
            " no web pages: set STREAM_INGEST_TOKEN",
            unread=True,
        )


def _name_of(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
