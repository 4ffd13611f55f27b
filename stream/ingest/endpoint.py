"""The routes: what is accepted where, and from whom."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Final

from aiohttp import web

from stream.adapters import Adapter, Call, Ignored, Malformed, Native, Proof, Translation, Visit
from stream.adapters.json_fields import MalformedError
from stream.client.event_contract import Draft, EventContract
from stream.client.event_record import EventRecord, LinkRecord
from stream.client.link_contract import LinkContract
from stream.clock import Clock
from stream.events.kinds import EventType
from stream.events.rejections import printable
from stream.ingest import metrics
from stream.ingest.access import Access
from stream.ingest.body import is_form, read_body, values_of
from stream.ingest.budget import BodyBudget, Lease
from stream.ingest.client_connection import Connections
from stream.ingest.concealed_request import concealed
from stream.ingest.event_publisher import EventPublisher
from stream.ingest.outcome import IntakeResult, Problem
from stream.ingest.outward import Outward
from stream.ingest.reachability import Reachability
from stream.ingest.refusal import Refusal, answer
from stream.ingest.sources import ANY, Source
from stream.ingest.told_links import links_in
from stream.settings import Settings

__all__ = ["Endpoint"]

_LOG = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: Label of requests to no route of ours.
_OTHER: Final = "other"


class Endpoint:
    """Serves requests; every one that is answered with 2xx is in Kafka, but for what the answer itself names."""

    def __init__(
        self,
        settings: Settings,
        publisher: EventPublisher,
        reachability: Reachability,
        access: Access,
        adapters: Mapping[str, Adapter],
        clock: Clock,
        connections: Connections,
        outward: Outward | None = None,
    ) -> None:
        self._settings = settings
        self._outward = outward or Outward()
        self._connections = connections
        self._budget = BodyBudget(max(settings.ingest_body_bytes, 2 * settings.ingest_max_bytes))
        self._contract = EventContract(settings)
        self._links = LinkContract(settings)
        self._publisher = publisher
        self._reachability = reachability
        self._access = access
        self._adapters = adapters
        self._clock = clock
        self._routes: dict[str, str] = {}
        self.draining = False
        self.idle = asyncio.Event()
        self.idle.set()
        self._active = 0

    def application(self) -> web.Application:
        """The routes as aiohttp serves them."""
        app = web.Application(middlewares=[self._attend])
        self._route(app, "/v1/events", "events", partial(self._native, None))
        for event_type in EventType:
            self._route(app, f"/v1/events/{event_type}", event_type, partial(self._native, event_type))
        for name, adapter in self._adapters.items():
            path = f"/v1/adapters/{name}"
            self._route(app, path, name, partial(self._adapted, adapter))
            if adapter.answers_get:
                app.router.add_get(path, self._live)
        app.router.add_get("/health/live", self._live)
        app.router.add_get("/health/ready", self._ready)
        return app

    def _route(
        self, app: web.Application, path: str, label: str, handler: Callable[..., Awaitable[IntakeResult]]
    ) -> None:
        self._routes[path] = label
        adapter = self._adapters.get(label)

        async def serve(request: web.Request) -> web.StreamResponse:
            self._admit()
            outcome = await handler(request)
            outcome.count(label)
            return outcome.response(adapter.refusal_status if adapter else HTTPStatus.UNPROCESSABLE_ENTITY)

        app.router.add_post(path, serve, expect_handler=_expected_later)

    @web.middleware
    async def _attend(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count and time a request, and always answer it in JSON."""
        route = self._routes.get(request.path, _OTHER)
        if request.path.startswith("/health/"):
            return await handler(request)
        began = time.monotonic()
        self._active += 1
        self.idle.clear()
        try:
            with self._connections.serving(request.protocol):
                response = await handler(request)
        except Refusal as refusal:
            response = refusal.response()
        except web.HTTPException as error:
            response = answer(error.status, {"error": error.reason.lower().replace(" ", "_"), "detail": _ROUTES_ARE})
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
            response.force_close()
        except Exception:  # noqa: BLE001 - a defect of ours ends a request, not the others
            _LOG.exception("a request to %s could not be served", route)
            response = answer(
                HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "defect", "detail": "see the log; send again"}
            )
            response.force_close()
        finally:
            self._active -= 1
            if not self._active:
                self.idle.set()
        if self.draining:
            response.force_close()
        metrics.INGEST_REQUESTS.labels(route, str(response.status)).inc()
        metrics.INGEST_SECONDS.labels(route).observe(time.monotonic() - began)
        return response

    def _admit(self) -> None:
        if self.draining:
            raise Refusal(
                HTTPStatus.SERVICE_UNAVAILABLE, "draining", "the endpoint is stopping", unread=True, retry=True
            )
        if self._reachability.problem:
            raise Refusal(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "kafka_unavailable",
                "events cannot be stored at present; send again",
                unread=True,
                retry=True,
            )

    async def _native(self, event_type: EventType | None, request: web.Request) -> IntakeResult:
        source = self._access.admit(_headers(request))
        with self._budget.lease(is_proven=True) as lease:
            body = await self._body(request, lease)
            if is_form(body, request.content_type):
                raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_format", "expected JSON, got a web form")
            values = values_of(body, request.content_type, self._settings.ingest_max_events)
            return await self._publish(
                [(k, Draft(value, event_type)) for k, value in enumerate(values)], [], {}, source
            )

    async def _adapted(self, adapter: Adapter, request: web.Request) -> IntakeResult:
        url = self._settings.ingest_public_url
        head = Call(_headers(request), b"", self._clock.now_ms(), f"{url.rstrip('/')}{request.raw_path}" if url else "")
        if adapter.proof is None:
            source = self._access.admit(head.headers)
        else:
            _refuse(adapter, adapter.proof.by_head(head), unread=True)
            source = ANY
        with self._budget.lease(is_proven=adapter.proof is None) as lease:
            if adapter.proof is None:
                body = await self._body(request, lease)
            else:
                with self._connections.unproven(request.protocol):
                    body = await self._body(request, lease)
            call = head._replace(body=body)
            if adapter.is_probe(call):
                return IntakeResult(0, [], [], {"probe": 1})
            if not adapter.takes_forms and is_form(body, request.content_type):
                raise Refusal(
                    adapter.form_status, "unsupported_format", f"expected JSON, got a web form: {adapter.form_advice}"
                )
            if adapter.proof is not None:
                await self._prove(adapter, adapter.proof, call)
                lease.prove()
            return await self._translated(adapter, call, source)

    async def _prove(self, adapter: Adapter, proof: Proof, call: Call) -> None:
        try:
            if url := proof.certificate_url(call):
                call = call._replace(certificate=await self._outward.certificate(url))
        except MalformedError as error:
            raise Refusal(HTTPStatus.BAD_REQUEST, "malformed", str(error)) from error
        _refuse(adapter, proof.by_call(call))

    async def _translated(self, adapter: Adapter, call: Call, source: Source) -> IntakeResult:
        try:
            translations = adapter.translate(call)
        except MalformedError as error:
            raise Refusal(HTTPStatus.BAD_REQUEST, "malformed", str(error)) from error
        self._limit(translations)
        drafts = [
            (k, Draft(one.value(), one.event_type)) for k, one in enumerate(translations) if isinstance(one, Native)
        ]
        malformed = [
            Problem(k, "", "malformed", printable(one.detail))
            for k, one in enumerate(translations)
            if isinstance(one, Malformed)
        ]
        for visit in translations:
            if isinstance(visit, Visit):
                await self._outward.get(visit.url)
        ignored = Counter(printable(found.what) for found in translations if isinstance(found, Ignored | Visit))
        told = links_in(translations, self._links)
        ignored.update(told.ignored)
        return await self._publish(drafts, [*malformed, *told.rejected], ignored, source, told.records)

    async def _publish(
        self,
        drafts: Sequence[tuple[int, Draft]],
        malformed: Sequence[Problem],
        ignored: Mapping[str, int],
        source: Source,
        links: Sequence[tuple[int, LinkRecord]] = (),
    ) -> IntakeResult:
        """Check and publish ``drafts``, and publish ``links``; each with its position in the request."""
        admitted = self._contract.admit([draft for _, draft in drafts], self._clock.now_ms())
        rejected = [
            Problem(drafts[bad.record][0], admitted.event_ids[bad.record], bad.reason, bad.detail)
            for bad in admitted.rejections
        ]
        with_amounts = zip(admitted.records, admitted.amounts, strict=True)
        objections = [source.objection(record.event_type, amount) for record, amount in with_amounts]
        rejected += [
            Problem(drafts[admitted.positions[k]][0], admitted.records[k].event_id, "not_allowed", objection)
            for k, objection in enumerate(objections)
            if objection
        ]
        sent: Sequence[tuple[int, EventRecord | LinkRecord]] = [
            (drafts[admitted.positions[k]][0], admitted.records[k]) for k, why in enumerate(objections) if not why
        ]
        sent, refused = await concealed([*sent, *links], self._publisher)
        rejected += refused
        failures = await self._publisher.publish([record for _, record in sent])
        # a call that tells of several ids is several links, and one position
        places = ((*sent[k], why) for k, why in failures.items())
        failed = {position: Problem(position, one.event_id, "not_confirmed", why) for position, one, why in places}
        if failed:
            self._reachability.suspect()
        accepted = len({position for position, _ in sent}) - len(failed)
        return IntakeResult(accepted, [*malformed, *rejected], [*failed.values()], ignored)

    async def _body(self, request: web.Request, lease: Lease) -> bytes:
        return await read_body(
            request,
            lease,
            max_bytes=self._settings.ingest_max_bytes,
            timeout_s=self._settings.ingest_read_timeout_s,
        )

    def _limit(self, translations: Sequence[Translation]) -> None:
        if len(translations) > self._settings.ingest_max_events:
            raise Refusal(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "too_many_events",
                f"{len(translations):,} events; at most {self._settings.ingest_max_events:,} are accepted in a request",
            )

    async def _live(self, _request: web.Request) -> web.Response:
        return answer(HTTPStatus.OK, {"live": True})

    async def _ready(self, _request: web.Request) -> web.Response:
        problem = "the endpoint is stopping" if self.draining else self._reachability.problem
        if problem:
            return answer(HTTPStatus.SERVICE_UNAVAILABLE, {"ready": False, "problem": problem})
        return answer(HTTPStatus.OK, {"ready": True})


_ROUTES_ARE: Final = f"POST /v1/events[/{'|/'.join(EventType)}] or /v1/adapters/NAME; GET /health/live, /health/ready"


async def _expected_later(_request: web.Request) -> None:
    """Leave the answer to ``Expect`` to `read_body`: a body that is refused unread is not to be sent."""


def _headers(request: web.Request) -> Mapping[str, str]:
    """By names in lower case."""
    return {name.lower(): value for name, value in request.headers.items()}


def _refuse(adapter: Adapter, objection: str, *, unread: bool = False) -> None:
    """Raise `Refusal` if there is an objection to where a call comes from."""
    if objection:
        raise Refusal(HTTPStatus.UNAUTHORIZED, "unauthorized", f"no call of {adapter.name}: {objection}", unread=unread)
