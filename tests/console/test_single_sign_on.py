"""Logging in with an account of a provider of OpenID Connect, which is a process of its own, in a real browser."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from stream.console.login_pages import Elsewhere
from stream.console.people_elsewhere import LettingIn
from stream.console.single_sign_on import IdentityProvider, SingleSignOn
from stream.directory.desk.accounts import Role
from tests.console.chromium import Chromium
from tests.console.conftest import SILENT, Office
from tests.console.identity_provider import CLIENT_ID, CLIENT_SECRET
from tests.programs import required_program

ANNA = {"sub": "1", "email": "anna@shop.example", "email_verified": True, "roles": ["operator", "viewer"]}
BOSS = {"email": "boss@shop.example", "email_verified": True, "roles": "admin"}
PEOPLE = {
    "anna": {"password": "right", "claims": ANNA},
    "boss": {"password": "right", "claims": {"sub": "2"}, "info": BOSS},
    "guest": {"password": "right", "claims": {**ANNA, "sub": "3", "email": "guest@elsewhere.example"}},
    "unsure": {"password": "right", "claims": {**ANNA, "sub": "4", "email_verified": False}},
    "stranger": {"password": "right", "claims": {**ANNA, "sub": "5", "email": "new@shop.example", "roles": ["guest"]}},
    "double": {"password": "right", "claims": {**ANNA, "sub": "6"}},
    **{
        wrong: {"password": "right", "claims": {**ANNA, "sub": f"m-{wrong}"}, "mischief": wrong}
        for wrong in ("nonce", "signature", "audience", "expired", "unsigned", "info")
    },
}
ROLES = {role.value: role for role in Role}


@asynccontextmanager
async def provider(tmp_path: Path) -> AsyncIterator[str]:
    """The issuer."""
    people = tmp_path / "people.json"
    people.write_text(json.dumps(PEOPLE), "utf-8")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.console.identity_provider", str(people)),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "AUTHLIB_INSECURE_TRANSPORT": "1"},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            issuer = (await process.stdout.readline()).decode().strip()
        yield issuer
    finally:
        process.terminate()
        await process.wait()


def elsewhere(issuer: str) -> Elsewhere:
    sign_on = SingleSignOn(IdentityProvider(issuer, CLIENT_ID, CLIENT_SECRET, "openid email profile"))
    return Elsewhere(sign_on, LettingIn("roles", ROLES, frozenset({"shop.example"})))


async def enter(browser: Chromium, base: str, account: str) -> None:
    """Log in with an account, and come to the first page."""
    await browser.go(f"{base}/login")
    await browser.press("a.go")
    await browser.fill("[name=account]", account)
    await browser.fill("[name=password]", "right")
    await browser.press("button[value=in]")
    await browser.arrive()
    assert str(await browser.js("location.href")) == f"{base}/"


def test_people_log_in_with_an_account_elsewhere_and_out_of_both(office: Office, tmp_path: Path) -> None:
    program = required_program("chromium", "chromium")

    async def run() -> None:
        async with provider(tmp_path) as issuer:
            office.elsewhere, office.must_log_in = elsewhere(issuer), True
            async with TestServer(office.application()) as server, Chromium(program, tmp_path) as browser:
                base = f"http://127.0.0.1:{server.port}"
                await browser.go(f"{base}/login")
                assert "Log in with 127.0.0.1" in await browser.text()
                assert await browser.faults() == []
                await enter(browser, base, "anna")
                assert SILENT.reason in await browser.text()
                await browser.press(".acts button[value=contacted]")
                (recorded,) = office.desk.recorded([SILENT.customer_id], 0)[SILENT.customer_id]
                assert recorded.recorded_by == "anna@shop.example"
                await browser.go(f"{base}/audit")
                assert "it takes a user who is an admin" in await browser.text()
                await browser.press("nav form button")
                assert "You are logged out here." in await browser.text()
                assert await browser.faults() == []
                await browser.press("main .note a")
                assert str(await browser.js("location.href")) == f"{base}/login"
                # roles and addresses that only the user info has
                await enter(browser, base, "boss")
                await browser.go(f"{base}/audit")
                assert "anna@shop.example" in await browser.text()
                refused = [one for one in browser.complaints if "403" in one]
                assert [one for one in browser.complaints if one not in refused] == []

    asyncio.run(run())
    accounts = {one.name: (one.role, one.is_elsewhere) for one in office.accounts.all()}
    assert accounts == {"anna@shop.example": (Role.OPERATOR, True), "boss@shop.example": (Role.ADMIN, True)}
    assert office.accounts.password_hash("anna@shop.example") == ""


class Surfer:
    """A browser without a screen: follows to the provider and back, and keeps cookies."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self.session = session
        self.base = base

    async def to_provider(self) -> str:
        """Begin a login; the address at the provider."""
        async with self.session.get(f"{self.base}/login/elsewhere", allow_redirects=False) as answer:
            assert answer.status == 303, await answer.text()
            return answer.headers["Location"]

    async def sent_back(self, at_provider: str, account: str) -> str:
        """Log in there; the address to which the provider sends the browser."""
        form = {"account": account, "password": "right", "is": "in"}
        async with self.session.post(at_provider, data=form, allow_redirects=False) as answer:
            assert answer.status == 302, await answer.text()
            return answer.headers["Location"]

    async def come(self, address: str) -> tuple[int, str]:
        async with self.session.get(address, allow_redirects=False) as answer:
            text = await answer.text()
            told = re.search(r'role="alert">([^<]*)', text)
            return answer.status, told[1] if told else text


