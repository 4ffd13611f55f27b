"""The few addresses that are asked: those of Amazon SNS, for its certificates and to confirm a subscription."""

import re
import ssl
from collections import OrderedDict
from http import HTTPStatus
from typing import Final

import aiohttp

from stream.adapters.sns import ALLOWED_URL
from stream.ingest.refusal import Refusal

__all__ = ["Outward"]

_MAX_BYTES: Final = 65_536
_MAX_KEPT: Final = 16
_TIMEOUT_S: Final = 5.0


class Outward:
    """Asks addresses that ``allowed`` matches whole, by HTTPS, without following where they lead, and keeps answers.

    So whoever sends a call cannot make this process ask an address of its choice.
    """

    def __init__(self, allowed: re.Pattern[str] = ALLOWED_URL, trust: ssl.SSLContext | None = None) -> None:
        self._allowed = allowed
        self._trust = trust
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    async def certificate(self, url: str) -> bytes:
        """What is at ``url``, asked once. Raises `Refusal` if it is not allowed, or does not answer."""
        if url not in self._kept:
            self._kept[url] = await self.get(url)
            if len(self._kept) > _MAX_KEPT:
                self._kept.popitem(last=False)
        return self._kept[url]

    async def get(self, url: str) -> bytes:
        """What is at ``url``. Raises `Refusal` if it is not allowed, or does not answer."""
        if not self._allowed.fullmatch(url):
            raise Refusal(HTTPStatus.BAD_REQUEST, "foreign_address", "this address is not allowed")
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S)) as session,
                session.get(url, ssl=self._trust or True, allow_redirects=False) as response,
            ):
                content = await response.content.read(_MAX_BYTES + 1)
                status = response.status
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise _unanswered(type(error).__name__) from error
        if status != HTTPStatus.OK or len(content) > _MAX_BYTES:
            raise _unanswered(f"status {status}, {len(content):,} bytes")
        return content


def _unanswered(why: str) -> Refusal:
    return Refusal(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "no_certificate",
        f"what this call has to be checked against, or confirmed at, cannot be had now ({why}); send again",
        retry=True,
    )
