"""The steps of an import, and what is said about them."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime, tzinfo
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
from rich.text import Text

from stream.catalogue.wording import number_of
from stream.cli.console import console_for_people
from stream.cli.data_files import contacts_file, data_directory, has_room
from stream.cli.import_bar import Bar
from stream.cli.import_target import newest_events, open_ledger
from stream.cli.import_view import print_issues, print_mapping, print_sources, print_summary
from stream.cli.kafka import silent
from stream.cli.rescore import wait_for_answers
from stream.cli.settle import wait_until_settled, waiting
from stream.client.event_contract import EventContract
from stream.client.producer import Producer
from stream.clock import SystemClock
from stream.errors import ImportFileError, PublishError, StorageError, StreamError
from stream.features.registry import DAY_MS
from stream.imports.import_ledger import ImportLedger
from stream.imports.import_summary import Summary
from stream.imports.importer import Importer
from stream.imports.mapping import Mapping
from stream.imports.mapping_file import write_mapping
from stream.imports.publish_staged import publish
from stream.imports.report_file import write_report
from stream.imports.source import ImportFile, Options, open_source
from stream.imports.staging import Staging
from stream.imports.table import Table, open_table
from stream.online_models.horizon import Seed
from stream.online_models.rhythm_history import rhythm_of_orders
from stream.settings import Settings
from stream.storage.horizon_desk import seed_rhythm
from stream.storage.overview import Overview
from stream.storage.rescore_desk import RescoreDesk

__all__ = ["ImportRun"]

#: Nothing has moved for so long: no worker is there.
_PATIENCE_S: Final = 60.0
#: The rhythm of a shop is that of so many of its customers.
_RHYTHM_CUSTOMERS: Final = 20_000


def _full(folder: Path) -> str:
    """What to do first where the servers of this machine stand still for want of room; empty where there is room."""
    return "" if has_room(folder) else f"The disk of {folder} is full. Make room; then"


class ImportRun:
    """One run of the command.

    ``report``: where rows that are not used are listed. ``max_rejected``: in per cent of the rows. ``wait``: until the
    workers have processed what was published.
    """

    def __init__(self, options: Options, *, report: Path | None, max_rejected: float, wait: bool) -> None:
        self._options = options
        self._wait = wait
        self._report = report
        self._max_rejected = max_rejected
        self._console = console_for_people()
        self._seed: Seed | None = None

    def look_at(self, files: Sequence[Path]) -> list[ImportFile]:
        """Open the files, and show what was found. Raises `ImportFileError` where a question is left open."""
        self._propose(files[0])
        sources = [open_source(path, self._options, self._show) for path in files]
        print_sources(self._console, sources)
        return sources

    def dry(self, settings: Settings, sources: Sequence[ImportFile]) -> int:
        """Read everything and show what would be imported into an empty shop; returns the exit status."""
        with Staging() as staging:
            summary = self._prepare(settings, sources, staging, None)
            self._check_currencies(settings, summary)
            status = self._tell(summary, sources, staging, self._report)
        events = number_of(summary.new_events, "event", "events")
        self._say(f"\nNothing was imported, because of --dry-run. Without it an empty shop would get {events}.")
        return status

    def publish(self, settings: Settings, sources: Sequence[ImportFile]) -> int:
        """Import; returns the exit status."""
        folder = data_directory(settings).path
        with ExitStack() as opened:
            staging = opened.enter_context(Staging())
            ledger = opened.enter_context(open_ledger(settings, folder, self._say))
            is_behind = self._wait and self._is_behind(settings)
            importer = self._importer(settings, sources, staging, ledger)
            summary = self._read(importer, sources)
            self._check_currencies(settings, summary)
            default = folder / "imports" / f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-not-used.csv"
            status = self._tell(summary, sources, staging, self._report or default)
            with contacts_file(settings) as contacts:
                contacts.add(importer.contacts())
            if summary.new_events:
                self._send(settings, staging, ledger, summary)
            else:
                self._say("\nThere is nothing new to import.")
        if self._wait and (summary.new_events or is_behind) and self._wait_for_workers(settings, folder):
            return 1
        if summary.orders:
            self._tell_days(settings, sources[0].reading.zone)
            if summary.new_events and not self._wait:
                self._say("\nLists have these orders as soon as workers have processed them: stream up")
            else:
                self._say("\nWhom to contact today: stream today")
        return status

    def _is_behind(self, settings: Settings) -> bool:
        """Whether events of an import that was stopped still wait, which is said."""
        try:
            count = waiting(settings)
        except StreamError as error:
            self._say(f"Whether all events have been processed cannot be asked: {error}")
            return False
        if count:
            self._say(f"{number_of(count, 'event', 'events')} of an earlier import wait to be processed.")
        return count > 0

    def _tell_days(self, settings: Settings, zone: tzinfo) -> None:
        """Else the owner finds orders in the list a day earlier than in the export."""
        name = getattr(zone, "key", "UTC")
        if name != settings.shop_timezone:
            self._say(
                f"\nLists count days by the clock of {settings.shop_timezone}. For those of this import set"
                f" STREAM_SHOP_TIMEZONE={name}"
            )

    def _propose(self, path: Path) -> None:
        """Write a mapping for ``path`` if one is asked for that does not exist yet; that ends the run."""
        wanted = self._options.mapping_file
        if wanted is None or wanted.exists():
            return
        without = Options(
            system=self._options.system,
            encoding=self._options.encoding,
            delimiter=self._options.delimiter,
            sheet=self._options.sheet,
        )
        why = ""
        found: list[tuple[Table, Mapping]] = []
        try:
            open_source(path, without, lambda table, mapping: found.append((table, mapping)))
        except ImportFileError as error:
            why = f" ({error})"
        if found:
            table, mapping = found[0]
        else:
            table = open_table(path, encoding=without.encoding, delimiter=without.delimiter, sheet=without.sheet)
            mapping = Mapping()
        write_mapping(wanted, mapping, table.header)
        raise ImportFileError(f"{wanted} now says what the columns of {path} are{why}. Look at it, then run this again")

    def _show(self, table: Table, mapping: Mapping) -> None:
        if mapping.system == "generic":
            given = self._options.mapping_file
            if given is not None:
                self._say(f"\n{table.source}: by {given} its columns are")
                print_mapping(self._console, mapping, table.header)
                return
            self._say(f"\n{table.source}: no export of a system that is known here. Its columns are taken as")
            print_mapping(self._console, mapping, table.header)
            self._say(f"If that is wrong: stream import {table.source} --mapping shop.toml, and change that file.\n")

    def _importer(
        self, settings: Settings, sources: Sequence[ImportFile], staging: Staging, ledger: ImportLedger | None
    ) -> Importer:
        return Importer(
            sources,
            staging,
            EventContract(settings),
            ledger,
            now_ms=SystemClock().now_ms(),
            newest=newest_events(settings, self._say) if ledger is not None else lambda _: {},
        )

    def _prepare(
        self, settings: Settings, sources: Sequence[ImportFile], staging: Staging, ledger: ImportLedger | None
    ) -> Summary:
        return self._read(self._importer(settings, sources, staging, ledger), sources)

    def _read(self, importer: Importer, sources: Sequence[ImportFile]) -> Summary:
        with Bar("reading", sum(source.reading.rows for source in sources)) as advance:
            return importer.prepare(advance)

    @staticmethod
    def _check_currencies(settings: Settings, summary: Summary) -> None:
        """Raise `ImportFileError` if amounts of several currencies would be added up as if they were one."""
        found = summary.orders_by_currency
        if len(found) > 1 and not settings.rates:
            shown = ", ".join(f"{code} ({number_of(count, 'order', 'orders')})" for code, count in found.most_common())
            base = found.most_common(1)[0][0]
            example = ",".join([f"{base}=1", *(f"{code}=..." for code in found if code != base)])
            raise ImportFileError(
                f"there are amounts in {shown}: say what they are worth, for this command and for the workers, as"
                f" STREAM_CURRENCY_RATES={example}"
            )

    def _tell(self, summary: Summary, sources: Sequence[ImportFile], staging: Staging, report: Path | None) -> int:
        print_summary(self._console, summary, sources[0].reading.zone)
        self._seed = self._tell_rhythm(staging, summary)
        print_issues(self._console, summary, sources)
        if summary.counts and report is not None:
            report.parent.mkdir(parents=True, exist_ok=True)
            write_report(report, staging.issues(), [source.name for source in sources])
            self._say(f"\nEach of these rows is listed in {report}")
        if 100 * summary.refused_share > self._max_rejected:
            others = " The others are used all the same." if summary.orders else ""
            self._say(
                f"\n{summary.refused_share:.0%} of the rows were refused, more than --max-rejected"
                f" {self._max_rejected:g}: look at the reasons above.{others}"
            )
            return 1
        return 0

    def _tell_rhythm(self, staging: Staging, summary: Summary) -> Seed | None:
        """Say how often the customers order; what models begin with, None while too little is known."""
        if summary.last_ms is None:
            return None
        days = np.fromiter(chain.from_iterable(staging.order_days(_RHYTHM_CUSTOMERS)), np.int64).reshape(-1, 2)
        rhythm = rhythm_of_orders(days[:, 0], days[:, 1] * DAY_MS, summary.last_ms)
        sentence = rhythm.sentence()
        self._say(f"{sentence[0].upper()}{sentence[1:]}.")
        if not rhythm.known:
            return None
        return Seed(schedule=rhythm.schedule, shop_gap_days=rhythm.shop_gap_days, until_ms=summary.last_ms)

    def _begin_with_rhythm(self, settings: Settings) -> None:
        """Let models that have learned nothing yet begin with the horizon and the usual gap of the history."""
        if self._seed is None:
            return
        try:
            seed_rhythm(settings, self._seed, SystemClock().now_ms())
        except StorageError as error:
            self._say(f"The models will find out by themselves how often customers order: {error}")

    def _send(self, settings: Settings, staging: Staging, ledger: ImportLedger, summary: Summary) -> None:
        self._begin_with_rhythm(settings)
        began = time.monotonic()
        try:
            with (
                Producer(settings, logger=silent) as producer,
                Bar("publishing", summary.new_events) as advance,
            ):
                published = publish(staging.events(), producer, ledger, advance)
        except PublishError as error:
            what = f"{error}".partition("; ids: ")[0]
            todo = _full(data_directory(settings).path) or "See that Kafka, or `stream up`, runs; then"
            raise PublishError(
                f"not everything was imported: {what}. {todo} run the same import again, which counts nothing twice"
            ) from error
        self._say(
            f"\nImported {number_of(summary.new_orders, 'new order', 'new orders')}:"
            f" {number_of(published, 'event', 'events')} published in {time.monotonic() - began:.1f} s."
        )

    def _wait_for_workers(self, settings: Settings, folder: Path) -> bool:
        """Whether the workers did not get through, which is said; ``folder``: where servers of this machine write."""
        with Bar("processing", None) as bar:
            try:
                wait_until_settled(settings, bar.show, patience_s=_PATIENCE_S)
            except StreamError as error:
                self._say(f"The events are kept, and wait to be processed: {error}")
                self._say(f"{_full(folder)} `stream up` processes what waits.".lstrip())
                return True
        self._say("The workers have processed everything.")
        if settings.rescore == "auto":
            self._wait_for_risks(settings)
        return False

    def _wait_for_risks(self, settings: Settings) -> None:
        """Have everybody scored now, if a model has learned enough: workers that end with this command would not."""
        try:
            with Overview(settings) as overview:
                if overview.totals().counters.labels < max(settings.min_labels, 1):
                    return
            with RescoreDesk(settings) as desk:
                answers = wait_for_answers(desk, desk.ask(), _PATIENCE_S)
        except StorageError as error:
            self._say(f"Not all customers have a risk yet: {error}")
        else:
            self._say(f"{number_of(sum(answer.customers for answer in answers), 'customer', 'customers')} scored.")

    def _say(self, text: str) -> None:
        self._console.print(Text(text))
