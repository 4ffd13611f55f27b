"""Whether a server of this machine answers."""

import urllib.error
import urllib.request
from http import HTTPStatus

__all__ = ["answers"]


def answers(url: str) -> bool:
    """Whether it does, and says that all is well."""
    try:
        with urllib.request.urlopen(url, timeout=1.0) as answer:  # noqa: S310 - the address is ours
            return answer.status in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}
    except (urllib.error.URLError, OSError):
        return False
