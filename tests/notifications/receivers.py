"""Receivers of notifications: a real web server and a real SMTP server that answer as a test says."""

import json
import socket
import threading
from collections.abc import Callable
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

__all__ = ["SmtpReceiver", "Webhook"]

#: Number of the request (from 1) and its message -> HTTP status; 0: no answer until the server is closed.
Behaviour = Callable[[int, str], int]


class Webhook:
    """Accepts what Apprise posts as JSON. ``accepted``: (title, message) in order; ``asked``: all requests.

    Its URL asks for ``patience_s``, which is long, so that a slow machine does not cause repeats.
    """

    def __init__(self, behaviour: Behaviour = lambda *_: 200, port: int = 0, *, patience_s: int = 20) -> None:
        self.behaviour = behaviour
        self.patience_s = patience_s
        self.accepted: list[tuple[str, str]] = []
        self.asked = 0
        self.headers: list[Message] = []
        self._closed = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.asked += 1
                receiver.headers.append(self.headers)
                status = receiver.behaviour(receiver.asked, body["message"])
                if status == 0:
                    receiver._closed.wait(60)
                    return
                if status < 300:
                    receiver.accepted.append((body["title"], body["message"]))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.port}/?cto={self.patience_s}&rto={self.patience_s}"

    @property
    def messages(self) -> list[str]:
        return [message for _, message in self.accepted]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class SmtpReceiver:
    """Accepts mail. ``reply``: to the message of an envelope; ``mails``: what it accepted."""

    def __init__(self, reply: Callable[[int], str] = lambda _: "250 OK") -> None:
        self.mails: list[Envelope] = []
        self.asked = 0
        self._reply = reply
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._controller = Controller(self, hostname="127.0.0.1", port=port)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        self.asked += 1
        reply = self._reply(self.asked)
        if reply.startswith("2"):
            self.mails.append(envelope)
        return reply

    @property
    def url(self) -> str:
        port = self._controller.port
        return f"mailto://127.0.0.1:{port}/?from=stream@example.org&to=team@example.org&cto=20&rto=20"

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()
