"""Delivery through Apprise: one message to one address, and what to think of a failure."""

import logging
import re
import threading
from typing import Final, NamedTuple, Protocol

from stream.errors import SettingsError
from stream.notifications.config import DeliveryChannel
from stream.notifications.templates import Message
from stream.urls import MASK, PERCENT_ENCODE

__all__ = ["AppriseSender", "Failure", "Sender"]

_LOG = logging.getLogger(__name__)

#: How Apprise words an HTTP status, and how smtplib's errors show an SMTP reply.
_HTTP_STATUS = re.compile(r"error=(\d{3})\b")
_SMTP_REPLY = re.compile(r"\((\d{3}), b['\"]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}", re.ASCII)
#: Statuses below 500 that ask to try again: time-out, conflict, too early, too many.
_HTTP_TRANSIENT: Final = frozenset({408, 409, 425, 429})
#: SMTP replies that speak of our login or of the whole server, not of this message: an operator can mend that.
_SMTP_MENDABLE: Final = frozenset({530, 534, 535, 538, 554})
_HTTP_REDIRECTS: Final = range(300, 400)
_CLIENT_ERRORS: Final = range(400, 500)
_SMTP_PERMANENT: Final = range(500, 560)


class Failure(NamedTuple):
    """Why a message was not delivered. ``is_permanent``: trying again cannot help. ``detail`` holds no secret.

    ``again_after_s``: the other side wants to be left alone for so long.
    """

    is_permanent: bool
    detail: str
    again_after_s: float = 0.0


class Sender(Protocol):
    """Delivers to one address; called from one thread at a time."""

    def send(self, message: Message) -> Failure | None:
        """Deliver; None when the other side has accepted."""


class _Overheard(logging.Handler):
    """Keeps what Apprise logs while a thread delivers: it returns no more than yes or no."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._of_thread = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        lines = getattr(self._of_thread, "lines", None)
        if lines is not None:
            lines.append(record.getMessage())

    def listen(self) -> list[str]:
        """Begin to keep the lines of this thread, in the list returned."""
        self._of_thread.lines = []
        return self._of_thread.lines  # type: ignore[no-any-return]


_overheard = _Overheard()


def _silence() -> None:
    """Keep the lines of Apprise and its libraries, which show addresses and tokens, out of every log but ours."""
    for name in ("apprise", "requests", "urllib3"):
        logger = logging.getLogger(name)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
    logging.getLogger("apprise").setLevel(logging.DEBUG)
    if _overheard not in logging.getLogger("apprise").handlers:
        logging.getLogger("apprise").addHandler(_overheard)


class AppriseSender:
    """An Apprise URL. Raises `SettingsError` when Apprise does not know it."""

    def __init__(self, name: str, channel: DeliveryChannel) -> None:
        try:
            import apprise  # noqa: PLC0415 - an optional dependency, and a slow import
        except ImportError as error:
            raise SettingsError("notifications need Apprise: pip install 'customer-stream[notify]'") from error
        from stream.notifications import outbound  # noqa: PLC0415 - requests comes with Apprise

        outbound.install()
        self._heard = outbound.heard
        _silence()
        plugin = apprise.Apprise.instantiate(channel.url)
        if plugin is None:
            raise SettingsError(
                f"channel {name}: url: Apprise does not accept this URL, {_scheme_of(channel.url)}"
                f" (https://appriseit.com/services/ has all forms): {PERCENT_ENCODE}"
            )
        # a redirect would take the message, and the secrets in its headers, to wherever the other side says
        plugin.redirects = False
        if channel.rate is not None:
            # the file says how fast; Apprise's own pauses are guesses about each service
            plugin.request_rate_per_sec = 0.0
        self._plugin = plugin
        self._format = apprise.NotifyFormat(channel.format)

    def send(self, message: Message) -> Failure | None:
        lines = _overheard.listen()
        self._heard()
        try:
            delivered = self._plugin.notify(body=message.body, title=message.title, body_format=self._format)
        except Exception as error:  # noqa: BLE001 - logged, and tried again
            _LOG.exception("Apprise failed unexpectedly")
            return Failure(is_permanent=False, detail=type(error).__name__)
        if delivered:
            return None
        failure = failure_of(lines)
        again_after_s = self._heard()
        is_asked_to_wait = again_after_s is not None and not failure.is_permanent
        return failure._replace(again_after_s=again_after_s or 0.0) if is_asked_to_wait else failure


def _scheme_of(url: str) -> str:
    """The kind of address, which is all of it that may be shown."""
    scheme, found, _ = url.partition("://")
    return f"{scheme}://{MASK}" if found and _SCHEME.fullmatch(scheme) else MASK


def failure_of(lines: list[str]) -> Failure:
    """Judge a failed delivery by what Apprise logged: a refusal of this very message is permanent, all else is not.

    >>> failure_of(["Failed to send JSON POST notification: Not Found, error=404."])
    Failure(is_permanent=True, detail='HTTP status 404', again_after_s=0.0)
    >>> failure_of(["A Connection error occurred sending JSON notification to x."]).is_permanent
    False
    """
    for line in lines:
        if found := _HTTP_STATUS.search(line):
            status = int(found[1])
            if status in _HTTP_REDIRECTS:
                return Failure(is_permanent=True, detail=f"HTTP status {status}: redirects are not followed")
            return Failure(status in _CLIENT_ERRORS and status not in _HTTP_TRANSIENT, f"HTTP status {status}")
        if found := _SMTP_REPLY.search(line):
            reply = int(found[1])
            return Failure(reply in _SMTP_PERMANENT and reply not in _SMTP_MENDABLE, f"SMTP reply {reply}")
    return Failure(is_permanent=False, detail="no connection, no answer in time, or refused without a status")
