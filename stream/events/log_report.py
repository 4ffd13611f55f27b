"""What became of the lines of an event log: read, rejected and why, and what was decided about the others."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from stream.errors import EventLogError
from stream.events.rejections import printable

__all__ = ["MALFORMED_ROW", "FirstRejected", "LogReport"]

#: A row of a CSV file that has no cell for each column, or broken quotes. Other reasons: `stream.events.rejections`.
MALFORMED_ROW: Final = "malformed_row"


class FirstRejected(NamedTuple):
    """The first line, from 1, that was rejected for a reason, and what was wrong with it."""

    line: int
    detail: str


@dataclass(slots=True)
class LogReport:
    """Filled while a log is read.

    Parameters
    ----------
    source
        How the log is called in messages.
    strict
        The first rejection is an `EventLogError`; else rejections are counted, and what is good is read on.
    place
        What ``line`` counts: lines of a file, or elements of a JSON array.
    """

    source: str
    strict: bool = False
    place: str = "line"
    read: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, FirstRejected] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    currencies: Counter[str] = field(default_factory=Counter)

    @property
    def rejected(self) -> int:
        """Events that are not used."""
        return self.counts.total()

    @property
    def share(self) -> float:
        """The share of events that are not used, 0 to 1."""
        return self.rejected / max(self.read, 1)

    def reject(self, reason: str, line: int, detail: str) -> None:
        """Count an event that is not used. Raises EventLogError if the report is strict."""
        detail = printable(detail)
        if self.strict:
            raise EventLogError(f"{self.source}, {self.place} {line}: {detail}")
        self.counts[reason] += 1
        known = self.first.get(reason)
        if known is None or line < known.line:
            self.first[reason] = FirstRejected(line, detail)

    def note(self, text: str) -> None:
        """Keep what was decided about the file, for people."""
        self.notes.append(text)

    def sentences(self) -> list[str]:
        """One for each reason, the most frequent first: how many events, and the first of them."""
        return [
            f"{count:,} rejected as {reason}, first {self.place} {first.line:,}: {first.detail}"
            for reason, count in self.counts.most_common()
            for first in [self.first[reason]]
        ]
