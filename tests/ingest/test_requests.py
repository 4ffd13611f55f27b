"""Requests over a real socket to a running endpoint, and what is in the topics afterwards."""

import base64
import gzip
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from stream.adapters.json_fields import event_id
from stream.local.server_process import HOST
from tests.adapters.samples_mail import BOUNCE, MAILGUN, SENDGRID
from tests.adapters.test_cloudevents import EVENT as CLOUD_EVENT
from tests.adapters.test_segment import TRACK
from tests.ingest.running import TOKEN, Reader, Running, click, request, signed_by_mailgun

NDJSON = {"Content-Type": "application/x-ndjson"}
ACCEPTED_ONE = {"accepted": 1, "rejected": 0, "failed": 0, "ignored": {}, "problems": []}


def test_an_event_is_in_kafka_when_it_is_answered(ingest: Running, clicks: Reader) -> None:
    answer = ingest.post("/v1/events/click", click("one"))
    assert (answer.status, answer.body) == (200, ACCEPTED_ONE)
    assert answer.headers["content-type"].startswith("application/json")
    assert "e-one" in clicks.until("e-one")


def test_events_find_their_topics_by_type_or_name(ingest: Running, emails: Reader, purchases: Reader) -> None:
    order = {"order_id": "o-1", "amount": 5, "currency": "EUR"}
    batch = [
        click("any-1"),
        click("any-2", name="opened"),
        click("any-3", type="purchase", name="completed", **order),
    ]
    assert ingest.post("/v1/events", batch).body["accepted"] == 3
    assert ingest.post("/v1/events/email", click("any-4", name="clicked")).status == 200
    emails.until("e-any-2", "e-any-4")
    purchases.until("e-any-3")
    assert batch[2] in purchases.values


def test_arrays_and_ndjson_and_gzip_are_understood(ingest: Running, clicks: Reader) -> None:
    batch = [click(f"format-{number}") for number in range(6)]
    lines = b"\n".join(json.dumps(event).encode() for event in batch[2:4]) + b"\r\n\n"
    assert ingest.post("/v1/events", batch[:2]).body["accepted"] == 2
    assert ingest.post("/v1/events", lines, NDJSON).body["accepted"] == 2
    packed = gzip.compress(json.dumps(batch[4:]).encode())
    assert ingest.post("/v1/events/click", packed, {"Content-Encoding": "gzip"}).body["accepted"] == 2
    ids = [f"e-format-{number}" for number in range(6)]
    assert {*ids} <= {*clicks.until(*ids)}


def test_a_thousand_events_in_a_request_are_accepted_and_in_order(ingest: Running, clicks: Reader) -> None:
    batch = [click(f"many-{number}", customer_id="many") for number in range(1000)]
    assert ingest.post("/v1/events/click", batch).body["accepted"] == 1000
    ids = [event["event_id"] for event in batch]
    assert [i for i in clicks.until(*map(str, ids)) if i.startswith("e-many-")] == ids


def test_requests_at_the_same_time_are_all_answered(ingest: Running, clicks: Reader) -> None:
    def send(number: int) -> int:
        batch = [click(f"same-{number}-{k}") for k in range(20)]
        return int(ingest.post("/v1/events", batch).body["accepted"])

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(send, range(64))) == 64 * 20
    ids = [f"e-same-{number}-{k}" for number in range(64) for k in range(20)]
    found = [i for i in clicks.until(*ids) if i.startswith("e-same-")]
    assert sorted(found) == sorted(ids)


def test_pipelined_requests_are_answered_in_turn(ingest: Running) -> None:
    body = json.dumps(click("pipelined")).encode()
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((HOST, ingest.port), timeout=20) as client:
        client.sendall((head.encode() + body) * 20)
        received = b""
        while received.count(b"HTTP/1.1 200 OK") < 20:
            chunk = client.recv(65_536)
            assert chunk, received
            received += chunk
    assert received.count(b'"accepted":1') == 20


def test_bad_events_are_named_and_good_ones_accepted(ingest: Running, clicks: Reader) -> None:
    batch = [click("mixed-0"), click("mixed-1", occurred_at="today"), {"event_id": 5}, click("mixed-3")]
    answer = ingest.post("/v1/events/click", batch)
    assert answer.status == 207
    assert (answer.body["accepted"], answer.body["rejected"]) == (2, 2)
    assert [(p["index"], p["event_id"], p["reason"]) for p in answer.body["problems"]] == [
        (1, "e-mixed-1", "bad_timestamp"),
        (2, "", "wrong_type"),
    ]
    found = clicks.until("e-mixed-0", "e-mixed-3")
    assert "e-mixed-1" not in found


