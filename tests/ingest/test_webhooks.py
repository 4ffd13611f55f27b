"""Webhooks of providers at a running endpoint: first tries, refusals, and the reasons that senders get."""

import asyncio
import re
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from stream.adapters import ADAPTER_NAMES, adapters_of
from stream.adapters.sns import ALLOWED_URL
from stream.clock import FixedClock
from stream.ingest.access import Access
from stream.ingest.client_connection import Connections
from stream.ingest.endpoint import Endpoint
from stream.ingest.event_publisher import EventPublisher
from stream.ingest.outward import Outward
from stream.ingest.reachability import Reachability
from stream.ingest.refusal import Refusal
from stream.settings import Settings
from tests.adapters.calls import NOW_MS
from tests.adapters.samples import Sample
from tests.adapters.samples_feedback import FEEDBACK
from tests.adapters.samples_mail import MAIL
from tests.adapters.samples_ses import CERTIFICATE, CERTIFICATE_URL, TOPIC, message, ses_call, signed
from tests.adapters.samples_shops import SHOPS
from tests.ingest.conftest import VERIFIED
from tests.ingest.running import TOKEN, HttpAnswer, Running, request
from tests.security.authority import Authority

SAMPLES = {sample.name: sample for sample in (*SHOPS, *MAIL, *FEEDBACK)}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def send(ingest: Running, sample: Sample, row: str, **options: Any) -> HttpAnswer:
    """Post a sample as its provider does, signed now."""
    call = sample.call(row, at_s=options.pop("at_s", time.time()))
    headers = {**call.headers, **(FORM if sample.form else {})}
    return ingest.post(f"/v1/adapters/{sample.name}", options.pop("content", call.body), headers, **options)


@pytest.mark.parametrize("name", VERIFIED)
def test_a_signed_webhook_is_taken_and_a_changed_one_is_told_why_not(ingest: Running, name: str) -> None:
    sample = SAMPLES[name]
    row = next(iter(sample.calls))
    answer = send(ingest, sample, row, token=None)
    assert (answer.status, answer.body["accepted"]) == (200, 1)
    changed = sample.call(row).body + (b"&x=1" if sample.form else b" ")
    answer = send(ingest, sample, row, token=None, content=changed)
    assert (answer.status, answer.body["error"]) == (401, "unauthorized")
    assert answer.body["detail"].startswith(f"no call of {name}: the signature is not that of this body")
    answer = ingest.post(f"/v1/adapters/{name}", {}, token=None)
    assert (answer.status, "there is none" in answer.body["detail"]) == (401, True)
    if sample.tells_time:
        answer = send(ingest, sample, row, token=None, at_s=time.time() - 27 * 3600)
        assert "27.0 hours old; at most 26 are accepted" in answer.body["detail"]


def test_an_unsigned_format_needs_the_token(ingest: Running) -> None:
    for name, row in (("mailchimp", "cleaned: hard"), ("brevo", "hard_bounce")):
        assert send(ingest, SAMPLES[name], row, token=None).status == 401
        answer = send(ingest, SAMPLES[name], row)
        assert (answer.status, answer.body["accepted"]) == (200, 1)


@pytest.mark.parametrize("name", ["mailchimp", "mandrill", "surveymonkey", "intercom"])
def test_a_provider_may_try_the_address_first(ingest: Running, name: str) -> None:
    assert request(ingest.port, "GET", f"/v1/adapters/{name}").status == 200
    assert request(ingest.port, "HEAD", f"/v1/adapters/{name}").status == 200
    assert request(ingest.port, "GET", "/v1/adapters/stripe").status == 405


def test_the_ping_of_woocommerce_is_answered(ingest: Running) -> None:
    answer = ingest.post("/v1/adapters/woocommerce", b"webhook_id=3", FORM, token=None)
    assert (answer.status, answer.body["ignored"], answer.body["accepted"]) == (200, {"probe": 1}, 0)
    assert ingest.post("/v1/adapters/woocommerce", b"order=3", FORM, token=None).status == 415


def test_an_invalid_form_is_malformed(ingest: Running) -> None:
    for content in (b"{", b"\xff", b"a", b"&".join(b"a=%d" % k for k in range(1001))):
        answer = ingest.post("/v1/adapters/mailchimp", content, FORM)
        assert (answer.status, "is not a web form" in answer.body["detail"]) == (400, True)


