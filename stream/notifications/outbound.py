"""HTTP as the notifier speaks it: answers are bounded, and a wish to be asked later is heard.

Apprise uses ``requests`` and tells no more of an answer than that it was none of the good ones. Its sessions are given
an adapter of ours, which reads at most so much of an answer, for at most so long, and keeps what the answer said of
when to try again, for the thread that delivers.
"""

import threading
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import requests
import requests.adapters
import requests.sessions
from urllib3.exceptions import HTTPError

__all__ = ["MAX_RETRY_AFTER_S", "BoundedAdapter", "heard", "install", "retry_after_s"]

_MAX_ANSWER_BYTES: Final = 1024 * 1024
_MAX_ANSWER_S: Final = 30.0
_CHUNK_BYTES: Final = 16_384
#: The longest pause (s) that an answer can ask for: a day.
MAX_RETRY_AFTER_S: Final = 86_400.0

_said = threading.local()


def heard() -> float | None:
    """After how many seconds the last answer to this thread wants to be asked again; forgets it."""
    found: float | None = getattr(_said, "retry_after_s", None)
    _said.retry_after_s = None
    return found


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """What ``Retry-After`` says, as seconds or as a date of HTTP; None for nothing that can be read.

    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> retry_after_s("120", noon), retry_after_s("Thu, 01 Jan 2026 12:00:30 GMT", noon), retry_after_s("soon", noon)
    (120.0, 30.0, None)
    """
    text = (header or "").strip()
    if text.isascii() and text.isdecimal() and len(text) <= 9:  # noqa: PLR2004 - years
        seconds = float(text)
    else:
        try:
            at = parsedate_to_datetime(text)
        except (TypeError, ValueError, IndexError, OverflowError):
            return None
        seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now.timestamp()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


class BoundedAdapter(requests.adapters.HTTPAdapter):
    """Reads at most a part of an answer; nothing of one that dribbles in for too long."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        if args:  # stream is the first of them
            args = (True, *args[1:])
        else:
            options["stream"] = True
        response = super().send(request, *args, **options)
        _said.retry_after_s = retry_after_s(response.headers.get("Retry-After"), datetime.now(UTC))
        deadline_s = time.monotonic() + _MAX_ANSWER_S
        content = bytearray()
        try:
            while len(content) < _MAX_ANSWER_BYTES and time.monotonic() < deadline_s:
                chunk = response.raw.read1(_CHUNK_BYTES, decode_content=True)
                if not chunk:
                    break
                content += chunk
        except (HTTPError, OSError) as error:
            # the callers know the errors of requests only
            raise requests.ConnectionError(f"the answer cannot be read: {type(error).__name__}") from error
        finally:
            response.raw.close()
        # the status is known, so the rest of the answer is not read
        response._content = bytes(content)  # noqa: SLF001 - as requests itself keeps it
        response._content_consumed = True  # noqa: SLF001
        return response


def install() -> None:
    """Let every session of ``requests`` in this process use `BoundedAdapter`."""
    requests.sessions.HTTPAdapter = BoundedAdapter  # type: ignore[attr-defined]
