"""Telling where an error arose without what it says, which may be the data that caused it."""

from __future__ import annotations

from types import TracebackType

__all__ = ["WithheldError", "without_text"]


class WithheldError(Exception):
    """Stands in a log for an error whose text belongs into a dead letter only."""


def without_text(error: BaseException) -> tuple[type[BaseException], BaseException, TracebackType | None]:
    """What ``exc_info=`` takes: kind and traceback of ``error``, neither its text nor what led to it."""
    stand_in = WithheldError(f"{type(error).__name__}; its text may hold data of a customer and is left out")
    return WithheldError, stand_in, error.__traceback__
