"""Access settings are checked before the endpoint listens."""

import subprocess
import sys
from typing import Any

import pytest

from stream.cli import main
from stream.errors import SettingsError
from stream.events.columns import MONEY_SCALE
from stream.events.kinds import EventType
from stream.ingest.access import Access
from stream.ingest.refusal import Refusal
from stream.ingest.sources import Source
from stream.settings import Settings
from tests.cli.conftest import clean_environment

LONG = "0123456789abcdef"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "ingest.internal"])  # noqa: S104 - that is the point
def test_an_address_that_others_reach_needs_a_token(host: str) -> None:
    with pytest.raises(SettingsError, match="STREAM_INGEST_TOKEN"):
        Access(Settings(ingest_host=host))
    Access(Settings(ingest_host=host, ingest_token=LONG))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_on_this_machine_a_token_is_not_needed(host: str) -> None:
    assert Access(Settings(ingest_host=host)).admit({"host": "127.0.0.1:8080"}) == Source()


@pytest.mark.parametrize(
    ("headers", "is_ours"),
    [
        ({"host": "localhost"}, True),
        ({"host": "[::1]:8080"}, True),
        ({"host": "127.0.0.1:8080", "origin": "http://127.0.0.1:8080"}, True),
        ({"host": "LOCALHOST:8080", "origin": "http://localhost:8080"}, True),
        ({}, False),
        ({"host": ""}, False),
        ({"host": "[::1"}, False),
        # a name that an attacker's DNS leads to this machine
        ({"host": "evil.example:8080"}, False),
        ({"host": "evil.example:8080", "origin": "http://evil.example:8080"}, False),
        ({"host": "127.0.0.1:8080", "origin": "https://evil.example"}, False),
        ({"host": "127.0.0.1:8080", "origin": "http://127.0.0.1:3000"}, False),
        ({"host": "127.0.0.1:8080", "origin": "null"}, False),
        ({"host": "127.0.0.1:8080", "origin": ""}, False),
    ],
)
def test_without_a_token_pages_of_other_sites_may_not_send(headers: dict[str, str], is_ours: bool) -> None:
    if is_ours:
        Access(Settings()).admit(headers)
    else:
        with pytest.raises(Refusal) as refused:
            Access(Settings()).admit(headers)
        assert refused.value.status == 403
    with pytest.raises(Refusal) as refused:
        Access(Settings(ingest_token=LONG)).admit(headers)
    assert refused.value.status == 401
    Access(Settings(ingest_token=LONG)).admit({**headers, "authorization": f"Bearer {LONG}"})


@pytest.mark.parametrize(
    "token", ["short", "0123456789abcde", "0123 456789abcdef", "0123456789abcdeé", f"{LONG},short"]
)
def test_a_token_that_is_easily_guessed_or_cannot_be_sent_is_refused(token: str) -> None:
    with pytest.raises(SettingsError, match="at least 16 ASCII characters"):
        Access(Settings(ingest_token=token))


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, False),
        ({"authorization": f"Bearer {LONG}"}, True),
        ({"authorization": f"bearer  {LONG} "}, True),
        ({"authorization": f"Bearer {LONG}x"}, False),
        ({"authorization": LONG}, False),
        ({"authorization": "Bearer "}, False),
        ({"authorization": "Bearer \udcff"}, False),
        ({"authorization": "Basic"}, False),
        ({"authorization": "Basic ???"}, False),
    ],
)
def test_a_request_is_allowed_by_its_token_alone(headers: dict[str, str], allowed: bool) -> None:
    access = Access(Settings(ingest_token=f" {LONG} , {LONG[::-1]}"))
    if allowed:
        assert access.admit(headers) == Source()
    else:
        with pytest.raises(Refusal) as refused:
            access.admit(headers)
        assert refused.value.status == 401


def test_a_token_may_be_limited_to_types_and_amounts() -> None:
    access = Access(Settings(ingest_token=f"{LONG};types=click|email, {LONG[::-1]} ; max_amount=500 ; types=purchase"))
    assert access.admit({"authorization": f"Bearer {LONG}"}) == Source(frozenset({EventType.CLICK, EventType.EMAIL}))
    shop = access.admit({"authorization": f"Bearer {LONG[::-1]}"})
    assert shop == Source(frozenset({EventType.PURCHASE}), 500)
    assert shop.objection(EventType.PURCHASE, 500 * MONEY_SCALE) == ""
    assert "up to 500.00" in shop.objection(EventType.PURCHASE, 500 * MONEY_SCALE + 1)
    assert "purchase events only" in shop.objection(EventType.CLICK, 0)


@pytest.mark.parametrize("limit", ["types=", "types=orders", "max_amount=", "max_amount=nan", "max_amount=-1", "x", ""])
def test_a_limit_that_cannot_be_read_is_refused_without_showing_the_token(limit: str) -> None:
    with pytest.raises(SettingsError, match="of token 2") as refused:
        Access(Settings(ingest_token=f"{LONG[::-1]},{LONG};{limit}"))
    assert LONG not in str(refused.value)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"STREAM_INGEST_HOST": "0.0.0.0"}, "STREAM_INGEST_TOKEN"),  # noqa: S104 - refused
        ({"STREAM_INGEST_POSTMARK_PASSWORD": "half"}, "belong together"),
        ({"STREAM_INGEST_SENDGRID_PUBLIC_KEY": "none"}, "verification key"),
        ({"STREAM_INGEST_PORT": "99999"}, "ingest_port=99999"),
    ],
)
def test_the_command_refuses_half_a_configuration_with_status_2(variables: dict[str, Any], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stream", "ingest"],
        env=clean_environment(STREAM_KAFKA_BOOTSTRAP="127.0.0.1:1", STREAM_METRICS_PORT="-1", **variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_secrets_have_no_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["ingest", "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "--ingest-port" in shown
    for secret in ("token", "password", "signing-key", "secret"):
        assert f"-{secret}" not in shown
