"""What people do from the pages: record an action, undo it, assign a customer, put one off; and its publication."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from aiohttp import web

from stream.alerts.action_records import Action, ActionKind
from stream.catalogue.windows import DAY_MS
from stream.console.browser import form_of, require_own_form
from stream.console.logins import who_of
from stream.console.refusals import RefusedError
from stream.directory.database import DATABASE_ERRORS, why_unanswered
from stream.directory.desk.account_names import MAX_NAME_CHARS
from stream.directory.desk.accounts import Role
from stream.directory.desk.desk_store import UNDO_MS, DeskStore, Note, Recorded
from stream.errors import SettingsError, StreamError
from stream.events.times import instant
from stream.privacy.erasures import Erasures
from stream.reporting.words import to_say

__all__ = ["KINDS", "RECORDED", "SNOOZES", "Acting", "Done", "Kept", "forms_of"]

_LOG = logging.getLogger(__name__)

#: What can be recorded with one click, in words.
KINDS: Final[Mapping[str, str]] = {
    ActionKind.CONTACTED: to_say("Contacted"),
    ActionKind.OFFER_ACCEPTED: to_say("Offer accepted"),
    ActionKind.RESOLVED: to_say("Resolved"),
    ActionKind.FALSE_ALARM: to_say("Not at risk"),
}
#: What can be recorded at all.
RECORDED: Final[Mapping[str, str]] = {**KINDS, ActionKind.LABELLED: to_say("Said what a text is about")}
#: Days by which a customer can be put off; 0: no longer.
SNOOZES: Final = (1, 3, 7, 30)
#: What was recorded longer ago is not shown beside a customer.
_SHOWN_MS: Final = 14 * DAY_MS
_LOOK_S: Final = 1.0
#: After a failure the topic is tried again after so long (s).
_RETRY_S: Final = 5.0


class Done(NamedTuple):
    """What people recorded of customers, and noted of them, by customer."""

    actions: Mapping[str, Sequence[Recorded]]
    notes: Mapping[str, Note]

    def is_put_off(self, customer_id: str, now_ms: int) -> bool:
        """Whether nobody wants to be reminded of the customer now."""
        return (self.notes.get(customer_id, Note()).snoozed_until_ms or 0) > now_ms


class Kept(NamedTuple):
    """An action that is kept. ``is_new``: no other has its id. It is published at ``publish_ms``."""

    action_id: str
    customer_id: str
    is_new: bool
    publish_ms: int


class Acting:
    """Handlers of forms that change something. ``ready``: the action as it is kept and published; raises for one that
    the topic's readers would refuse.

    ``publish`` raises a `StreamError` when the topic cannot be reached; it is tried again. ``erasures``: of whom
    nothing is kept any more.
    """

    def __init__(
        self,
        desk: DeskStore,
        ready: Callable[[Action], Action],
        publish: Callable[[Action], None],
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        erasures: Erasures | None = None,
    ) -> None:
        self._desk = desk
        self._erasures = erasures or Erasures()
        self._ready = ready
        self._publish = publish
        self.now_ms = now_ms

    async def done(self, customers: Sequence[str]) -> Done:
        """What was recorded of customers lately."""

        def ask() -> Done:
            since_ms = self.now_ms() - _SHOWN_MS
            return Done(self._desk.recorded(customers, since_ms), self._desk.notes(customers))

        return await asyncio.to_thread(ask)

    async def record(self, request: web.Request) -> str:
        """Record an action about a customer; returns whom. A form that is sent twice is one action."""
        form = await form_of(request)
        require_own_form(request, form)
        if form.get("kind") not in KINDS:
            raise SettingsError(f"expected one of {', '.join(KINDS)}")
        note = form.get("note", "").strip().replace("\r\n", "\n") or None
        kept = await self.keep(who_of(request).name, action=form["kind"], note=note, **_ids_of(form))
        return kept.customer_id

    async def label(self, request: web.Request) -> str:
        """Say of which category a text is; returns who wrote it."""
        form = await form_of(request)
        require_own_form(request, form)
        category = form.get("category", "").strip()
        if not category:
            raise RefusedError("Say what the text is about.")
        label = {"action": ActionKind.LABELLED, "event_id": form.get("event_id", ""), "category": category}
        kept = await self.keep(who_of(request).name, **label, **_ids_of(form))
        return kept.customer_id

    async def undo(self, request: web.Request) -> str:
        """Take back what has not been published yet."""
        form = await form_of(request)
        require_own_form(request, form)
        if not await self.take_back(form.get("action_id", "")):
            raise RefusedError("This can no longer be undone: it has been passed on.")
        return form.get("customer_id", "")

    async def assign(self, request: web.Request) -> str:
        """Say who looks after a customer."""
        form = await form_of(request)
        require_own_form(request, form)
        name = form.get("assigned_to", "").strip()
        if len(name) > MAX_NAME_CHARS or not name.isprintable():
            raise RefusedError("expected a name of at most %(num)s characters", num=MAX_NAME_CHARS)
        customer_id = self._present(_customer(form))
        await asyncio.to_thread(self._desk.assign, customer_id, name or None)
        return customer_id

    async def snooze(self, request: web.Request) -> str:
        """Put a customer off for some days, or no longer."""
        form = await form_of(request)
        require_own_form(request, form)
        days = form.get("days", "")
        if days not in {"0", *map(str, SNOOZES)}:
            raise SettingsError(f"expected days: 0, {', '.join(map(str, SNOOZES))}")
        until_ms = self.now_ms() + int(days) * DAY_MS if int(days) else None
        customer_id = self._present(_customer(form))
        await asyncio.to_thread(self._desk.snooze, customer_id, until_ms)
        return customer_id

    async def publish_until(self, stop: asyncio.Event) -> None:
        """Publish what can no longer be undone, until ``stop`` is set; wait while Kafka or the database is away."""
        while not stop.is_set():
            pause_s = _LOOK_S
            try:
                await asyncio.to_thread(self.publish_due)
            except (StreamError, *DATABASE_ERRORS) as error:
                _LOG.warning("actions wait: %s", why_unanswered(error))
                pause_s = _RETRY_S
            try:
                await asyncio.wait_for(stop.wait(), pause_s)
            except TimeoutError:
                continue

    def publish_due(self) -> int:
        """Publish what is due; returns how many. Raises a `StreamError` of the topic or of the database.

        What cannot be published itself, as of a person who was erased meanwhile, holds no other action up.
        """
        claimed = self._desk.claim(self.now_ms())
        refused: SettingsError | None = None
        for action_id, _, record in claimed:
            try:
                self._publish(msgspec.json.decode(record, type=Action))
            except SettingsError as error:
                refused = refused or error
            else:
                self._desk.published(action_id, self.now_ms())
        if refused is not None:
            raise refused
        return len(claimed)

    async def keep(self, who: str, **of_action: str | None) -> Kept:
        """Keep an action of ``who`` that happened now. Raises `SettingsError` for one that cannot be."""
        now_ms = self.now_ms()
        try:
            action = msgspec.convert({"occurred_at": instant(now_ms), "actor": who, **of_action}, Action)
        except msgspec.ValidationError as error:
            raise SettingsError(f"this cannot be recorded: {error}") from None
        self._present(action.customer_id)
        action = await asyncio.to_thread(self._ready, action)
        is_new = await asyncio.to_thread(self._desk.record, action, who, now_ms)
        return Kept(action.action_id, action.customer_id, is_new, now_ms + UNDO_MS)

    def _present(self, customer_id: str) -> str:
        """The id, unless it is that of an erased person. Raises `RefusedError`."""
        if self._erasures.refuses(customer_id, self.now_ms()):
            raise RefusedError("This person was erased, so nothing is written down about them.")
        return customer_id

    async def take_back(self, action_id: str) -> bool:
        """Undo an action; False when it is too late, or there is none."""
        return await asyncio.to_thread(self._desk.undo, action_id)


def forms_of(request: web.Request, done: Done, now_ms: int) -> dict[str, Any]:
    """What the forms of actions need."""
    return {
        "can_act": who_of(request).role.includes(Role.OPERATOR),
        "done": done,
        "now_ms": now_ms,
        "kinds": KINDS,
        "recorded": RECORDED,
        "snoozes": SNOOZES,
        "new_id": lambda: str(uuid.uuid4()),
    }


def _ids_of(form: Mapping[str, str]) -> dict[str, str]:
    return {name: form.get(name, "") for name in ("action_id", "customer_id")}


def _customer(form: Mapping[str, str]) -> str:
    customer_id = form.get("customer_id", "")
    if not customer_id or "\0" in customer_id:
        raise SettingsError("expected the id of a customer")
    return customer_id
