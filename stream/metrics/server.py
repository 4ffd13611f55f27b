"""The endpoint that shows the metrics, and pages next to them such as probes."""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from socket import AF_INET6
from socketserver import ThreadingMixIn
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import make_wsgi_app

from stream.errors import SettingsError
from stream.metrics.instruments import REGISTRY

__all__ = ["Page", "serve"]

#: Status and body (JSON) of a page at the time of asking.
Page = Callable[[], tuple[int, bytes]]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _ServerOnIPv6(_Server):
    address_family = AF_INET6


class _Handler(WSGIRequestHandler):
    #: A client that sends nothing does not keep its thread (s).
    timeout = 10

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited
        """Say nothing: probes and scrapes come every few seconds."""


def _routed(pages: Mapping[str, Page]) -> WSGIApplication:
    metrics: WSGIApplication = make_wsgi_app(REGISTRY)

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        page = pages.get(environ["PATH_INFO"])
        if page is None:
            return metrics(environ, start)
        status, body = page()
        start(f"{status} {HTTPStatus(status).phrase}", [("Content-Type", "application/json")])
        return [body]

    return answer


def _alive() -> tuple[int, bytes]:
    return 200, b'{"ok":true,"reasons":[]}\n'


def serve(host: str, port: int, pages: Mapping[str, Page] | None = None) -> int:
    """Serve ``/metrics`` and ``pages`` (path -> page) from daemon threads; return the port (``port`` 0: a free one).

    ``/health/live`` is there in any case, and tells that the process answers.
    Raises `SettingsError` when the address cannot be listened on.
    """
    try:
        routes = _routed({"/health/live": _alive, **(pages or {})})
        server = make_server(host, port, routes, _ServerOnIPv6 if ":" in host else _Server, _Handler)
    except OSError as error:
        raise SettingsError(
            f"cannot serve metrics on {host}:{port} ({error}): choose another metrics_port, 0 for any, -1 off"
        ) from error
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return int(server.server_port)
