"""What an event-log file leaves unsaid, and a person may say."""

from dataclasses import dataclass
from datetime import UTC, tzinfo
from enum import StrEnum

from stream.events.parsing_times import DateOrder

__all__ = ["LineItems", "LogForm"]


class LineItems(StrEnum):
    """What several rows of one order are."""

    SUM = "sum"
    """Its items: their amounts are added up."""
    FIRST = "first"
    """The whole order, repeated: the first amount is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogForm:
    """How a log is to be read; None: told from the file, and refused with a question where that is in doubt.

    Parameters
    ----------
    timezone
        What the times of a CSV file that have no offset are local to. A time that comes twice, when clocks go back, is
        the first.
    currency
        Of the amounts in a CSV file whose row names none.
    encoding
        Of the file.
    decimal
        "." or ",", in the amounts of a CSV file.
    date_order
        Of dates such as 05/06/2024 in a CSV file.
    line_items
        What several rows of one order are.
    """

    timezone: tzinfo = UTC
    currency: str = "USD"
    encoding: str | None = None
    decimal: str | None = None
    date_order: DateOrder | None = None
    line_items: LineItems | None = None