def test_a_request_without_a_single_good_event_is_unprocessable(ingest: Running) -> None:
    answer = ingest.post("/v1/events", click("bad", name="nothing"))
    assert answer.status == 422
    assert answer.body["problems"][0]["reason"] == "unknown_name"
    assert answer.body["accepted"] == 0


@pytest.mark.parametrize(
    ("body", "headers", "status", "reason"),
    [
        (b"", {}, 400, "malformed"),
        (b"[", {}, 400, "malformed"),
        (b"[]", {}, 400, "malformed"),
        (b"[1,]", {}, 400, "malformed"),
        (b"\n\n", NDJSON, 400, "malformed"),
        (b"[" * 50_000, {}, 400, "malformed"),
        (b"not gzip", {"Content-Encoding": "gzip"}, 400, "malformed"),
        (b"x" * 200_001, {}, 413, "too_large"),
        (gzip.compress(b"0" * 5_000_000), {"Content-Encoding": "gzip"}, 413, "too_large"),
        (b"{}\n" * 1001, NDJSON, 413, "too_many_events"),
    ],
)
def test_an_unreadable_body_is_refused_as_a_whole(
    ingest: Running, body: bytes, headers: dict[str, str], status: int, reason: str
) -> None:
    answer = ingest.post("/v1/events", body, headers)
    assert (answer.status, answer.body["error"]) == (status, reason)
    assert answer.body["detail"]


@pytest.mark.parametrize("body", [b"{", b"nothing", b"\xff\xfe", b'{"name": "page_viewed"', b"null"])
def test_a_single_event_that_is_no_json_is_unprocessable(ingest: Running, body: bytes) -> None:
    answer = ingest.post("/v1/events", body)
    assert answer.status == 422
    assert answer.body["problems"][0]["reason"] in {"malformed_json", "bad_utf8", "wrong_type"}


def test_only_clients_with_a_token_may_send(ingest: Running, clicks: Reader) -> None:
    for token in (None, "", "wrong", TOKEN[:-1], f"{TOKEN}x", TOKEN.upper(), "é"):
        answer = ingest.post("/v1/events", click("stranger"), token=token and token.encode().decode("latin-1"))
        assert (answer.status, answer.body["error"]) == (401, "unauthorized")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    for path in ("/v1/events/click", "/v1/adapters/segment", "/v1/adapters/sendgrid", "/v1/adapters/cloudevents"):
        assert ingest.post(path, click("stranger"), token=None).status == 401
    assert ingest.post("/v1/events", click("rotated"), token="the-token-before-this-one").status == 200
    password = base64.b64encode(f"any:{TOKEN}".encode()).decode()
    assert ingest.post("/v1/events", click("basic"), {"Authorization": f"Basic {password}"}).status == 200
    assert "e-stranger" not in clicks.until("e-rotated", "e-basic")


def test_other_routes_and_methods_are_named(ingest: Running) -> None:
    answer = ingest.post("/v1/event", click("lost"))
    assert (answer.status, answer.body["error"]) == (404, "not_found")
    assert "/v1/events" in answer.body["detail"]
    answer = request(ingest.port, "GET", "/v1/events")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert ingest.post("/v1/adapters/nobody", {}).status == 404


def test_adapters_publish_native_events(ingest: Running, clicks: Reader, emails: Reader) -> None:
    assert ingest.post("/v1/adapters/segment", TRACK).body == ACCEPTED_ONE
    cloud = {"Content-Type": "application/cloudevents+json"}
    assert ingest.post("/v1/adapters/cloudevents", CLOUD_EVENT, cloud).body == ACCEPTED_ONE
    deferred = {**SENDGRID, "event": "deferred"}
    answer = ingest.post("/v1/adapters/sendgrid", [SENDGRID, deferred, deferred])
    assert (answer.status, answer.body) == (200, {**ACCEPTED_ONE, "ignored": {"deferred": 2}})
    clicks.until("segment:ajs-f8ca1e4de5024d9430b3928bd8ac6b96", event_id("ce", "/shop/web", "A234-1234-1234"))
    emails.until("sendgrid:FOTFFO0ecsBE-zxFXfs6WA==")


