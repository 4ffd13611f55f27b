"""The HTTP API: what the pages know and do, for programs."""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from http import HTTPStatus
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web

from stream.alerts.action_records import ActionKind
from stream.alerts.decoding import CONTROL_IN_NOTE
from stream.console import api_bodies as bodies
from stream.console.acting import Acting, Kept
from stream.console.api_feedback_bodies import FeedbackQuery
from stream.console.api_list_bodies import ListsAnswer, TodayQuery
from stream.console.api_lists import ApiLists
from stream.console.api_operations import API, OPERATIONS, Operation
from stream.console.directory_reads import asked
from stream.console.group_counts import recent_counts
from stream.console.offering import Offered
from stream.console.persons import known_id
from stream.console.recent import Recent
from stream.directory.calendar import Grain
from stream.directory.campaigns import latest_campaigns
from stream.directory.consented_lists import SCORED, Refusing, consented_page, who_refuses, without_scores
from stream.directory.customer_queries import Condition, Sort, amount_of, customer
from stream.directory.json_rows import campaigns_json, customers_json, kpis_json, row_object, timeline_json
from stream.directory.kpis import kpis, loyalty
from stream.directory.store import DirectoryStore
from stream.directory.timeline_queries import orders_of, timeline_page
from stream.errors import SettingsError
from stream.events.contract_rules import CONTROL_IN_ID
from stream.events.times import rfc3339
from stream.points.statement import PointsStatement
from stream.reporting.feedback_groups import FeedbackCounts, as_object
from stream.reporting.writing import Writing

__all__ = ["API", "OPERATIONS", "Api", "Operation", "customer_of", "problem_json", "program_of", "set_program"]

_Body = TypeVar("_Body", bound=msgspec.Struct)
#: From here on floating-point numbers have no digits behind the point.
_EXACT: Final = 2.0**53
_PROGRAM: Final = web.RequestKey("program", str)
_CUSTOMER: Final = web.RequestKey("customer", str)
_encoder: Final = msgspec.json.Encoder()


