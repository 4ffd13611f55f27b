"""What became of the events of a request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from stream.ingest import metrics
from stream.ingest.refusal import RETRY_AFTER_S, answer

__all__ = ["IntakeResult", "Problem"]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """An event that is not in Kafka. ``index``: its position in the request, from 0."""

    index: int
    event_id: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """``accepted``: Kafka has confirmed them. ``rejected`` break the contract and are never accepted; ``failed`` are
    not confirmed and are to be sent again; ``ignored`` (provider's name -> number) mean nothing to us.
    """

    accepted: int
    rejected: Sequence[Problem]
    failed: Sequence[Problem]
    ignored: Mapping[str, int]

    @property
    def status(self) -> int:
        """503: send all again. 422: nothing could be used. 207: some could. 200: all is well."""
        if self.failed:
            return HTTPStatus.SERVICE_UNAVAILABLE
        if not self.rejected:
            return HTTPStatus.OK
        return HTTPStatus.MULTI_STATUS if self.accepted or self.ignored else HTTPStatus.UNPROCESSABLE_ENTITY

    def count(self, route: str) -> None:
        """Add the events to the metrics."""
        for outcome, number in (
            ("accepted", self.accepted),
            ("rejected", len(self.rejected)),
            ("failed", len(self.failed)),
            ("ignored", sum(self.ignored.values())),
        ):
            if number:
                metrics.INGEST_EVENTS.labels(route, outcome).inc(number)

    def response(self, refusal_status: int = HTTPStatus.UNPROCESSABLE_ENTITY) -> web.Response:
        """The answer; ``refusal_status`` in place of 422."""
        status = self.status
        problems = sorted((*self.rejected, *self.failed))
        return answer(
            refusal_status if status == HTTPStatus.UNPROCESSABLE_ENTITY else status,
            {
                "accepted": self.accepted,
                "rejected": len(self.rejected),
                "failed": len(self.failed),
                "ignored": dict(self.ignored),
                "problems": problems,
            },
            {"Retry-After": str(RETRY_AFTER_S)} if self.failed else None,
        )
