"""The day of a list or a report: how "today" is chosen, and what is read for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

import msgspec

from stream.cli.data_files import contacts_file
from stream.cli.leads_desk import leads_of
from stream.cli.shop_writing import writing_of
from stream.cli.unprocessed import unprocessed, waits
from stream.clock import Clock, SystemClock
from stream.errors import NoEventsError, SettingsError
from stream.events.times import epoch_ms, rfc3339
from stream.features.registry import DAY_MS
from stream.leads.lead_contacts import week_of
from stream.notifications.actions import latest_actions
from stream.online_models.snapshot import decode_snapshot
from stream.processing.rules import rules_of
from stream.processing.scorer import Scorer
from stream.projections.complaints import Cases, Complaints
from stream.projections.flows import StageFlows, came_into, day_key
from stream.projections.leads import Leads
from stream.reporting.assess import Basis
from stream.reporting.entries import Entry, Today, complaints_of, entries_of, named
from stream.reporting.first_orders import LeadList, list_leads
from stream.reporting.summary import LIVE_DAYS, day_note
from stream.reporting.today import list_today
from stream.reporting.words import ENGLISH, Words
from stream.reporting.writing import Writing
from stream.settings import Settings
from stream.storage.consent_desk import ConsentDesk
from stream.storage.notification_store import StoredCustomer
from stream.storage.overview import Overview
from stream.storage.person_ids import PersonNotifications, customers_of
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["LIVE_DAYS", "ShopDay", "basis_of", "now_of", "shop_day"]

#: Days over which changes of stage are counted.
_FLOW_DAYS: Final = 7
#: Leads that are looked at for those who are worth a word.
_LEADS: Final = 5

_cases = msgspec.json.Decoder(Cases)


@dataclass(frozen=True, slots=True)
class ShopDay:
    """One day of a shop; `shop_day` opens it. ``unprocessed``: events that wait while no worker is there."""

    settings: Settings
    overview: Overview
    basis: Basis
    writing: Writing
    wall_ms: int
    unprocessed: int = 0

    def today(self, limit: int) -> Today:
        """The list, with what is known of its customers beside the stream: names, what people did, who is held out."""
        yesterday = self.writing.day_of(self.basis.now_ms) - timedelta(days=1)
        with ConsentDesk(self.settings) as consents:
            consented = consents.everybody(self.wall_ms)
        since_ms = self.writing.midnight_ms(yesterday)
        found = list_today(self.overview.documents(), self.basis, since_ms=since_ms, limit=limit, consented=consented)
        with PersonNotifications(self.settings) as notifications:
            known = notifications.known([entry.customer_id for entry in found.entries])
        noted = zip(found.entries, known, strict=True)
        found = msgspec.structs.replace(found, entries=tuple(self._with_notes(entry, of_it) for entry, of_it in noted))
        with ProjectionDesk(self.settings) as desk:
            # a state that is read twice is of one id
            cases = {of.customer_id: of for of in map(_cases.decode, desk.states(Complaints.name, Complaints.version))}
            complaints = complaints_of(cases.values(), customers_of(desk, [*cases]))
            found = msgspec.structs.replace(found, complaints=complaints, came_into=self._came_into(desk))
        if (leads := self.leads(_LEADS)) is not None:
            found = msgspec.structs.replace(found, leads=leads.promising, leads_in_weeks=leads.horizon_weeks)
        with contacts_file(self.settings) as contacts:
            complaining = {one.customer_id for one in found.complaints}
            people = contacts.names(complaining | {entry.customer_id for entry in entries_of(found)})
        return named(found, people)

    def _came_into(self, desk: ProjectionDesk) -> dict[str, int] | None:
        """Who came into each stage in the last seven days; None where the projection that counts them has not run."""
        days = [rfc3339(self.basis.now_ms - before * DAY_MS) for before in range(_FLOW_DAYS)]
        if not desk.progress(StageFlows.name, StageFlows.version).folded:
            return None
        return came_into(desk.shared(StageFlows.name, StageFlows.version, *map(day_key, days)))

    def leads(self, limit: int) -> LeadList | None:
        """Who may order for the first time, the best chances first; None where the projection `leads` has not run."""
        with ProjectionDesk(self.settings) as desk:
            if not desk.progress(Leads.name, Leads.version).folded:
                return None
            states = leads_of(desk, week_of(self.basis.now_ms))
            with ConsentDesk(self.settings) as consents:
                consented = consents.everybody(self.wall_ms)
            found = list_leads(states, self.basis.now_ms, self.basis.horizon_days, limit, consented)
        with contacts_file(self.settings) as contacts:
            people = contacts.names({entry.customer_id for entry in found.entries})
        return msgspec.structs.replace(
            found,
            entries=tuple(
                msgspec.structs.replace(entry, name=people.get(entry.customer_id, entry.name))
                for entry in found.entries
            ),
        )

    def note(self, found: Today, words: Words = ENGLISH) -> str:
        """What must be said about the day, empty when nothing must."""
        note = day_note(found, self.wall_ms, self.writing, words)
        if not self.unprocessed:
            return note
        return f"{waits(self.unprocessed)} and missing here: start stream up, and call this again. {note}".rstrip()

    def _with_notes(self, entry: Entry, known: StoredCustomer) -> Entry:
        acts = tuple(
            (str(action.action), at_ms)
            for action in latest_actions(known.actions)
            if (at_ms := epoch_ms(action.occurred_at)) > entry.last_order_ms
        )
        entry = msgspec.structs.replace(entry, acts=acts, held_out=known.held_out)
        notes = tuple(entry.notes_as(ENGLISH, self.writing, self.basis.now_ms))
        return msgspec.structs.replace(entry, notes=notes)


@contextmanager
def shop_day(settings: Settings, as_of: datetime | None, clock: Clock | None = None) -> Iterator[ShopDay]:
    """Open the day that counts as today, or ``as_of``.

    Raises `NoEventsError` when no event has been processed yet, `SettingsError` for a day before the newest event.
    """
    wall_ms = (clock or SystemClock()).now_ms()
    with Overview(settings) as overview:
        stream_time_ms = overview.totals().stream_time_ms
        if stream_time_ms is None:
            if count := unprocessed(settings):
                raise NoEventsError(f"{waits(count)}, and none has been yet: start stream up, and call this again")
            raise NoEventsError(
                f"no event has been processed yet under {settings.namespace!r}: import the shop's history"
                " (stream import orders.csv) and let a worker run (stream worker)"
            )
        writing = writing_of(settings)
        if as_of is None:
            now_ms = now_of(stream_time_ms, wall_ms)
        else:
            now_ms = _end_of(as_of.date(), stream_time_ms, writing)
        basis = basis_of(settings, overview, now_ms)
        yield ShopDay(settings, overview, basis, writing, wall_ms, unprocessed(settings))


def now_of(stream_time_ms: int, wall_ms: int) -> int:
    """The time that counts as now (ms): the wall clock, or where events end if that is more than `LIVE_DAYS` ago."""
    return stream_time_ms if wall_ms - stream_time_ms > LIVE_DAYS * DAY_MS else max(wall_ms, stream_time_ms)


def _end_of(day: date, stream_time_ms: int, writing: Writing) -> int:
    """The last moment of a day (ms). Raises `SettingsError` if events go on after it."""
    end_ms = epoch_ms(datetime.combine(day + timedelta(days=1), time(), writing.zone)) - 1
    if end_ms < stream_time_ms:
        raise SettingsError(
            f"--as-of {day}: customers are known as of {writing.long_date(stream_time_ms)}; an earlier day needs the"
            " log up to that day, processed on its own: stream replay"
        )
    return end_ms


def basis_of(settings: Settings, overview: Overview, now_ms: int) -> Basis:
    """By what customers are assessed: the stored model, if there is one."""
    encoded = overview.snapshot()
    rules = rules_of(settings)
    scorer = Scorer.first(rules.horizon_ms / DAY_MS) if encoded is None else Scorer.of(decode_snapshot(encoded))
    return Basis(now_ms, scorer, rules)