class Api:
    """Handlers; each takes the decoded body, or the parameters of the address. Queries run in threads.

    ``writing``: how figures of the shop are written now, with the currency if it is known.
    ``offered``: what to offer to a customer, at most so many items a list; ``points``: theirs, None: not known.
    ``refusing``: who does not agree to be scored. ``lists``: today's, and those that are kept. ``feedback``: of a
    product, of a survey, or without either of the shop.
    """

    def __init__(
        self,
        store: DirectoryStore,
        writing: Callable[[], Writing],
        acting: Acting,
        offered: Callable[[str, int], Offered],
        points: Callable[[str], PointsStatement | None],
        refusing: Refusing,
        lists: ApiLists,
        feedback: Callable[[str | None, str | None], FeedbackCounts],
    ) -> None:
        self._store = store
        self._writing = writing
        self._acting = acting
        self._offered = offered
        self._points = points
        self._refusing = refusing
        self._lists = lists
        self._feedback = feedback
        self._counts = recent_counts(store)
        # it goes through all products
        self._said = Recent(lambda: feedback(None, None), time.monotonic)

    async def close(self) -> None:
        """Wait for what is being made."""
        await self._counts.close()
        await self._said.close()

    def routes(self) -> list[web.RouteDef]:
        """One for each of `OPERATIONS`."""
        return [web.route(one.method, f"{API}{one.path}", self._handled(one)) for one in OPERATIONS]

    async def search(self, request: web.Request, body: bodies.CustomerSearch) -> Mapping[str, Any]:
        condition = Condition(
            begins=await known_id(request, body.begins) if body.begins else "",
            stages=body.stages,
            tiers=body.tiers,
            segments=body.segments,
            risk_from=body.risk_from,
            at_stake_from=None if body.at_stake_from is None else amount_of(body.at_stake_from),
            spend_from=None if body.spend_from is None else amount_of(body.spend_from),
            channel=body.channel,
            ordered_from_ms=self._midnight_ms(body.ordered_from),
            ordered_before_ms=self._midnight_ms(body.ordered_before),
        )
        return await asked(
            self._store,
            lambda connection: customers_json(
                consented_page(
                    *(connection, condition, Sort(body.sort)),
                    refusing=self._refusing,
                    limit=body.limit,
                    cursor=body.cursor,
                )
            ),
        )

    async def lookup(self, request: web.Request, body: bodies.CustomerLookup) -> Mapping[str, Any]:
        del request
        is_scored = not await asyncio.to_thread(who_refuses, self._refusing, [body.customer_id], by_scores=False)
        shown: dict[str, Any] = {"limit": body.limit, "cursor": body.cursor, "hidden": () if is_scored else SCORED}
        of, history, orders = await asked(
            self._store,
            lambda connection: (
                customer(connection, body.customer_id),
                timeline_page(connection, body.customer_id, **shown),
                orders_of(connection, body.customer_id),
            ),
        )
        if of is None:
            raise web.HTTPNotFound(reason="the directory does not know this customer")
        channels, told = of.pop("channels"), timeline_json(history)
        return {
            "customer": row_object(of if is_scored else without_scores(of)),
            "channels": channels,
            "orders": [*map(row_object, orders)],
            "timeline": told["entries"],
            "cursor": told["cursor"],
        }

    async def today(self, request: web.Request, query: TodayQuery) -> Mapping[str, Any]:
        del request
        return await self._lists.today(query)

    async def lists(self, request: web.Request, query: None) -> ListsAnswer:
        del request, query
        return await self._lists.kept()

    async def recommend(self, request: web.Request, body: bodies.RecommendationsRequest) -> Mapping[str, Any]:
        del request
        lists, is_withheld = await asyncio.to_thread(self._offered, body.customer_id, body.limit)
        if lists is None:
            raise web.HTTPNotFound(reason="no order with items of this customer is known")
        found = {"again": lists.again, "also": lists.also, "goes_with": lists.goes_with}
        return {"customer_id": body.customer_id, **found, "withheld": is_withheld}

    async def points(self, request: web.Request, body: bodies.PointsRequest) -> Mapping[str, Any]:
        del request
        found = await asyncio.to_thread(self._points, body.customer_id)
        if found is None:
            raise web.HTTPNotFound(reason="no points of this customer are known")
        told = msgspec.structs.asdict(found)
        expires_ms = told.pop("expires_ms")
        return {
            "customer_id": body.customer_id,
            **told,
            "expires_at": None if expires_ms is None else rfc3339(expires_ms),
        }

    async def kpis(self, request: web.Request, body: bodies.KpisQuery) -> Mapping[str, Any]:
        del request
        counts = await self._counts.get()
        return await asked(
            self._store,
            lambda connection: kpis_json(
                kpis(connection, Grain(body.by)), loyalty(connection), counts.stages, self._writing().currency
            ),
        )

    async def feedback(self, request: web.Request, query: FeedbackQuery) -> Mapping[str, Any]:
        del request
        kind, _, name = query.of.partition(":")
        if not name:
            return as_object(await self._said.get())
        product, survey = (name, None) if kind == "product" else (None, name)
        return as_object(await asyncio.to_thread(self._feedback, product, survey))

    async def campaigns(self, request: web.Request, body: bodies.CampaignsQuery) -> Mapping[str, Any]:
        del request
        return await asked(
            self._store,
            lambda connection: campaigns_json(
                latest_campaigns(connection, body.limit, body.cursor), self._writing().currency
            ),
        )

    async def act(self, request: web.Request, body: bodies.ActionRequest) -> Mapping[str, Any]:
        ids = {"action_id": body.action_id or str(uuid.uuid4()), "customer_id": body.customer_id}
        return _kept(await self._acting.keep(program_of(request), **ids, action=body.action, note=body.note))

    async def label(self, request: web.Request, body: bodies.LabelRequest) -> Mapping[str, Any]:
        ids = {"action_id": body.action_id or str(uuid.uuid4()), "customer_id": body.customer_id}
        label = {"action": ActionKind.LABELLED, "event_id": body.event_id, "category": body.category}
        return _kept(await self._acting.keep(program_of(request), **ids, **label))

    async def undo(self, request: web.Request, body: bodies.UndoRequest) -> Mapping[str, Any]:
        del request
        return {"undone": await self._acting.take_back(body.action_id)}

    def _handled(self, operation: Operation) -> Callable[[web.Request], Awaitable[web.Response]]:
        handler = getattr(self, operation.handler)

        async def handle(request: web.Request) -> web.Response:
            try:
                body: Any = None
                if operation.body is not None:
                    body = _decoded(await request.read(), operation.body)
                elif operation.query is not None:
                    body = msgspec.convert({**request.query}, operation.query, strict=False)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                what = "body is" if operation.body is not None else "parameters are"
                raise SettingsError(f"the {what} not what was expected: {error}") from None
            _refuse_control_characters(body)
            if asked := getattr(body, "customer_id", ""):
                body = msgspec.structs.replace(body, customer_id=await known_id(request, asked))
            request[_CUSTOMER] = getattr(body, "customer_id", "")
            answer = _encoder.encode(await handler(request, body))
            # a weak one, as a proxy may compress
            etag = f'W/"{hashlib.sha256(answer).hexdigest()[:32]}"'
            if operation.method != "GET":
                return web.Response(status=operation.status, body=answer, content_type="application/json")
            if etag in [tag.strip() for tag in request.headers.get("If-None-Match", "").split(",")]:
                return web.Response(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag})
            return web.Response(body=answer, content_type="application/json", headers={"ETag": etag})

        return handle

    def _midnight_ms(self, day: date | None) -> int | None:
        try:
            return None if day is None else self._writing().midnight_ms(day)
        except (ValueError, OverflowError):
            raise SettingsError(f"{day} is too early or too late: expected a day such as 2026-01-31") from None


def set_program(request: web.Request, name: str) -> None:
    """Note which program asks, by the name of its token."""
    request[_PROGRAM] = name


def program_of(request: web.Request) -> str:
    """Which program asks."""
    return request[_PROGRAM]


def customer_of(request: web.Request) -> str | None:
    """Which customer it is about; None for nobody."""
    return request.get(_CUSTOMER) or None


def problem_json(status: HTTPStatus, error: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Why there is no other answer."""
    body = _encoder.encode(bodies.ApiProblem(error=error))
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)


def _decoded(body: bytes, kind: type[_Body]) -> _Body:
    """As JSON Schema has it, where 20.0 is an integer. Raises `msgspec.DecodeError`."""
    return msgspec.convert(_decoder.decode(body), kind)


def _number(text: str) -> float:
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < _EXACT else number


_decoder: Final = msgspec.json.Decoder(float_hook=_number)


def _refuse_control_characters(body: msgspec.Struct | None) -> None:
    """Ids become record keys and lines of logs. Raises `SettingsError`."""
    ids = "".join(getattr(body, name, None) or "" for name in ("customer_id", "action_id", "event_id", "category"))
    found = CONTROL_IN_ID.search(ids) or CONTROL_IN_NOTE.search(getattr(body, "note", None) or "")
    if found:
        raise SettingsError(f"the body is not what was expected: a text contains U+{ord(found.group()):04X}")


def _kept(kept: Kept) -> Mapping[str, Any]:
    return {"action_id": kept.action_id, "is_new": kept.is_new, "publish_at": rfc3339(kept.publish_ms)}
