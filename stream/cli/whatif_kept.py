"""What ``stream whatif`` has found out about a log, kept for the next comparison in the user's cache."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Final

import stream
from stream.alerts.alert_records import Alert
from stream.cli.saying import say
from stream.errors import SnapshotError
from stream.events.log_event import LogEvent
from stream.kernel_cache import directory_of
from stream.reporting.writing import Writing
from stream.settings import Settings
from stream.whatif.kept_alerts import dump_alerts, load_alerts
from stream.whatif.policy_replay import alerts_under
from stream.whatif.recorded_models import Recording, record_models

__all__ = ["KnownLog"]

#: Settings that decide what is learned from a log, and how, and who is alerted.
_LEARNING: Final = frozenset({"Labels", "Alerts", "Events", "Time"})
#: What is kept, the newest: recordings of logs, and alerts of policies.
_KEPT: Final = {".models": 8, ".alerts": 32}


class KnownLog:
    """``events``, in time order, and what they teach under ``settings``: recorded before, or now, and then kept.

    ``writing``: how sentences of alerts name money.
    """

    def __init__(self, events: Sequence[LogEvent], settings: Settings, now_ms: int, writing: Writing) -> None:
        self._events = events
        self._now_ms = now_ms
        self._writing = writing
        self._key = _hash(_program_and(settings), _content(events))
        self._recording = self._recorded(settings)

    def alerts(self, settings: Settings) -> list[Alert]:
        """The alerts of a policy: see `alerts_under`."""
        written = f"{self._writing.locale} {self._writing.currency}".encode()
        kept = self._place(f"{self._key}-{_hash(_program_and(settings), [written])}", ".alerts")
        try:
            return load_alerts(kept.read_bytes(), self._events)
        except OSError:
            pass  # this policy is new
        except SnapshotError as error:
            say(f"{kept}: {error}; replaying again")
        found = alerts_under(self._recording, self._events, settings, self._now_ms, self._writing.money)
        _keep(kept, dump_alerts(found, self._events))
        return found

    def _recorded(self, settings: Settings) -> Recording:
        kept = self._place(self._key, ".models")
        try:
            return Recording.load(kept.read_bytes())
        except OSError:
            say(f"learning from {len(self._events):,} events, once for this log and these settings")
        except SnapshotError as error:
            say(f"{kept}: {error}; learning again")
        recording = record_models(self._events, settings, self._now_ms)
        _keep(kept, recording.dump())
        return recording

    def _place(self, name: str, suffix: str) -> Path:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return cache / "customer-stream" / "whatif" / f"{name}{suffix}"


def _keep(path: Path, content: bytes) -> None:
    with contextlib.suppress(OSError):  # it is found out again where nothing can be kept
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_bytes(content)
        partial.rename(path)
        kept = sorted(path.parent.glob(f"*{path.suffix}"), key=lambda one: one.stat().st_mtime)
        for old in kept[: -_KEPT[path.suffix]]:
            old.unlink(missing_ok=True)


def _program_and(settings: Settings) -> Iterator[bytes]:
    """All that decides what is learned and who is alerted, but for the events."""
    yield directory_of(Path(stream.__file__).parent).name.encode()
    for declaration in fields(settings):
        if declaration.metadata["group"] in _LEARNING:
            yield f"{declaration.name}={getattr(settings, declaration.name)!r}\n".encode()


def _content(events: Sequence[LogEvent]) -> Iterator[bytes]:
    for event in events:
        yield f"{event.event_type}\0{event.customer_id}\0{event.at_ms}\0{len(event.value)}\n".encode()
        yield event.value


def _hash(*parts: Iterable[bytes]) -> str:
    state = hashlib.sha256()
    for part in parts:
        for piece in part:
            state.update(piece)
    return state.hexdigest()[:32]
