"""The horizon of commands that read an event log: the shop's, unless a setting fixes it."""

from __future__ import annotations

from collections.abc import Sequence

from stream.cli.saying import say
from stream.events.log_event import LogEvent
from stream.settings import Settings

__all__ = ["fit_to_log"]


def fit_to_log(settings: Settings, events: Sequence[LogEvent], now_ms: int) -> Settings:
    """The settings with the horizon of the log, which is said in one sentence."""
    if settings.horizon_days > 0.0:
        return settings
    from stream.events.decode import Decoder
    from stream.processing.log_rhythm import rhythm_of_log, with_horizon_of

    rhythm = rhythm_of_log(events, Decoder.of(settings, in_clear=True), now_ms)
    say(f"{rhythm.sentence()} (horizon_days fixes it)")
    return with_horizon_of(settings, rhythm)
