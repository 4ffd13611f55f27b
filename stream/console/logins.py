"""Who may see and do what in the console: logins, roles, and a trace of everything."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from stream.console.browser import form_of, renew_secret, require_own_form, secret_of
from stream.console.console_metrics import CONSOLE_LOGINS
from stream.console.login_limits import BeginLimits, LoginLimits
from stream.console.passwords import is_password
from stream.console.people_elsewhere import KnownElsewhere
from stream.console.refusals import Forbidden, RefusedError, TooManyAttempts
from stream.directory.desk.account_names import MAX_NAME_CHARS
from stream.directory.desk.accounts import Account, Accounts, Role
from stream.directory.desk.audit_trail import AuditTrail, Trace
from stream.errors import SettingsError
from stream.reporting.words import to_say

__all__ = ["Logins", "is_also_about", "is_known", "is_traced_as", "who_of"]

_LOG = logging.getLogger(__name__)

_WHO: Final = web.RequestKey("who", Account)
_ALSO: Final = web.RequestKey("also", tuple[str | None, str | None])
#: Who uses a console without users.
_ANYBODY: Final = Account("console", Role.ADMIN, 0)
#: What everybody is given, as it says nothing of anybody.
_OPEN: Final = frozenset({"/style.css", "/favicon.ico", "/health/live", "/login", "/language"})
#: Of logins by a provider: nobody is known yet.
_ENTRANCES: Final = "/login/"
#: What each page is called in the audit trail, and the least role for it.
_PAGES: Final[Mapping[str, tuple[str, Role]]] = {
    "/": (to_say("saw today's list"), Role.VIEWER),
    "/customers": (to_say("saw customers"), Role.VIEWER),
    "/customers/file": (to_say("took a file of customers"), Role.OPERATOR),
    "/customers/keep": (to_say("named a list of customers"), Role.OPERATOR),
    "/customers/forget": (to_say("removed a list of customers"), Role.OPERATOR),
    "/customer": (to_say("saw a customer"), Role.VIEWER),
    "/business": (to_say("saw business"), Role.VIEWER),
    "/offers": (to_say("saw offers"), Role.VIEWER),
    "/offers/check": (to_say("checked an offers file"), Role.OPERATOR),
    "/system": (to_say("saw system"), Role.VIEWER),
    "/system/replay": (to_say("published records again"), Role.ADMIN),
    "/models": (to_say("saw models"), Role.VIEWER),
    "/models/decide": (to_say("decided about models"), Role.ADMIN),
    "/whatif": (to_say("saw what another policy would do"), Role.VIEWER),
    "/whatif/try": (to_say("tried a policy"), Role.OPERATOR),
    "/help": (to_say("read the help"), Role.VIEWER),
    "/logout": (to_say("logged out"), Role.VIEWER),
    "/done": (to_say("recorded an action"), Role.OPERATOR),
    "/label": (to_say("labelled a text"), Role.OPERATOR),
    "/undo": (to_say("took an action back"), Role.OPERATOR),
    "/assign": (to_say("assigned a customer"), Role.OPERATOR),
    "/snooze": (to_say("put a customer off"), Role.OPERATOR),
    "/identities/merge": (to_say("merged two ids"), Role.OPERATOR),
    "/identities/unmerge": (to_say("took two ids apart"), Role.OPERATOR),
    "/audit": (to_say("saw the audit trail"), Role.ADMIN),
    "/privacy": (to_say("saw erasures"), Role.ADMIN),
    "/privacy/person": (to_say("saw what is kept of a person"), Role.ADMIN),
    "/privacy/export": (to_say("took a person's data along"), Role.ADMIN),
    "/privacy/erase": (to_say("erased a person"), Role.ADMIN),
}
_MAY_NOT: Final = {
    Role.OPERATOR: to_say("You may look, but not do this: it takes a user who is an operator."),
    Role.ADMIN: to_say("You may not do this: it takes a user who is an admin."),
}
_TOO_MANY: Final = to_say("Too many attempts: try again in some minutes.")
#: Fields of forms that the trail keeps, but for the customer.
_TRACED: Final = ("kind", "category", "assigned_to", "days", "reason", "what", "name")


class Logins:
    """A middleware, and handlers of login and logout.

    ``must_log_in``: also while there are no users. Otherwise, without users, whoever reaches the server may do all.
    """

    def __init__(
        self,
        accounts: Accounts,
        trail: AuditTrail,
        *,
        must_log_in: bool,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.trail = trail
        self._accounts = accounts
        self._must_log_in = must_log_in
        self._now_ms = now_ms
        self._limits = LoginLimits()
        self._beginnings = BeginLimits()
        # each takes 64 MiB
        self._checking = asyncio.Semaphore(2)

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let through who may, and leave a trace of what they were shown."""
        if (
            request.path in _OPEN
            or request.path.startswith(_ENTRANCES)
            or isinstance(request.match_info.http_exception, web.HTTPException)
        ):
            return await handler(request)
        account = await asyncio.to_thread(self._account, secret_of(request))
        if account is None:
            return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": "/login"})
        what, role = _PAGES[request.path]
        request[_WHO] = account
        if not account.role.includes(role):
            raise Forbidden(_MAY_NOT[role])
        response = await handler(request)
        form = await form_of(request)
        customer_id = form.get("customer_id") or None
        if response.status < HTTPStatus.BAD_REQUEST:
            detail = ", ".join(f"{name}: {form[name]}" for name in _TRACED if form.get(name)) or None
            other, detail = request.get(_ALSO, (None, detail))
            # a trace for each, so that the erasure of one leaves no id of theirs with the other
            for one in [about for about in (customer_id, other) if about] or [None]:
                await self._trace(account.name, what, one, detail)
        return response

    def may_begin(self, request: web.Request) -> None:
        """Count a login with an account elsewhere. Raises `TooManyAttempts`."""
        if wait_s := self._beginnings.wait_s(request.remote or "", self._now_ms()):
            CONSOLE_LOGINS.labels("limited").inc()
            raise TooManyAttempts(_TOO_MANY, headers={"Retry-After": str(wait_s)})

    async def log_in(self, request: web.Request) -> str | None:
        """Log the browser in; None if so, else why not. Raises `web.HTTPTooManyRequests`."""
        form = await form_of(request)
        require_own_form(request, form)
        name, password = form.get("name", "").strip()[:MAX_NAME_CHARS], form.get("password", "")
        if wait_s := self._limits.wait_s(name, self._now_ms()):
            CONSOLE_LOGINS.labels("limited").inc()
            raise TooManyAttempts(_TOO_MANY, headers={"Retry-After": str(wait_s)})
        # counted first, so that attempts that run at the same time are counted as well
        self._limits.failed(name, self._now_ms())
        async with self._checking:
            if not await asyncio.to_thread(self._is_password, name, password):
                CONSOLE_LOGINS.labels("refused").inc()
                await self._trace(name, to_say("was refused: wrong name or password"))
                return to_say("The name or the password is wrong.")
        self._limits.succeeded(name)
        await self._begin(request, name)
        return None

    async def let_in(self, request: web.Request, person: KnownElsewhere) -> None:
        """Log the browser in for somebody whom a provider knows. Raises `RefusedError` for a name of another user."""
        now_ms = self._now_ms()
        try:
            await asyncio.to_thread(self._accounts.enter, person.subject, person.name, person.role, now_ms)
        except SettingsError as error:
            _LOG.warning("%s", error)
            raise RefusedError("There is another user %(name)s here. Ask an admin.", name=person.name) from error
        await self._begin(request, person.name)

    async def refuse(self, who: str, why: str) -> None:
        """Leave a trace of somebody whom a provider sent, and who is not let in."""
        CONSOLE_LOGINS.labels("refused").inc()
        await self._trace(who, to_say("was refused"), detail=why)

    async def _begin(self, request: web.Request, name: str) -> None:
        await asyncio.to_thread(self._accounts.begin, renew_secret(request), name, self._now_ms())
        CONSOLE_LOGINS.labels("accepted").inc()
        await self._trace(name, to_say("logged in"))

    async def log_out(self, request: web.Request) -> None:
        """End the session of the browser."""
        require_own_form(request, await form_of(request))
        await asyncio.to_thread(self._accounts.end, secret_of(request))
        renew_secret(request)

    def _account(self, secret: str) -> Account | None:
        if not self._must_log_in and not self._accounts.has_users():
            return _ANYBODY
        return self._accounts.of_session(secret, self._now_ms())

    def _is_password(self, name: str, password: str) -> bool:
        return is_password(password, self._accounts.password_hash(name))

    async def _trace(self, who: str, what: str, customer_id: str | None = None, detail: str | None = None) -> None:
        await asyncio.to_thread(self.trail.add, Trace(self._now_ms(), who, what, customer_id, detail))


def who_of(request: web.Request) -> Account:
    """Who asks. Only behind `Logins.guard`."""
    return request[_WHO]


def is_also_about(request: web.Request, customer_id: str, detail: str) -> None:
    """Leave a trace about another customer as well, and say what ties the two traces together."""
    request[_ALSO] = customer_id, detail


def is_traced_as(request: web.Request, *, customer_id: str | None = None, detail: str | None = None) -> None:
    """Leave a trace about a customer whom the form names in other words, or about nobody."""
    request[_ALSO] = customer_id, detail


def is_known(request: web.Request) -> bool:
    """Whether it has been found out who asks."""
    return _WHO in request
