"""What keeps strangers out is checked before anything is listened on."""

import subprocess
import sys
from typing import Any

import pytest

from stream.cli import main
from stream.errors import SettingsError
from stream.ingest.access import Access
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
    assert Access(Settings(ingest_host=host)).allows({})


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
    assert Access(Settings(ingest_token=f" {LONG} , {LONG[::-1]}")).allows(headers) is allowed


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
