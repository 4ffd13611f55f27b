"""Measuring what Redis is asked for: one line at each method that talks to it."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from stream import metrics
from stream.errors import FencedError, StorageError

__all__ = ["measured"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


def measured(
    operation: str,
) -> Callable[[Callable[_P, Coroutine[Any, Any, _T]]], Callable[_P, Coroutine[Any, Any, _T]]]:
    """Decorate a coroutine method that is ``operation``: its time, its failures, and whether Redis answers.

    A `FencedError` is an answer: Redis is there, and says no.
    """
    duration, failures = metrics.REDIS.labels(operation), metrics.REDIS_ERRORS.labels(operation)

    def decorate(method: Callable[_P, Coroutine[Any, Any, _T]]) -> Callable[_P, Coroutine[Any, Any, _T]]:
        @functools.wraps(method)
        async def asked(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            began = time.perf_counter()
            try:
                answer = await method(*args, **kwargs)
            except FencedError:
                metrics.REDIS_UP.set(1)
                raise
            except StorageError:
                metrics.REDIS_UP.set(0)
                failures.inc()
                raise
            else:
                metrics.REDIS_UP.set(1)
                return answer
            finally:
                duration.observe(time.perf_counter() - began)

        return asked

    return decorate
