"""What ``stream whatif`` has found out about a log, kept for the next comparison in the user's cache."""

from __future__ import annotations

import hashlib
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Final

import msgspec

import stream
from stream.alerts.alert_records import Alert
from stream.catalogue.extension import sources
from stream.catalogue.wording import number_of
from stream.cli.kept_files import keep, place_of_kept
from stream.cli.saying import say
from stream.cli.whatif_progress import Stage
from stream.errors import SnapshotError
from stream.events.log_event import LogEvent
from stream.kernel_cache import digest_of
from stream.reporting.writing import Writing
from stream.settings import Settings
from stream.whatif.log_seal import LogSeal
from stream.whatif.policy_replay import alerts_under
from stream.whatif.recorded_models import Recording
from stream.whatif.trial_progress import LEARNING, TRYING

__all__ = ["KnownLog", "digest_of_program"]

#: Settings that decide what is learned from a log, and how, and who is alerted.
_LEARNING: Final = frozenset({"Labels", "Alerts", "Events", "Time"})
#: Packages whose releases may learn, decide or write otherwise.
_PACKAGES: Final = ("babel", "llvmlite", "msgspec", "numba", "numpy", "river", "scipy", "xxhash")
_LEVEL: Final = 1
#: What learning takes, by the 50 s of CPU for the year's log of docs/whatif.md; a bar tells better, once it has begun.
_S_PER_EVENT: Final = 0.0025
_alerts: Final = msgspec.msgpack.Decoder(list[Alert])


class KnownLog:
    """``events``, in time order, and what they teach under ``settings``: recorded before, or now, and then kept.

    ``writing``: how sentences of alerts name money; ``stage``: shows how far it is. What is kept is sealed under the
    content of the log.
    """

    def __init__(
        self, events: Sequence[LogEvent], settings: Settings, now_ms: int, writing: Writing, stage: Stage
    ) -> None:
        self._events = events
        self._stage = stage
        self._now_ms = now_ms
        self._writing = writing
        self._program = digest_of_program(Path(stream.__file__).parent, sources())
        self._seal = LogSeal((self._program, *_rules(settings), *_content(events)))
        self._recording = self._recorded(settings)

    def alerts(self, settings: Settings) -> list[Alert]:
        """The alerts of a policy: see `alerts_under`."""
        written = f"{self._writing.locale} {self._writing.currency}".encode()
        policy = hashlib.sha256(b"".join((*_rules(settings), written))).hexdigest()[:32]
        kept = place_of_kept(f"{self._seal.name}-{policy}.alerts")
        try:
            return _alerts.decode(zlib.decompress(self._seal.open(kept.read_bytes())))
        except OSError:
            pass  # this policy is new
        except SnapshotError as error:
            say(f"{kept}: {error}; replaying again")
        with self._stage(TRYING, len(self._events)) as advance:
            found = alerts_under(self._recording, self._events, settings, self._now_ms, self._writing.money, advance)
        keep(kept, self._seal.seal(zlib.compress(msgspec.msgpack.encode(found), _LEVEL)))
        return found

    def _recorded(self, settings: Settings) -> Recording:
        kept = place_of_kept(f"{self._seal.name}.models")
        try:
            return Recording.load(self._seal.open(kept.read_bytes()))
        except OSError:
            about = number_of(round(len(self._events) * _S_PER_EVENT / 60) or 1, "minute", "minutes")
            say(f"learning from {len(self._events):,} events, once for this log and these settings: about {about}")
        except SnapshotError as error:
            say(f"{kept}: {error}; learning again")
        from stream.whatif.recording import record_models

        with self._stage(LEARNING, len(self._events)) as advance:
            recording = record_models(self._events, settings, self._now_ms, advance)
        keep(kept, self._seal.seal(recording.dump()))
        return recording


def digest_of_program(package: Path, more: Sequence[Path]) -> bytes:
    """Of every source of ``package``, of the files ``more``, and of the libraries that decide.

    All sources: which of them decide changes with the program, and reading them takes some 20 ms.
    """
    return digest_of(package, ("**/*.py",), more, interpreter=sys.version, libraries=_PACKAGES)


def _rules(settings: Settings) -> Iterator[bytes]:
    for declaration in fields(settings):
        if declaration.metadata["group"] in _LEARNING:
            yield f"{declaration.name}={getattr(settings, declaration.name)!r}\n".encode()


def _content(events: Sequence[LogEvent]) -> Iterator[bytes]:
    for event in events:
        yield f"{event.event_type}\0{event.customer_id}\0{event.at_ms}\0{len(event.value)}\n".encode()
        yield event.value
