"""Attacks by strangers on an endpoint as in production: a separate process, on uvloop."""

import gzip
import json
import socket
import time
import uuid
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from stream.local.broker import EmbeddedBroker
from stream.local.server_process import HOST
from stream.settings import Settings
from tests.adapters.samples_mail import MAILGUN
from tests.adapters.test_segment import TRACK
from tests.agents.topics import create
from tests.ingest.running import TOKEN, Running, click, post, signed_by_mailgun

SECRET = "Bearer-of-a-secret-token"


@contextmanager
def endpoint(broker: EmbeddedBroker, directory: Path, **settings: object) -> Iterator[Running]:
    made = Settings(
        kafka_bootstrap=broker.bootstrap,
        topic_prefix=f"a{uuid.uuid4().hex[:8]}.",
        partitions=1,
        **{"ingest_token": TOKEN, "ingest_read_timeout_s": 20.0, **settings},  # type: ignore[arg-type]
    )
    create(broker.bootstrap, made.topics.items())
    with Running(made, directory) as running:
        yield running


def head(path: str, length: int, *, token: str | None = TOKEN, extra: str = "") -> bytes:
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{authorization}{extra}Content-Length: {length}\r\n\r\n".encode()


def said(client: socket.socket) -> bytes:
    """All bytes until the other side closes."""
    client.settimeout(20)
    received = b""
    try:
        while chunk := client.recv(65_536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def raw(ingest: Running, text: bytes) -> bytes:
    with socket.create_connection((HOST, ingest.port), timeout=20) as client:
        client.sendall(text)
        return said(client)


def until(reached: object, wait_s: float = 20.0) -> None:
    deadline = time.monotonic() + wait_s
    while not reached():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def figure(ingest: Running, name: str) -> float:
    return next(float(line.rsplit(" ", 1)[1]) for line in ingest.metrics().splitlines() if line.startswith(f"{name} "))


def held(ingest: Running) -> float:
    """Memory of bodies once everything sent is read or refused; until then the figure goes up and down."""
    seen: list[float] = []

    def is_settled() -> bool:
        seen.append(figure(ingest, "stream_ingest_body_bytes"))
        return len(seen) > 25 and len({*seen[-25:]}) == 1 and seen[-1] > 0

    until(is_settled)
    return seen[-1]


def test_connections_that_do_nothing_do_not_shut_others_out(broker: EmbeddedBroker, tmp_path: Path) -> None:
    with endpoint(broker, tmp_path, ingest_connections=40) as ingest, ExitStack() as open_ones:
        for number in range(150):
            client = open_ones.enter_context(socket.create_connection((HOST, ingest.port), timeout=20))
            client.sendall(b"POST /v1/events HT" if number % 2 else b"")
        assert ingest.post("/v1/events", click("through")).status == 200
        assert figure(ingest, "stream_ingest_evictions_total") >= 110


def test_bodies_of_strangers_do_not_shut_others_out(broker: EmbeddedBroker, tmp_path: Path) -> None:
    settings = {"ingest_connections": 40, "ingest_mailgun_signing_key": "key", "ingest_max_bytes": 100_000}
    with endpoint(broker, tmp_path, ingest_body_bytes=10_000_000, **settings) as ingest, ExitStack() as open_ones:
        for _ in range(60):
            client = open_ones.enter_context(socket.create_connection((HOST, ingest.port), timeout=20))
            client.sendall(head("/v1/adapters/mailgun", 90_000, token=None) + b"x" * 1000)
        assert ingest.post("/v1/events", click("through")).status == 200
        webhook = signed_by_mailgun(MAILGUN["event-data"])
        assert ingest.post("/v1/adapters/mailgun", webhook, token=None).status == 200


def test_bodies_that_are_held_take_no_more_than_the_budget(broker: EmbeddedBroker, tmp_path: Path) -> None:
    settings = {"ingest_mailgun_signing_key": "key", "ingest_max_bytes": 200_000, "ingest_body_bytes": 1_000_000}
    with endpoint(broker, tmp_path, ingest_read_timeout_s=60.0, **settings) as ingest:
        with ExitStack() as open_ones:
            for _ in range(30):
                client = open_ones.enter_context(socket.create_connection((HOST, ingest.port), timeout=20))
                client.sendall(head("/v1/adapters/mailgun", 200_000, token=None))
                try:
                    client.sendall(b"x" * 190_000)
                except OSError:
                    continue  # refused while it was sending
            # strangers may take half of it
            assert 300_000 < held(ingest) <= 500_000
            answer = ingest.post("/v1/adapters/mailgun", b"x" * 190_000, token=None)
            assert (answer.status, answer.body["error"]) == (429, "busy")
            assert int(answer.headers["retry-after"]) > 0
            # and who has a token is served
            assert (
                ingest.post("/v1/events", b"[" + b" " * 150_000 + json.dumps(click("in")).encode() + b"]").status == 200
            )
            for _ in range(8):
                client = open_ones.enter_context(socket.create_connection((HOST, ingest.port), timeout=20))
                client.sendall(head("/v1/events", 200_000))
                try:
                    client.sendall(b"x" * 190_000)
                except OSError:
                    continue
            assert 700_000 < held(ingest) <= 1_000_000
            assert ingest.post("/v1/events", b" " * 190_000).status == 429
            assert figure(ingest, "stream_ingest_body_bytes") <= 1_000_000
        until(lambda: figure(ingest, "stream_ingest_body_bytes") == 0)
        assert ingest.post("/v1/events", click("after")).status == 200


@pytest.mark.parametrize(
    "text",
    [
        f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: {SECRET}\x00\r\n\r\n".encode(),
        f"POST /v1/events HTTP/1.1\r\nHost: x\r\n{SECRET}\r\n\r\n".encode(),
        f"POST /v1/events?{SECRET} HTTP/9\r\n\r\n".encode(),
        f"{SECRET}\r\n\r\n".encode(),
        f"POST /v1/events HTTP/1.1\r\nHost: x\r\nExpect: {SECRET}\r\n\r\n".encode(),
        f"POST /{SECRET} HTTP/1.1\r\nHost: x\r\nExpect: {SECRET}\r\n\r\n".encode(),
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Long: " + SECRET.encode() * 1000 + b"\r\n\r\n",
        head("/v1/events", 5, extra=f"Content-Length: 7\r\nX: {SECRET}\r\n") + b"12345",
        head("/v1/events", 5, extra="Transfer-Encoding: chunked\r\n") + SECRET.encode(),
        f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n"
        f"2\r\n{{}}\r\n{SECRET}\r\n".encode(),
        f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n"
        f"{SECRET}\r\n".encode(),
    ],
)
def test_invalid_http_is_neither_logged_nor_repeated(ingest: Running, text: bytes) -> None:
    answer = raw(ingest, text)
    status_line, _, rest = answer.partition(b"\r\n")
    assert 400 <= int(status_line.split()[1]) < 500, answer
    assert b"application/json" in rest
    for told in (SECRET.encode(), b"aiohttp", b"Python/", TOKEN.encode()):
        assert told not in answer
    log = ingest.log()
    assert SECRET not in log
    assert TOKEN not in log
    assert "Traceback" not in log
    assert ingest.post("/v1/events", click("still-there")).status == 200


PACKED = gzip.compress(json.dumps([click("packed")]).encode())
RAW_DEFLATE = zlib.compressobj(wbits=-15)
DEFLATED = RAW_DEFLATE.compress(json.dumps(click("deflated")).encode()) + RAW_DEFLATE.flush()


@pytest.mark.parametrize(
    ("encoding", "body", "status", "reason"),
    [
        ("gzip", PACKED[:-1], 400, "malformed"),
        ("gzip", PACKED[:-9], 400, "malformed"),
        ("gzip", PACKED[:12], 400, "malformed"),
        ("gzip", PACKED[:-4] + b"\0\0\0\0", 400, "malformed"),
        ("gzip", PACKED + b"more", 400, "malformed"),
        ("deflate", DEFLATED[:-2], 400, "malformed"),
        ("gzip", gzip.compress(b"[" + b" " * 50_000_000 + b"]"), 413, "too_large"),
        ("gzip", gzip.compress(b" " * 150_000) * 3, 413, "too_large"),
        ("br", b"anything", 415, "unsupported_encoding"),
        ("zstd", b"anything", 415, "unsupported_encoding"),
        ("gzip, gzip", gzip.compress(PACKED), 415, "unsupported_encoding"),
        ("none-of-these", b"{}", 415, "unsupported_encoding"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/events", "/v1/adapters/segment"])
def test_a_packed_body_is_whole_and_small_or_refused(
    ingest: Running, path: str, encoding: str, body: bytes, status: int, reason: str
) -> None:
    answer = ingest.post(path, body, {"Content-Encoding": encoding})
    assert (answer.status, answer.body["error"]) == (status, reason)
    if status == 415:
        assert answer.headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", PACKED),
        ("x-gzip", PACKED),
        ("GZIP", gzip.compress(b"[") + gzip.compress(json.dumps(click("parts")).encode()) + gzip.compress(b"]")),
        ("deflate", DEFLATED),
        ("deflate", zlib.compress(json.dumps(click("zlib")).encode())),
        ("identity", json.dumps(click("plain")).encode()),
    ],
)
def test_a_packed_body_that_is_whole_is_understood(ingest: Running, encoding: str, body: bytes) -> None:
    answer = ingest.post("/v1/events", body, {"Content-Encoding": encoding})
    assert (answer.status, answer.body["accepted"]) == (200, 1)


def test_a_client_that_waits_for_100_continue_is_refused_before_its_body(ingest: Running) -> None:
    body = json.dumps(click("waited")).encode()
    expect = "Expect: 100-continue\r\nConnection: close\r\n"
    answer = raw(ingest, head("/v1/events", len(body), token="wrong", extra=expect))
    assert answer.startswith(b"HTTP/1.1 401")
    with socket.create_connection((HOST, ingest.port), timeout=20) as client:
        client.sendall(head("/v1/events", len(body), extra=expect))
        assert client.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        assert b'"accepted":1' in said(client)


def test_a_signature_is_looked_for_before_a_body_is_read(ingest: Running) -> None:
    for path, extra in (("postmark", ""), ("postmark", "Authorization: Basic OnBhc3M=\r\n"), ("segment", "")):
        answer = raw(ingest, head(f"/v1/adapters/{path}", 100_000, token=None, extra=extra))
        assert answer.startswith(b"HTTP/1.1 401"), answer


def test_one_signature_of_mailgun_serves_one_event(ingest: Running) -> None:
    webhook = signed_by_mailgun(MAILGUN["event-data"])
    for _ in range(2):
        assert ingest.post("/v1/adapters/mailgun", webhook, token=None).status == 200
    other = {**webhook, "event-data": {**MAILGUN["event-data"], "id": "another"}}
    assert ingest.post("/v1/adapters/mailgun", other, token=None).status == 401


@pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_web_form_is_told_from_a_wrong_signature(ingest: Running, media_type: str) -> None:
    form = b"event=opened&recipient=ann%40example.com&timestamp=1&token=t&signature=s"
    answer = ingest.post("/v1/adapters/mailgun", form, {"Content-Type": media_type}, token=None)
    assert answer.status == 406
    assert "use the JSON webhooks" in answer.body["detail"]
    for path in ("/v1/events", "/v1/adapters/segment"):
        answer = ingest.post(path, form, {"Content-Type": media_type})
        assert (answer.status, answer.body["error"]) == (415, "unsupported_format")
    # curl's default content type is that of a form
    assert ingest.post("/v1/adapters/segment", TRACK, {"Content-Type": media_type}).status == 200


def test_a_bare_array_of_segment_names_its_bad_element(ingest: Running) -> None:
    good = [{**TRACK, "messageId": f"array-{k}"} for k in range(2)]
    assert ingest.post("/v1/adapters/segment", good).body["accepted"] == 2
    answer = ingest.post("/v1/adapters/segment", [good[0], {"type": "track"}, good[1]])
    assert (answer.status, answer.body["accepted"]) == (207, 2)
    assert [problem["index"] for problem in answer.body["problems"]] == [1]


def test_without_a_token_pages_of_elsewhere_are_refused_and_limits_of_a_token_hold(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    with endpoint(broker, tmp_path, ingest_token="") as ingest:
        for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Origin": "null"}):
            answer = post(ingest.port, "/v1/events", click("page"), headers, token=None)
            assert (answer.status, answer.body["error"]) == (403, "foreign_origin")
            assert post(ingest.port, "/v1/adapters/segment", TRACK, headers, token=None).status == 403
        assert post(ingest.port, "/v1/events", click("own"), token=None).status == 200
    limited = f"{TOKEN};types=click|purchase;max_amount=100"
    with endpoint(broker, tmp_path, ingest_token=limited, currency_rates="EUR=1,USD=0.5") as ingest:
        order = {"name": "completed", "order_id": "o-1", "currency": "USD"}
        batch = [click(1), click(2, name="opened"), click(3, amount=201, **order), click(4, amount=200, **order)]
        answer = ingest.post("/v1/events", batch)
        assert (answer.status, answer.body["accepted"]) == (207, 2)
        assert [(p["index"], p["reason"]) for p in answer.body["problems"]] == [(1, "not_allowed"), (2, "not_allowed")]
        assert "up to 100.00" in answer.body["problems"][1]["detail"]