@pytest.mark.parametrize("name", ADAPTER_NAMES)
def test_a_huge_body_is_refused_from_every_sender(ingest: Running, name: str) -> None:
    sample = SAMPLES.get(name)
    call = sample.call(next(iter(sample.calls)), at_s=time.time()) if sample else None
    headers = {key.title(): value for key, value in call.headers.items()} if call else {}
    answer = ingest.post(f"/v1/adapters/{name}", b"[" + b" " * 200_000, headers)
    assert (answer.status, answer.body["error"]) == (413, "too_large")


class Amazon(Outward):
    """Amazon's addresses, and the requests made."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def get(self, url: str) -> bytes:
        assert ALLOWED_URL.fullmatch(url)
        self.asked.append(url)
        return CERTIFICATE


def served(amazon: Outward) -> Endpoint:
    """An endpoint that reaches no producer."""
    producer: Any = None
    reachability = Reachability(producer)
    reachability.problem = ""
    settings = Settings(ingest_token=TOKEN, ingest_ses_topics=TOPIC)
    return Endpoint(
        settings,
        EventPublisher(producer, max_waiting=10, timeout_s=1),
        reachability,
        Access(settings),
        adapters_of(settings),
        FixedClock(NOW_MS),
        Connections(head_timeout_s=10),
        amazon,
    )


async def answers(endpoint: Endpoint, *envelopes: dict[str, Any]) -> list[tuple[int, Any]]:
    found = []
    async with TestClient(TestServer(endpoint.application())) as client:
        for envelope in envelopes:
            call = ses_call(envelope)
            async with client.post("/v1/adapters/ses", data=call.body, headers=dict(call.headers)) as response:
                found.append((response.status, await response.json()))
    return found


def test_a_certificate_is_asked_for_once_and_a_subscription_confirmed() -> None:
    amazon = Amazon()
    url = f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37fb"
    question = signed(message("You have chosen", Type="SubscriptionConfirmation", Token="t", SubscribeURL=url))
    ignored = signed(message({"eventType": "Reject", "mail": {}}))
    stranger = {**question, "Signature": ignored["Signature"]}
    found = asyncio.run(answers(served(amazon), question, ignored, stranger))
    assert [status for status, _ in found] == [200, 200, 401]
    assert [body.get("ignored") for _, body in found[:2]] == [{"SubscriptionConfirmation": 1}, {"Reject": 1}]
    # an unsigned call confirms nothing
    assert amazon.asked == [CERTIFICATE_URL, url]


def test_a_certificate_from_another_host_is_not_fetched() -> None:
    amazon = Amazon()
    forged = {**signed(message()), "SigningCertURL": "https://sns.eu-west-1.amazonaws.com.example.org/key.pem"}
    ((status, body),) = asyncio.run(answers(served(amazon), forged))
    assert (status, body["error"]) == (400, "malformed")
    assert "address of Amazon SNS" in body["detail"]
    assert amazon.asked == []


async def asked(tmp_path: Path, paths: list[str]) -> list[bytes | int]:
    """The result of `Outward` for a server of this machine."""
    requests: list[str] = []

    async def respond(got: web.Request) -> web.Response:
        requests.append(got.path)
        if got.path == "/moved":
            raise web.HTTPFound("/certificate")
        return web.Response(body=b"x" * (70_000 if got.path == "/large" else 10))

    authority = Authority(tmp_path)
    identity = authority.server(tmp_path)
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs.load_cert_chain(identity.cert, identity.key)
    app = web.Application()
    app.router.add_get("/{any}", respond)
    found: list[bytes | int] = []
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=theirs)
    await site.start()
    port = runner.addresses[0][1]
    allowed = re.compile(rf"https://localhost:{port}/[a-z]+")
    outward = Outward(allowed, ssl.create_default_context(cafile=authority.ca_file))
    strict = Outward(allowed)
    for asking, path in [(outward, path) for path in paths] + [(strict, "/certificate")]:
        try:
            found.append(await asking.certificate(f"https://localhost:{port}{path}"))
        except Refusal as refusal:
            found.append(refusal.status)
    await runner.cleanup()
    assert requests.count("/certificate") == 1
    return found


def test_outward_fetches_allowed_addresses_by_tls_and_follows_no_redirect(tmp_path: Path) -> None:
    paths = ["/certificate", "/certificate", "/moved", "/large", "/UPPER"]
    # the last: a server that nobody vouches for
    assert asyncio.run(asked(tmp_path, paths)) == [b"x" * 10, b"x" * 10, 503, 503, 400, 503]