def test_signed_webhooks_need_no_token_and_unsigned_ones_are_refused(ingest: Running) -> None:
    assert ingest.post("/v1/adapters/mailgun", signed_by_mailgun(MAILGUN["event-data"]), token=None).status == 200
    answer = ingest.post("/v1/adapters/mailgun", MAILGUN)
    assert (answer.status, answer.body["error"]) == (401, "unauthorized")
    password = base64.b64encode(b"postmark:a-password").decode()
    assert ingest.post("/v1/adapters/postmark", BOUNCE, {"Authorization": f"Basic {password}"}).status == 200
    assert ingest.post("/v1/adapters/postmark", BOUNCE).status == 401


def test_mailgun_is_told_to_give_up_on_what_will_never_be_right(ingest: Running) -> None:
    answer = ingest.post("/v1/adapters/mailgun", signed_by_mailgun({"event": "opened"}))
    assert (answer.status, answer.body["problems"][0]["detail"]) == (406, "expected `timestamp`; there is none")


def test_a_call_that_is_none_of_the_providers_is_malformed(ingest: Running) -> None:
    answer = ingest.post("/v1/adapters/sendgrid", {"event": "open"})
    assert (answer.status, answer.body["error"]) == (400, "malformed")
    assert "JSON array of SendGrid events" in answer.body["detail"]
    assert ingest.post("/v1/adapters/segment", b"{").status == 400


def test_a_head_that_dribbles_in_is_cut_off(ingest: Running) -> None:
    began = time.monotonic()
    with socket.create_connection((HOST, ingest.port), timeout=20) as client:
        client.settimeout(0.1)
        text = b"POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Slow: "
        closed = False
        while not closed and time.monotonic() - began < 30:
            try:
                client.sendall(text)
                text = b"a"
                closed = client.recv(100) == b""
            except TimeoutError:
                continue
            except OSError:
                closed = True
    assert closed
    assert time.monotonic() - began > 1.4
    assert ingest.post("/v1/events", click("after-slow-head")).status == 200


def test_a_body_that_dribbles_in_is_a_timeout(ingest: Running) -> None:
    head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 1000\r\n\r\n"
    with socket.create_connection((HOST, ingest.port), timeout=20) as client:
        client.sendall(head.encode() + b"{")
        answer = client.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"had not arrived after 1.5 s" in answer + client.recv(65_536)


def test_idle_connections_do_not_keep_others_out(ingest: Running) -> None:
    idle = [socket.create_connection((HOST, ingest.port), timeout=20) for _ in range(200)]
    try:
        assert ingest.post("/v1/events", click("crowded")).status == 200
    finally:
        for client in idle:
            client.close()


def test_requests_and_events_are_counted(ingest: Running) -> None:
    def figure(line: str) -> float:
        return next((float(t.rsplit(" ", 1)[1]) for t in ingest.metrics().splitlines() if t.startswith(line)), 0.0)

    accepted = 'stream_ingest_events_total{outcome="accepted",route="click"}'
    refused = 'stream_ingest_requests_total{route="events",status="401"}'
    seconds = 'stream_ingest_request_seconds_count{route="click"}'
    before = {line: figure(line) for line in (accepted, refused, seconds)}
    ingest.post("/v1/events/click", [click("counted-1"), click("counted-2")])
    ingest.post("/v1/events", click("uncounted"), token="wrong")
    assert figure(accepted) == before[accepted] + 2
    assert figure(refused) == before[refused] + 1
    assert figure(seconds) == before[seconds] + 1
    assert figure("stream_ingest_waiting_events") == 0
    assert figure("stream_ingest_kafka_up") == 1


def test_health_needs_no_token(ingest: Running) -> None:
    assert request(ingest.port, "GET", "/health/live").body == {"live": True}
    assert request(ingest.port, "GET", "/health/ready").body == {"ready": True}


def test_no_id_and_no_payload_is_logged(ingest: Running) -> None:
    ingest.post("/v1/events", click("secret-id", url="/secret-payload"))
    ingest.post("/v1/events", click("secret-id", name="secret-payload"))
    assert "secret-" not in ingest.log()
    assert TOKEN not in ingest.log()
