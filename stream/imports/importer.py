"""From the files that a shop system exports to events that can be published, on disk and in order."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from stream.catalogue.windows import DAY_MS
from stream.client.event_contract import Draft, EventContract
from stream.errors import ImportFileError
from stream.events.rejections import Defect
from stream.events.times import instant
from stream.imports.contacts import Contact
from stream.imports.import_fields import Piece
from stream.imports.import_ledger import Book, ImportLedger
from stream.imports.import_summary import Summary
from stream.imports.issues import Issue, Why
from stream.imports.line import Line
from stream.imports.mapping import Amounts
from stream.imports.merge import Order, merged
from stream.imports.plan import planned
from stream.imports.pseudonyms import pseudonym
from stream.imports.row_reader import RowReader
from stream.imports.rows import Broken
from stream.imports.source import ImportFile
from stream.imports.staging import StagedEvent, Staging

__all__ = ["Importer", "Newest"]

#: ``customer ids -> time of the newest event that the workers have of those they know``, ms since the epoch.
Newest = Callable[[Sequence[str]], Mapping[str, int]]

_AT_ONCE: Final = 1_000
#: If so few of a file's orders are there twice, with equal rows, then these are rows that were copied twice.
_FEW: Final = 0.05
#: In so many of the orders with several rows prices and pieces must say the same about the amounts.
_NEARLY: Final = 0.95


class _Placed(NamedTuple):
    order: Order
    customer_id: str
    known: Book | None


class Importer:
    """Reads ``sources`` into ``staging`` and works out what is to be published.

    ``contract``: what the workers take, with ``now_ms`` as the present. ``ledger``: what was imported before.
    ``newest``: asks the workers' store.
    """

    def __init__(
        self,
        sources: Sequence[ImportFile],
        staging: Staging,
        contract: EventContract,
        ledger: ImportLedger | None,
        *,
        now_ms: int,
        newest: Newest = lambda _: {},
    ) -> None:
        self._sources = sources
        self._staging = staging
        self._contract = contract
        self._ledger = ledger
        self._now_ms = now_ms
        self._newest = newest
        self._summary = Summary()

    def prepare(self, on_rows: Callable[[int], None] = lambda _: None) -> Summary:
        """Read everything, and stage the events; ``on_rows`` is told now and then how many more rows have been read.

        Raises `ImportFileError` where a question is left open.
        """
        for number, source in enumerate(self._sources):
            self._read(number, source, on_rows)
        amounts = [self._amounts(number, source) for number, source in enumerate(self._sources)]
        orders = self._placed(amounts)
        while some := [*islice(orders, _AT_ONCE)]:
            self._stage(some)
        summary = self._summary
        summary.customers = self._staging.count_buyers()
        summary.new_events = self._staging.count_events()
        summary.counts = self._staging.issue_counts()
        return summary

    def contacts(self) -> Iterator[tuple[str, Contact]]:
        """The people in the files by customer id, oldest rows first."""
        for email, customer, contact in self._staging.people():
            yield self._customer_id(email, customer), contact

    def _read(self, number: int, source: ImportFile, on_rows: Callable[[int], None]) -> None:
        reader = RowReader(number, source.table, source.mapping, source.reading)
        system = source.mapping.system
        people_only = source.mapping.content == "customers"
        for count, row in enumerate(source.table.rows(), 1):
            self._summary.rows += 1
            if count % _AT_ONCE == 0:
                on_rows(_AT_ONCE)
            if isinstance(row, Broken):
                self._staging.add_issue(Issue(number, row.line, Why.BROKEN, row.why))
                continue
            line = None if people_only else reader.line(row)
            if isinstance(line, Why):
                self._staging.add_issue(Issue(number, row.line, line))
                continue
            email, customer, contact = reader.contact(row)
            if people_only and not email and not customer:
                self._staging.add_issue(Issue(number, row.line, Why.NO_CUSTOMER, contact.name))
            self._staging.add_person(email, customer, contact)
            if line is not None:
                self._staging.add_line(_key(system, line), line)

    def _amounts(self, number: int, source: ImportFile) -> Amounts:
        """What the amounts of a file are, where neither its system nor the person who imports says."""
        stated = source.mapping.amounts
        if stated != "auto":
            return stated
        orders, several, different, equal_rows = self._staging.repeated_amounts(number)
        if not several:
            return "order"
        if different:
            return "line"
        if several == equal_rows and several <= _FEW * orders:
            return "order"
        whole, parts = self._staging.amounts_beside_prices(number)
        if max(whole, parts) > _NEARLY * several:
            return "order" if whole > parts else "line"
        raise ImportFileError(
            f"{source.name}: {several:,} of {orders:,} orders have several rows with the same amount in each"
            f" (column {source.mapping.columns[Piece.AMOUNT]!r}): say --line-items sum if an amount is a part of the"
            " order, --line-items first if it is the whole order, listed again with each new state"
        )

    def _placed(self, amounts: Sequence[Amounts]) -> Iterator[_Placed]:
        for key, lines in self._staging.orders():
            issues: list[Issue] = []
            order = merged(key, lines, amounts, issues)
            self._say(issues)
            if order is not None:
                known = self._ledger.find(key) if self._ledger else None
                yield _Placed(
                    order, known.customer_id if known else self._customer_id(order.email, order.customer), known
                )

    def _customer_id(self, email: str, customer: str) -> str:
        """By e-mail address, also if only other rows or earlier imports give it for the number; else by number."""
        imported = self._ledger.customer_of(customer) if self._ledger and customer else ""
        return imported or pseudonym(email or (self._staging.email_of(customer) if customer else ""), customer)

    def _stage(self, placed: Sequence[_Placed]) -> None:
        ids = [*dict.fromkeys(customer_id for _, customer_id, _ in placed)]
        newest = dict(self._ledger.newest(ids)) if self._ledger else {}
        for customer_id, at_ms in self._newest(ids).items():
            newest[customer_id] = max(at_ms, newest.get(customer_id, at_ms))
        events: list[StagedEvent] = []
        by_key = {order.key: order for order, _, _ in placed}
        for order, customer_id, known in placed:
            issues: list[Issue] = []
            events += planned(order, customer_id, known, newest.get(customer_id), issues)
            self._say(issues)
            if Why.TOO_OLD in {issue.why for issue in issues}:
                del by_key[order.key]
        refused = self._refused(events, by_key)
        self._staging.add_events(event for event in events if event.order_key not in refused)
        new = {event.order_key for event in events} - refused
        for order, customer_id, known in placed:
            if order.key in by_key:
                self._count(order, customer_id, is_new=known is None and order.key in new)

    def _refused(self, events: Sequence[StagedEvent], by_key: dict[str, Order]) -> set[str]:
        """Orders with an event that breaks the contract; they are taken out of ``by_key``."""
        admitted = self._contract.admit([Draft(event.value, event.event_type) for event in events], self._now_ms)
        refused: set[str] = set()
        for rejection in admitted.rejections:
            key = events[rejection.record].order_key
            if key not in refused:
                order = by_key.pop(key)
                why, detail = Why.BREAKS_CONTRACT, f"{rejection.reason}: {rejection.detail}"
                if rejection.reason == Defect.TIMESTAMP_OUT_OF_RANGE:
                    why, detail = Why.WRONG_DATE, instant(events[rejection.record].at_ms).date().isoformat()
                named = f"order {order.order_id}: {detail}" if order.order_id else detail
                self._say([Issue(order.table, order.line, why, named)])
            refused.add(key)
        return refused

    def _count(self, order: Order, customer_id: str, *, is_new: bool) -> None:
        self._summary.add(order)
        self._summary.new_orders += is_new and order.has_sale
        if order.has_sale and not order.cancelled:
            self._staging.add_order_day(customer_id, order.at_ms // DAY_MS)

    def _say(self, issues: Iterable[Issue]) -> None:
        for issue in issues:
            self._staging.add_issue(issue)


def _key(system: str, line: Line) -> str:
    """What makes rows one order: its number, or without one the row itself."""
    return f"{system}\x1f{line.order_id}" if line.order_id else f"{system}\x1frow-{line.digest:016x}"
