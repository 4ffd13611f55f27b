"""aiohttp's side of a connection. It repeats sent data neither in the log nor to the sender."""

import logging
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web
from aiohttp.http import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from stream.ingest import metrics
from stream.ingest.refusal import answer

__all__ = ["Handler"]

_LOG = logging.getLogger(__name__)

_MALFORMED: Final = "what arrived is no HTTP request that can be read"


class Handler(RequestHandler):
    """Answers what is no HTTP, and errors outside of our handlers.

    aiohttp would log the line that it cannot read, which may be the header with the token or a part of an event, and
    would send it back under a header that names its version.
    """

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        del message
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has already begun")
        if status == HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(exc, HttpProcessingError):
            self.log_exception("a request could not be served", exc_info=exc)
            reason, detail = "defect", "see the log; send again"
        elif status == HTTPStatus.GATEWAY_TIMEOUT:
            reason, detail = "timeout", "it took too long"
        else:
            _LOG.debug("a connection is closed: %s", _MALFORMED)
            reason, detail = "malformed", _MALFORMED
        metrics.INGEST_REQUESTS.labels("other", str(int(status))).inc()
        response = answer(status, {"error": reason, "detail": detail})
        response.force_close()
        return response

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        if isinstance(resp, web.HTTPException):
            # raised before our own code had the request, with a text that repeats a header
            status = resp.status
            resp = answer(status, {"error": HTTPStatus(status).phrase.lower().replace(" ", "_"), "detail": _MALFORMED})
            resp.force_close()
        return await super().finish_response(request, resp, start_time)

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log what kind of error it was and nothing of its text."""
        error = kw.get("exc_info")
        kind = type(error).__name__ if isinstance(error, BaseException) else "an error"
        _LOG.error("%s: %s", str(args[0]).split("%", 1)[0].strip() if args else "a connection failed", kind)
