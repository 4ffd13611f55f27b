"""Receivers that redirect, dribble, flood or ask for patience, and customers who are named like commands."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from queue import SimpleQueue

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.notifications.config import DeliveryChannel
from stream.notifications.config_file import parse
from stream.notifications.courier import Courier, DeliveryReport, Parcel
from stream.notifications.escaping import inert, inert_markdown
from stream.notifications.outbound import MAX_RETRY_AFTER_S, retry_after_s
from stream.notifications.sender import AppriseSender, Failure
from stream.notifications.templates import Message, Templates
from tests.notifications.desk import NotifierDesk, configuration
from tests.notifications.receivers import Webhook
from tests.notifications.rig import NotifierBench, alert

MESSAGE = Message("title", "body")


@contextmanager
def answering(*parts: bytes, every_s: float = 0.0, endless: bytes = b"") -> Iterator[int]:
    """A server that answers every connection with ``parts``, and then ``endless`` for ever; its port."""
    stop = threading.Event()

    def serve(client: socket.socket) -> None:
        with client:
            client.recv(65_536)
            try:
                for part in parts:
                    client.sendall(part)
                while endless and not stop.is_set():
                    client.sendall(endless)
                    stop.wait(every_s)
            except OSError:
                return

    def accept() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        stop.set()


def sender(port: int) -> AppriseSender:
    return AppriseSender("hook", DeliveryChannel(url=f"json://127.0.0.1:{port}/?cto=5&rto=5&+X-Token=t0ken"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with Webhook() as elsewhere:
        head = f"HTTP/1.1 {status} Moved\r\nLocation: http://127.0.0.1:{elsewhere.port}/\r\nContent-Length: 0\r\n\r\n"
        with answering(head.encode()) as port:
            failure = sender(port).send(MESSAGE)
        assert failure == Failure(is_permanent=True, detail=f"HTTP status {status}: redirects are not followed")
        assert elsewhere.asked == 0


def test_a_redirect_is_not_followed_although_the_url_asks_for_it() -> None:
    with Webhook() as elsewhere:
        head = f"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:{elsewhere.port}/\r\nContent-Length: 0\r\n\r\n"
        with answering(head.encode()) as port:
            channel = DeliveryChannel(url=f"json://127.0.0.1:{port}/?redirect=yes&rto=5")
            assert AppriseSender("hook", channel).send(MESSAGE) is not None
        assert elsewhere.asked == 0


@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_without_end_is_read_to_a_limit(status: int) -> None:
    head = f"HTTP/1.1 {status} X\r\nConnection: close\r\n\r\n".encode()
    with answering(head, endless=b"x" * 65_536) as port:
        failure = sender(port).send(MESSAGE)
    assert (failure is None) == (status == 200)


def test_a_delivery_that_does_not_end_fails_after_its_time_and_few_are_left_to_themselves() -> None:
    with answering(b"HTTP/1.1 200 OK\r\n", endless=b"X: y\r\n", every_s=0.5) as port:
        reports: SimpleQueue[DeliveryReport] = SimpleQueue()
        courier = Courier("hook", sender(port), reports, timeout_s=0.5)
        details = []
        for _ in range(5):
            courier.carry(Parcel("hook", MESSAGE, []))
            report = reports.get(timeout=20)
            assert report.failure is not None
            assert not report.failure.is_permanent
            details.append(report.failure.detail)
    assert details[:3] == ["the delivery had not ended after 0.5 s"] * 3
    assert details[3:] == ["earlier deliveries have not ended yet"] * 2


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_asks_for_time_is_given_it(bench: NotifierBench, status: int) -> None:
    head = f"HTTP/1.1 {status} Slow\r\nRetry-After: 7200\r\nContent-Length: 0\r\n\r\n".encode()
    with answering(head) as port, Webhook() as hook:
        waiting = f"json://127.0.0.1:{port}/?rto=5"
        with NotifierDesk(bench, configuration(waiting)) as desk:
            lane = desk.lanes["hook"]
            desk.take([alert(1)])
            desk.work(lambda: lane.carried is None and not lane.is_open(desk.clock.now_ms()))
            assert not lane.is_open(desk.clock.now_ms() + 7_199_000)
            assert lane.is_open(desk.clock.now_ms() + 7_201_000)
        assert hook.asked == 0


def test_a_refusal_for_good_has_no_time_after_which_to_try_again() -> None:
    with answering(b"HTTP/1.1 404 No\r\nRetry-After: 7200\r\nContent-Length: 0\r\n\r\n") as port:
        assert sender(port).send(MESSAGE) == Failure(is_permanent=True, detail="HTTP status 404")


@given(st.text(max_size=40) | st.integers().map(str))
def test_any_retry_after_is_read_or_ignored(header: str) -> None:
    found = retry_after_s(header, datetime(2026, 1, 1, tzinfo=UTC))
    assert found is None or 0 <= found <= MAX_RETRY_AFTER_S


HOSTILE = [
    "<!channel>",
    "<@U024BE7LH>",
    "<#C024BE7LR>",
    "<https://evil.example|invoice>",
    "@everyone",
    "a@here",
    "<@&1234>",
    "[invoice](https://evil.example)",
    "https://evil.example",
    "www.evil.example",
    "<b onclick=x>",
    "&lt;b&gt;",
]
#: Texts that chats and mail programs act on.
ACTIVE = re.compile(r"<[!@#a-z/]|@(?:everyone|here|channel)|(?<!\w)@\w|\]\(|://|\bwww\.|&\w+;", re.IGNORECASE)


def filled(url: str, text_format: str, customer_id: str) -> Message:
    text = configuration(url, f"format: {text_format}").replace('title: "risk"', 'title: "{{ alert.customer_id }}"')
    return Templates(parse(text, {}, source="")).single("alert", "hook", alert(1, customer_id=customer_id))


@pytest.mark.parametrize("customer_id", HOSTILE)
@pytest.mark.parametrize(
    ("url", "text_format"),
    [
        ("slack://a/b/c", "text"),
        ("slack://a/b/c", "markdown"),
        ("discord://a/b", "text"),
        ("discord://a/b", "markdown"),
    ],
)
def test_a_customer_is_no_command_to_a_chat(url: str, text_format: str, customer_id: str) -> None:
    assert ACTIVE.search(customer_id)
    title, body = filled(url, text_format, customer_id)
    assert not ACTIVE.search(title)
    assert not ACTIVE.search(body)
    assert body.replace("\u200b", "").replace("\\", "") == customer_id


@pytest.mark.parametrize("customer_id", HOSTILE)
def test_a_customer_is_no_markup_in_html(customer_id: str) -> None:
    title, body = filled("mailto://u:p@h.example", "html", customer_id)
    assert "<" not in body
    assert not ACTIVE.search(title)


@pytest.mark.parametrize("customer_id", [*HOSTILE, "a_b*c"])
def test_text_for_programs_is_exact(customer_id: str) -> None:
    assert filled("json://127.0.0.1", "text", customer_id).body == customer_id


def test_harmless_text_stays_unchanged() -> None:
    for text in (
        "ann@example.com",
        "c-1",
        "No order for 86 days; usually every 14.",
        "a < b",
        "email:0f",
        "12:30",
        "R&D",
    ):
        assert inert(text) == text


@given(st.text(st.sampled_from("<>@:/[]()&;#wveryonh.!a \\"), max_size=20))
def test_escaped_text_never_acts(text: str) -> None:
    for written in (inert(text), inert_markdown(text)):
        assert not ACTIVE.search(written)
