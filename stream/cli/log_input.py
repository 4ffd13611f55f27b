"""The events of a log file for a command: checked, in time order, and with an account of what is not used."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import click

from stream.cli.log_options import LogOptions
from stream.cli.saying import say
from stream.clock import SystemClock
from stream.errors import EventLogError
from stream.events.decode import Decoder
from stream.events.log import checked, read_log
from stream.events.log_event import LINE_HEADER, LogEvent
from stream.events.log_report import LogReport
from stream.events.log_source import STDIN
from stream.events.time_order import in_time_order
from stream.identity.sealed_logs import sealed
from stream.identity.sealing import Sealer
from stream.settings import Settings

__all__ = ["LogInput"]

_PERCENT: Final = 100


class LogInput:
    """Reads a log by the options of a command and the contract of ``settings``; `report` fills meanwhile."""

    def __init__(self, path: str | Path, options: LogOptions, settings: Settings) -> None:
        self.report = LogReport("standard input" if str(path) == STDIN else str(path))
        self._path = path
        self._options = options
        self._settings = settings

    def events(self, *, sort: bool = True, limited: bool = True) -> Iterator[LogEvent]:
        """The events that workers would accept now, in time order unless not ``sort``, as many as were asked for.

        When sorted, all are read before the first is given. Raises EventLogError for what `read_log` does.
        """
        found = checked(
            sealed(read_log(self._path, self._options.form, self.report), Sealer.of(self._settings), self.report),
            Decoder.of(self._settings, in_clear=True),
            SystemClock().now_ms(),
            self.report,
        )
        if sort:
            found = in_time_order(found)
        return islice(found, self._options.limit if limited else None)

    def all_events(self, *, limited: bool = True) -> Sequence[LogEvent]:
        """`events` as a list. Raises EventLogError if there are none."""
        events = list(self.events(limited=limited))
        if not events:
            raise self.nothing()
        return events

    def nothing(self) -> EventLogError:
        """The error of a log of which nothing can be used."""
        report = self.report
        if not report.rejected:
            return EventLogError(f"{report.source}: has no events")
        reasons = "\n".join(report.sentences())
        return EventLogError(f"{report.source}: none of {report.read:,} events can be used:\n{reasons}")

    def take_dead_letter(self, with_headers: Sequence[tuple[str, bytes | None]]) -> None:
        """Count a dead letter that a replay of this log has given: the kernel knows what comes too late."""
        headers = {name: (text or b"").decode() for name, text in with_headers}
        self.report.reject(headers["dlq.reason"], int(headers.get(LINE_HEADER, "0")), headers["dlq.detail"])

    def tell(self) -> bool:
        """Say on standard error what was decided and what was rejected; return whether it was too much."""
        report = self.report
        for note in [*report.notes, *self._currencies()]:
            say(f"{report.source}: {note}")
        if not report.rejected:
            return False
        say(f"{report.source}: {report.rejected:,} of {report.read:,} events are not used:")
        for sentence in report.sentences():
            click.echo(f"  {sentence}", err=True)
        too_many = report.share * _PERCENT > self._options.max_rejected
        if too_many:
            share = f"{report.share * _PERCENT:.3g} %"
            say(f"{share} is more than --max-rejected {self._options.max_rejected:g}")
        return too_many

    def _currencies(self) -> Iterator[str]:
        found = self.report.currencies
        if len(found) > 1 and not self._settings.rates:
            counts = ", ".join(f"{code} {count:,}" for code, count in found.most_common())
            yield f"amounts are in {counts} and count at par: set currency_rates"
