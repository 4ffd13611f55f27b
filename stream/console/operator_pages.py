"""Pages for who looks after the program: models, system, what another policy would do, and privacy."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web
from msgspec.structs import replace

from stream import __version__
from stream.console.browser import form_of, require_own_form
from stream.console.erased_people import ErasedPeople
from stream.console.logins import who_of
from stream.console.operations import Operations
from stream.console.privacy_pages import PrivacyPages
from stream.console.refusals import Name, RefusedError
from stream.console.rendering import Renderer
from stream.directory.consented_lists import who_refuses
from stream.directory.desk.accounts import Role
from stream.directory.migrating import newest_revision
from stream.directory.store import DirectoryStore
from stream.errors import SettingsError, StreamError
from stream.imports.contacts import called_apart
from stream.reporting.words import to_say
from stream.whatif.comparison import WhatIf
from stream.whatif.trial_progress import StageProgress

__all__ = ["OperatorPages"]

_DECISIONS: Final = ("promote", "automatic", "rollback", "unfreeze")
#: Fields of a policy, with what they mean to people, and the least and the largest value.
_POLICY: Final[Mapping[str, tuple[str, float, float]]] = {
    "alerts_per_week": (to_say("Alerts a week"), 0.0, 100_000.0),
    "overdue_at": (to_say("Silence before an alert, in usual gaps"), 1.0, 2.9),
    "cooldown_days": (to_say("Days between two alerts of a customer"), 0.0, 3650.0),
    "min_purchases": (to_say("Days with an order before the first alert"), 0.0, 1000.0),
}
#: Changes that a page shows.
_SHOWN: Final = 20


class _Trial:
    """A policy that is tried; ``progress``: how far it is, None before that is known."""

    def __init__(self, operations: Operations, policy: Mapping[str, float]) -> None:
        self.policy = policy
        self.progress: StageProgress | None = None
        self.task: asyncio.Task[WhatIf] = asyncio.create_task(operations.compare(policy, self._told))

    def _told(self, progress: StageProgress) -> None:
        self.progress = progress


class OperatorPages:
    """Handlers; ``operations`` runs in threads. ``erased``: who must not be shown in what a trial has found."""

    def __init__(self, page: Renderer, store: DirectoryStore, operations: Operations, erased: ErasedPeople) -> None:
        self._page = page
        self._store = store
        self._operations = operations
        self._erased = erased
        self._trial: _Trial | None = None
        self._privacy = PrivacyPages(page, operations.personal)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/models", self.models),
            web.post("/models/decide", self.decide),
            web.get("/system", self.system),
            web.post("/system/replay", self.replay),
            web.get("/whatif", self.whatif),
            web.post("/whatif/try", self.try_policy),
            *self._privacy.routes(),
        ]

    async def close(self, _: web.Application) -> None:
        """End what is under way."""
        await self._privacy.close()
        if self._trial is not None:
            self._trial.task.cancel()
            with contextlib.suppress(asyncio.CancelledError, StreamError):
                await self._trial.task

    async def models(self, request: web.Request) -> web.Response:
        """How good the models are, in plain words."""
        found = await asyncio.to_thread(self._operations.models)
        return self._page("models", request, found=found, can_decide=who_of(request).role.includes(Role.ADMIN))

    async def decide(self, request: web.Request) -> web.Response:
        """Somebody decides which model scores."""
        form = await form_of(request)
        require_own_form(request, form)
        what = form.get("what", "")
        if what not in _DECISIONS:
            raise SettingsError(f"expected one of {', '.join(_DECISIONS)}")
        await asyncio.to_thread(self._operations.decide, what, form.get("name", ""), who_of(request).name)
        return _to("/models")

    async def system(self, request: web.Request) -> web.Response:
        """What runs, how far it is, and what went wrong."""
        progress = await asyncio.to_thread(self._store.progress)
        offsets = await asyncio.to_thread(self._store.read_until)
        read: Counter[str] = Counter()
        for (topic, _), offset in offsets.items():
            read[topic] += offset
        database = self._store.engine.dialect.name
        problems: list[str] = []

        async def asked(ask: Any, *given: Any) -> Any:
            try:
                return await asyncio.to_thread(ask, *given)
            except StreamError as error:
                problems.append(str(error))
                return ()

        # each of them may wait for a server that is away
        checked, lags, letters = await asyncio.gather(
            asked(self._operations.checked),
            asked(self._operations.lags, offsets),
            asked(self._operations.dead_letters),
        )
        words = self._page.edition(request).words
        facts = {
            words.gettext("Program"): __version__,
            words.gettext("Database"): words.gettext(
                "%(name)s, tables of revision %(revision)s", name=database, revision=newest_revision()
            ),
            words.gettext("Directory"): words.ngettext(
                "version %(version)s, built anew %(num)s time",
                "version %(version)s, built anew %(num)s times",
                progress.generation,
                version=progress.version,
            ),
            words.gettext("Records read"): words.gettext(
                "%(read)s, and %(skipped)s that could not be used",
                read=words.number(progress.folded),
                skipped=words.number(progress.skipped),
            ),
        }
        return self._page(
            "system",
            request,
            facts=facts,
            read=read,
            checked=checked,
            lags=lags,
            letters=letters,
            problems=[*dict.fromkeys(problems)],
            can_replay=who_of(request).role.includes(Role.ADMIN),
        )

    async def replay(self, request: web.Request) -> web.Response:
        """What was refused is published again."""
        form = await form_of(request)
        require_own_form(request, form)
        await asyncio.to_thread(self._operations.replay, form.get("reason", ""))
        return _to("/system")

    async def whatif(self, request: web.Request) -> web.Response:
        """What another policy would have done."""
        found, problem = None, ""
        if self._erased.have_changed() and self._trial is not None:
            # it may have found somebody who is erased now
            self._trial.task.cancel()
            self._trial = None
        trial = self._trial
        if trial is not None and trial.task.done() and not trial.task.cancelled():
            if (error := trial.task.exception()) is None:
                found = await asyncio.to_thread(self._agreed, trial.task.result())
            elif isinstance(error, StreamError):
                problem = str(error)
            else:
                raise error
        present = await asyncio.to_thread(self._operations.policy)
        listed = [] if found is None else [*found.added, *found.removed, *found.moved]
        people = await asyncio.to_thread(self._operations.contacts, [one.customer_id for one in listed])
        return self._page(
            "whatif",
            request,
            names=called_apart(people),
            fields=_POLICY,
            present=present,
            tried=dict(trial.policy) if trial is not None else dict(present),
            found=found,
            problem=problem,
            is_under_way=trial is not None and not trial.task.done(),
            progress=None if trial is None else trial.progress,
            can_try=who_of(request).role.includes(Role.OPERATOR),
            shown=_SHOWN,
        )

    async def try_policy(self, request: web.Request) -> web.Response:
        """Try a policy; one at a time."""
        form = await form_of(request)
        require_own_form(request, form)
        policy = {name: _number(form, name) for name in _POLICY}
        if self._trial is not None and not self._trial.task.done():
            raise RefusedError("A policy is being tried already: wait for its end.")
        self._trial = _Trial(self._operations, policy)
        return _to("/whatif")

    def _agreed(self, found: WhatIf) -> WhatIf:
        """Without the alerts of customers who do not agree to be scored, or are erased; figures of the shop stay."""
        parts = {"added": found.added, "removed": found.removed, "moved": found.moved}
        ids = [one.customer_id for part in parts.values() for one in part]
        refused = who_refuses(self._operations.refusing, ids, by_scores=True)
        agreed = {
            name: [one for one in self._erased.without(part) if one.customer_id not in refused]
            for name, part in parts.items()
        }
        return replace(found, **agreed)


def _number(form: Mapping[str, str], name: str) -> float:
    title, least, most = _POLICY[name]
    try:
        number = float(form.get(name, ""))
    except ValueError:
        raise RefusedError("%(field)s: expected a number", field=Name(title)) from None
    if not least <= number <= most:
        raise RefusedError(
            "%(field)s: expected %(least)s to %(most)s", field=Name(title), least=f"{least:g}", most=f"{most:g}"
        )
    return number


def _to(page: str) -> web.Response:
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": page})
