"""Whom no page shows any more, from the moment at which their erasure is asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Final, Protocol, TypeVar

from stream.errors import SystematicError
from stream.privacy.erasures import Erasures

__all__ = ["ErasedPeople"]

_LOG = logging.getLogger(__name__)

#: So long after a request nobody is shown, though they may have come back: stores carry it out within this time (ms).
_CARRIED_OUT_MS: Final = 3_600_000


class _OfCustomer(Protocol):
    @property
    def customer_id(self) -> str: ...


C = TypeVar("C", bound=_OfCustomer)


class ErasedPeople:
    """For one page that keeps what it was made of. Stores may still have somebody some seconds after the request."""

    def __init__(self, erasures: Erasures, now_ms: Callable[[], int]) -> None:
        self._erasures = erasures
        self._now_ms = now_ms
        self._seen = 0

    def have_changed(self) -> bool:
        """Whether a request has come since this was asked last: what is kept may hold an erased person."""
        try:
            position = self._erasures.position
        except SystematicError as error:
            _LOG.warning("pages may show erased people for an hour: %s", error)
            return False
        before, self._seen = self._seen, position
        return position != before

    def without(self, of_customers: Iterable[C]) -> tuple[C, ...]:
        """What may be shown."""
        since_ms = self._now_ms() - _CARRIED_OUT_MS
        return tuple(one for one in of_customers if not self._erasures.refuses(one.customer_id, since_ms))
