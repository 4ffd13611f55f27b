"""The HTTP API keeps its document in every answer, whatever it is sent; nobody gets what their token is not for."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from stream.console.api import API, OPERATIONS
from stream.console.api_document import api_document
from stream.console.offering import Offered
from stream.console.todays_list import Day
from stream.directory.desk.api_tokens import Scope
from stream.directory.desk.desk_store import UNDO_MS
from stream.errors import SettingsError, StorageError
from stream.identity.links import Link, LinkName
from stream.points.points_file import PointsTier
from stream.points.statement import PointsStatement
from stream.projections.identity import Linked
from stream.recommending.recommended import RecommendationLists, Recommended
from tests.console.conftest import EVIL, Office, somebody_today
from tests.directory.told import commit

DOCUMENT = orjson.loads(orjson.dumps(api_document()))
REGISTRY: Registry[Any] = Registry().with_resource("urn:api", DRAFT202012.create_resource(DOCUMENT))
Answer = tuple[int, Mapping[str, str], Any]
Ask = Callable[..., Awaitable[Answer]]
FULL = {one.value for one in Scope}


def schema_of(operation: Mapping[str, Any], status: int) -> Mapping[str, Any] | None:
    """Of an answer; fails for a status that the document does not name."""
    content = operation["responses"][str(status)].get("content")
    return None if content is None else {"$ref": f"urn:api{content['application/json']['schema']['$ref']}"}


def asking(
    office: Office,
    steps: Callable[[Ask], Awaitable[None]],
    scopes: set[str] = FULL,
    today: Callable[[], Day] = somebody_today,
) -> None:
    """Let a program with a token take ``steps``; each answer has to be one of the document."""
    token = office.tokens.add("crm", {Scope(one) for one in scopes}, office.now_ms)

    async def run() -> None:
        async with TestClient(TestServer(office.application(today))) as client:

            async def ask(path: str, body: object = None, **headers: str) -> Answer:
                sent = {"Authorization": f"Bearer {token}"} | {k.replace("_", "-"): v for k, v in headers.items()}
                data = None if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
                method = "GET" if data is None else "POST"
                async with client.request(method, f"{API}{path}", data=data, headers=sent) as response:
                    text = await response.read()
                    found = orjson.loads(text) if text else None
                    documented = DOCUMENT["paths"].get(f"{API}{path.partition('?')[0]}", {}).get(method.lower())
                    if documented is not None:
                        schema = schema_of(documented, response.status)
                        if schema is not None:
                            Draft202012Validator(schema, registry=REGISTRY).validate(found)
                    return response.status, response.headers, found

            await steps(ask)

    asyncio.run(run())


def test_the_document_is_one_of_openapi_and_has_every_operation() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    assert {(path, method) for path, found in DOCUMENT["paths"].items() for method in found} == {
        (f"{API}{one.path}", one.method.lower()) for one in OPERATIONS
    }
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    names = [one["operationId"] for found in DOCUMENT["paths"].values() for one in found.values()]
    assert len({*names}) == len(names)

    def references(value: Any) -> set[str]:
        if isinstance(value, list):
            return {found for one in value for found in references(one)}
        if not isinstance(value, dict):
            return set()
        inner = {found for one in value.values() for found in references(one)}
        return inner | ({value["$ref"]} if isinstance(value.get("$ref"), str) else set())

    schemas = DOCUMENT["components"]["schemas"]
    assert references(DOCUMENT) <= {f"#/components/schemas/{name}" for name in schemas}


def test_customers_come_a_page_at_a_time_and_one_with_everything(office: Office) -> None:
    async def steps(ask: Ask) -> None:
        body: dict[str, Any] = {"stages": ["at_risk"], "sort": "at-stake", "begins": "c-", "limit": 50}
        found: list[str] = []
        while True:
            status, _, page = await ask("/customers/search", body)
            assert status == 200
            found += [one["customer_id"] for one in page["customers"]]
            if page["cursor"] is None:
                break
            body["cursor"] = page["cursor"]
        assert found == [f"c-{number}" for number in reversed(range(120))]
        status, _, one = await ask("/customers/lookup", {"customer_id": EVIL, "limit": 2})
        assert (status, one["customer"]["spend"], one["channels"]) == (200, 12.0, {EVIL: 1})
        assert (len(one["orders"]), len(one["timeline"]), one["cursor"]) == (1, 2, None)
        assert (await ask("/customers/lookup", {"customer_id": "nobody"}))[0] == 404

    asking(office, steps)
    assert {(one.who, one.what, one.customer_id) for one in office.trail.newest(99)} == {
        ("token crm", "read customers", None),
        ("token crm", "read a customer", EVIL),
    }


def test_a_person_has_what_came_under_all_of_their_ids(office: Office) -> None:
    async def steps(ask: Ask) -> None:
        one, other = [(await ask("/customers/lookup", {"customer_id": of, "limit": 500}))[2] for of in ("c-3", "c-5")]
        link = Link(LinkName.MERGE, "c-5", "c-3", 1, "")
        commit(office.store, office.store.claim(), [Linked(link, 0)])
        joined = (await ask("/customers/lookup", {"customer_id": "c-3", "limit": 500}))[2]
        assert joined["customer"]["customer_id"] == "c-3"
        for part in ("events", "orders"):
            assert joined["customer"][part] == one["customer"][part] + other["customer"][part] > 0
        of_both = [{**order, "customer_id": "c-3"} for order in one["orders"] + other["orders"]]
        assert sorted(joined["orders"], key=repr) == sorted(of_both, key=repr)
        assert sorted(joined["timeline"], key=repr) == sorted(one["timeline"] + other["timeline"], key=repr)
        assert (await ask("/customers/lookup", {"customer_id": "c-5", "limit": 500}))[2] == joined

    asking(office, steps)


def test_programs_get_no_scores_of_who_does_not_agree_to_them(office: Office) -> None:
    office.operations.refused = {"c-7", EVIL}

    async def steps(ask: Ask) -> None:
        by_risk = {"stages": ["at_risk"], "sort": "at-stake", "begins": "c-7", "limit": 50}
        found = (await ask("/customers/search", by_risk))[2]["customers"]
        assert {one["customer_id"] for one in found} == {f"c-7{number}" for number in range(10)}
        found = (await ask("/customers/search", by_risk | {"sort": "id"}))[2]["customers"]
        assert [(one["risk"], one["value_at_risk"]) for one in found if one["customer_id"] == "c-7"] == [(None, None)]
        assert [one["risk"] for one in found if one["customer_id"] == "c-70"] == [0.5]
        withheld = (await ask("/customers/lookup", {"customer_id": EVIL}))[2]
        assert (withheld["customer"]["segment"], withheld["customer"]["spend"]) == (None, 12.0)
        assert (await ask("/customers/lookup", {"customer_id": "c-70"}))[2]["customer"]["risk"] == 0.5

    asking(office, steps)


def test_what_to_offer_comes_in_three_lists_with_reasons(office: Office) -> None:
    asked: list[tuple[str, int]] = []

    def offered(customer_id: str, limit: int) -> Offered:
        asked.append((customer_id, limit))
        if customer_id == "shy":
            return Offered(RecommendationLists(), is_withheld=True)
        if customer_id == "away":
            raise StorageError("Redis is away")
        lists = RecommendationLists((Recommended("tea", "Bought in 3 orders."),), (Recommended(EVIL, EVIL),))
        return Offered(lists if customer_id == EVIL else None)

    office.offered = offered

    async def steps(ask: Ask) -> None:
        status, _, found = await ask("/customers/recommendations", {"customer_id": EVIL, "limit": 3})
        assert (status, found["again"]) == (200, [{"item": "tea", "reason": "Bought in 3 orders."}])
        assert (found["also"][0]["item"], found["goes_with"], found["withheld"]) == (EVIL, [], False)
        assert (await ask("/customers/recommendations", {"customer_id": "shy"}))[2]["withheld"]
        assert (await ask("/customers/recommendations", {"customer_id": "nobody"}))[0] == 404
        assert (await ask("/customers/recommendations", {"customer_id": "away"}))[0] == 503
        assert (await ask("/customers/recommendations", {"customer_id": "c-1", "limit": 0}))[0] == 400

    asking(office, steps)
    assert asked == [(EVIL, 3), ("shy", 10), ("nobody", 10), ("away", 10)]
    assert ("read recommendations", EVIL) in {(one.what, one.customer_id) for one in office.trail.newest(9)}


def test_points_of_a_customer_are_told(office: Office) -> None:
    def points(customer_id: str) -> PointsStatement | None:
        if customer_id == "away":
            raise StorageError("Redis is away")
        if customer_id == "wrong":
            raise SettingsError("points.yaml: earn.rate: expected a number")
        tier = PointsTier(name=EVIL, points=100, benefits="free delivery")
        found = PointsStatement(120, 400, 200, 80, 0, 1_767_571_200_000, 30, 300, tier, None)
        return found if customer_id == EVIL else None

    office.points = points

    async def steps(ask: Ask) -> None:
        status, _, found = await ask("/customers/points", {"customer_id": EVIL})
        assert (status, found["balance"], found["expires_at"]) == (200, 120, "2026-01-05T00:00:00.000Z")
        assert (found["tier"]["benefits"], found["next_tier"], found["customer_id"]) == ("free delivery", None, EVIL)
        assert (await ask("/customers/points", {"customer_id": "nobody"}))[0] == 404
        assert (await ask("/customers/points", {"customer_id": "away"}))[0] == 503
        status, _, found = await ask("/customers/points", {"customer_id": "wrong"})
        assert (status, "earn.rate" in found["error"]) == (400, True)

    asking(office, steps)
    assert ("read points", EVIL) in {(one.what, one.customer_id) for one in office.trail.newest(9)}


def test_actions_and_labels_are_kept_once_and_published_or_taken_back(office: Office) -> None:
    async def steps(ask: Ask) -> None:
        body = {"customer_id": "c-1", "action": "contacted", "action_id": "a-1", "note": "called"}
        status, _, kept = await ask("/actions", body)
        assert (status, kept["action_id"], kept["is_new"]) == (202, "a-1", True)
        assert (await ask("/actions", body))[2]["is_new"] is False
        assert (await ask("/labels", {"customer_id": "c-1", "event_id": "e-1", "category": "delivery"}))[0] == 202
        status, _, kept = await ask("/actions", {"customer_id": "c-2", "action": "resolved"})
        assert (await ask("/actions/undo", {"action_id": kept["action_id"]}))[2] == {"undone": True}
        assert (await ask("/actions/undo", {"action_id": kept["action_id"]}))[2] == {"undone": False}
        office.now_ms += UNDO_MS
        assert office.acting.publish_due() == 2

    asking(office, steps)
    assert {(one.action, one.customer_id, one.actor, one.category) for one in office.published} == {
        ("contacted", "c-1", "crm", None),
        ("labelled", "c-1", "crm", "delivery"),
    }


@pytest.mark.parametrize("scope", Scope)
def test_a_token_is_for_what_it_is_for(office: Office, scope: Scope) -> None:
    async def steps(ask: Ask) -> None:
        for one in OPERATIONS:
            status, _, found = await ask(one.path, None if one.body is None else {})
            assert (status == 403) == (one.scope is not scope), (one, found)
            for wrong in ("", "Bearer", "Bearer x", "Basic eDp5", "Bearer \xff"):
                status, headers, _ = await ask(one.path, None if one.body is None else {}, Authorization=wrong)
                assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
        assert office.tokens.remove("crm")
        assert (await ask("/kpis"))[0] == 401
        assert (await ask("/openapi.json"))[2] == DOCUMENT

    asking(office, steps, {scope.value})


def test_a_session_of_the_pages_is_no_token_and_errors_are_json(office: Office) -> None:
    async def steps(ask: Ask) -> None:
        status, headers, found = await ask("/actions")
        assert (status, headers["Allow"], found) == (405, "POST", {"error": "Method Not Allowed"})
        assert (await ask("/nowhere"))[::2] == (404, {"error": "Not Found"})
        assert (await ask("/kpis", Authorization=""))[0] == 401
        assert "Set-Cookie" not in (await ask("/kpis"))[1]
        assert (await ask("/actions", b"x" * 20_000))[0] == 413

    asking(office, steps)


ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 1, 51, 500, 501, 2**63, 1e308, -1e12, 0.5, "", "c-1", "at_risk", "id", "risk", "contacted"),
    *("\0", "\x1f", "x" * 129, "x" * 2001, EVIL, "ü", "2026-01-31", "0001-01-01", "9999-12-31", "2026-13-01"),
    *([], ["at_risk"], [1], ["x" * 300], [[]], {}, {"a": 1}, ["x"] * 60, "WyJpZCIsMSwiYy0xIl0", "WzEsMiwzXQ"),
)
BROKEN = (b"", b"{", b"null", b"[]", b"1", b'"x"', b"\xff", b'{"a":1}', b'{"customer_id":"\\ud800"}', b"[" * 5000)


def test_nothing_that_is_sent_brings_an_answer_that_the_document_does_not_name(office: Office) -> None:
    """What `asking` checks, over many bodies: of the right fields with odd values, and of no sense at all."""
    choose = random.Random(5)

    async def steps(ask: Ask) -> None:
        answered = set()
        for one in OPERATIONS:
            if one.body is None:
                continue
            for broken in BROKEN:
                assert (await ask(one.path, broken))[0] == 400, broken
            fields = one.body.__struct_fields__
            for _ in range(150):
                chosen = choose.sample(fields, choose.randint(1, len(fields)))
                required = [name for name in ("customer_id", "action_id", "event_id") if name in fields]
                right = dict.fromkeys(required, "c-1") | ({"category": "x"} if "category" in fields else {})
                right |= {"action": "contacted"} if "action" in fields else {}
                body = right | {name: choose.choice(ODD) for name in chosen}
                status, _, found = await ask(one.path, body)
                assert status < 500, (body, found)
                answered.add((one.path, status))
        assert {status for _, status in answered} >= {200, 202, 400}

    asking(office, steps)