@pytest.mark.parametrize(
    ("account", "told"),
    [
        ("guest", "Only people with a confirmed e-mail address of shop.example"),
        ("unsure", "Only people with a confirmed e-mail address of shop.example"),
        ("stranger", "You are known, but may not use this console."),
        *((wrong, "cannot be trusted") for wrong in ("nonce", "signature", "audience", "expired", "unsigned", "info")),
    ],
)
def test_who_is_not_let_in_is_told_why(office: Office, tmp_path: Path, account: str, told: str) -> None:
    async def run() -> tuple[int, str]:
        async with provider(tmp_path) as issuer:
            office.elsewhere, office.must_log_in = elsewhere(issuer), True
            jar = aiohttp.CookieJar(unsafe=True)
            async with TestServer(office.application()) as server, aiohttp.ClientSession(cookie_jar=jar) as session:
                surfer = Surfer(session, f"http://127.0.0.1:{server.port}")
                found = await surfer.come(await surfer.sent_back(await surfer.to_provider(), account))
                assert (await surfer.come(f"{surfer.base}/"))[0] == 303
                return found

    status, said = asyncio.run(run())
    assert (status, told in said) == (403, True), said
    assert office.accounts.all() == []
    assert [one.what for one in office.trail.newest(9)] == ["was refused"]


def test_a_login_that_comes_back_twice_elsewhere_or_changed_is_none(office: Office, tmp_path: Path) -> None:
    async def run() -> None:
        async with provider(tmp_path) as issuer:
            office.elsewhere, office.must_log_in = elsewhere(issuer), True
            async with TestServer(office.application()) as server:
                base = f"http://127.0.0.1:{server.port}"
                jars = [aiohttp.CookieJar(unsafe=True) for _ in range(2)]
                async with (
                    aiohttp.ClientSession(cookie_jar=jars[0]) as own,
                    aiohttp.ClientSession(cookie_jar=jars[1]) as other,
                ):
                    anna, mallory = Surfer(own, base), Surfer(other, base)
                    at_provider = await anna.to_provider()
                    assert "code_challenge_method=S256" in at_provider
                    back = await anna.sent_back(at_provider, "anna")
                    # what somebody else's browser is made to open logs it in as nobody
                    await mallory.to_provider()
                    for wrong in (back, re.sub("state=[^&]*", "state=x", back), f"{base}/login/elsewhere/back"):
                        status, said = await mallory.come(wrong)
                        assert (status, "begun in another window" in said) == (403, True), said
                    assert [*office.trail.newest(9)] == [], "another site can send browsers there for ever"
                    status, said = await anna.come(back)
                    assert (status, "Welcome, anna@shop.example" in said) == (200, True), said
                    assert (await anna.come(f"{base}/"))[0] == 200
                    assert (await anna.come(back))[0] == 403, "once"
                    # the same address as another account: the name is taken
                    status, said = await mallory.come(await mallory.sent_back(await mallory.to_provider(), "double"))
                    assert (status, "There is another user anna@shop.example here." in said) == (403, True), said
                    # nobody gets in with a password that is none
                    assert office.accounts.password_hash("anna@shop.example") == ""
                    assert office.accounts.remove("anna@shop.example")
                    assert (await anna.come(f"{base}/"))[0] == 303

    asyncio.run(run())


def test_logins_elsewhere_cannot_be_begun_all_the_time(office: Office) -> None:
    async def run() -> None:
        office.elsewhere, office.must_log_in = elsewhere("http://127.0.0.1:9"), True
        async with TestServer(office.application()) as server, aiohttp.ClientSession() as session:
            base = f"http://127.0.0.1:{server.port}"

            async def begin() -> tuple[int, str | None]:
                async with session.get(f"{base}/login/elsewhere", allow_redirects=False) as answer:
                    return answer.status, answer.headers.get("Retry-After")

            assert [await begin() for _ in range(21)] == [(403, None)] * 20 + [(429, "60")]
            office.now_ms += 60_000
            assert (await begin())[0] == 403

    asyncio.run(run())


@pytest.mark.parametrize("answer", ["away", "not its own name"])
def test_a_provider_that_does_not_do_what_it_should_is_told(office: Office, tmp_path: Path, answer: str) -> None:
    async def run() -> tuple[int, str]:
        async with provider(tmp_path) as issuer:
            wrong = "http://127.0.0.1:9" if answer == "away" else f"{issuer}/"
            office.elsewhere, office.must_log_in = elsewhere(wrong), True
            async with TestServer(office.application()) as server, aiohttp.ClientSession() as session:
                return await Surfer(session, "").come(f"http://127.0.0.1:{server.port}/login/elsewhere")

    status, said = asyncio.run(run())
    told: Mapping[str, str] = {"away": "does not answer", "not its own name": "cannot be trusted"}
    assert (status, told[answer] in said) == (403, True), said
    assert [*office.trail.newest(9)] == [], "nobody was refused"
