"""A request that is not served, and the answer that says why."""

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from aiohttp import web

__all__ = ["RETRY_AFTER_S", "Refusal", "answer"]

#: When a client is to try again what was refused for want of room or of Kafka.
RETRY_AFTER_S = 2


class Refusal(Exception):  # noqa: N818 - it ends a request, not the program
    """Carries the answer to a request out of the steps that serve it.

    ``reason`` is a word for programs, ``detail`` a sentence for people. ``unread``: the body was left alone, so the
    connection is of no more use.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        detail: str,
        *,
        unread: bool = False,
        retry: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.unread = unread
        self.retry = retry
        self.headers = dict(headers or {})

    def response(self) -> web.Response:
        headers = {**self.headers}
        if self.retry:
            headers["Retry-After"] = str(RETRY_AFTER_S)
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = 'Bearer realm="customer-stream"'
        response = answer(self.status, {"error": self.reason, "detail": self.detail}, headers)
        if self.unread:
            response.force_close()
        return response


def answer(status: int, body: Mapping[str, object], headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON response."""
    return web.Response(
        status=status,
        body=orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE),
        content_type="application/json",
        headers={"Server": "customer-stream", **(headers or {})},
    )
