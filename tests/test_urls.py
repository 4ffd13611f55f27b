"""No part of a password is shown, even of a broken address."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import SettingsError
from stream.notifications.config_file import parse
from stream.notifications.sender import AppriseSender
from stream.settings import Settings
from stream.urls import masked, presentable
from tests.cli.conftest import clean_environment

#: Stands for a password; whatever is around it may break the address.
SECRET = "hunter"
around = st.text(st.sampled_from("#/?@[]:%&= .,x0\\\"'"), max_size=4)
BROKEN = [
    "redis://:hu#nter@127.0.0.1:6379/0",
    "redis://:hu/nter@127.0.0.1:6379/0",
    "redis://127.0.0.1:6379/0?password=hunter",
    "redis://127.0.0.1:6379/0?password=hu@nter",
    "redis://ann:hu[nter@127.0.0.1:6379/0",
    "redis://ann:hu]nter@127.0.0.1:6379/0",
    "redis://ann:hu?nter@127.0.0.1:6379/0",
    "redis://hunter:nter",
    "rediss://ann:hunter@[::1",
]


@given(before=around, after=around, user=st.sampled_from(["", "ann"]), rest=st.sampled_from(["@h:1/0", "@h"]))
def test_a_password_is_masked_whatever_is_around_it(before: str, after: str, user: str, rest: str) -> None:
    for url in (
        f"redis://{user}:{before}{SECRET}{after}{rest}",
        # without a colon, which would turn the text before it into a user
        f"redis://{f'{before}{SECRET}{after}'.replace(':', '')}@h:1/0",
        f"redis://h:1/0?password={before}{SECRET}{after}",
        f"{user}:{before}{SECRET}{after}@h:1",
    ):
        assert SECRET not in masked(url)
        assert SECRET not in presentable(url)


def test_other_parts_stay_readable() -> None:
    assert masked("redis://cache-1.internal:6379/0") == "redis://cache-1.internal:6379/0"
    assert masked("rediss://[::1]:6379") == "rediss://[::1]:6379"
    assert masked("redis://ann:p@cache/1") == "redis://ann:***@cache/1"
    assert presentable("1,5") == "1,5"


@pytest.mark.parametrize("url", BROKEN)
def test_a_broken_address_is_refused_without_the_password(url: str) -> None:
    with pytest.raises(SettingsError, match="percent-encode") as refused:
        Settings(redis_url=url)
    assert "hu" not in str(refused.value).replace("authority", "")
    assert "nter" not in str(refused.value)


@pytest.mark.parametrize("given", ["variable", "option"])
def test_a_command_reports_it_in_one_line_with_status_2(given: str) -> None:
    url = BROKEN[0]
    done = subprocess.run(
        [sys.executable, "-m", "stream", "doctor", *(["--redis-url", url] if given == "option" else [])],
        env=clean_environment(**({"STREAM_REDIS_URL": url} if given == "variable" else {})),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "percent-encode" in done.stderr
    assert "nter" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "setting", ["KAFKA_BOOTSTRAP", "PARTITIONS", "CLOCK", "INGEST_HOST", "NAMESPACE", "HORIZON_DAYS", "REDIS_CLUSTER"]
)
def test_an_address_in_the_wrong_setting_is_not_shown(setting: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({f"STREAM_{setting}": "redis://ann:hu nter@cache:6379/0 "})
    assert "nter" not in str(refused.value)


CHANNELS = """
templates: {alert: {title: t, body: b}}
rules: [{name: r, channels: [hook]}]
"""


@pytest.mark.parametrize(
    "channels",
    [
        "channels: slack://hunter/nter/x",
        "channels: {hook: 'slack://hunter/nter/x'}",
        "channels: {hook: {url: ['slack://hunter/nter/x']}}",
        "channels: {hook: {url: {'slack://hunter/nter/x': 1}}}",
        "channels: {hook: {url: 'json://h', 'slack://hunter/nter/x': 1}}",
        "channels: {'slack://hunter/nter/x': {url: 'json://h'}}",
        "channels: {hook: {url: 'json://h', format: 'slack://hunter/nter/x'}}",
        "channels: {hook: {url: 'json://ann:hunter/nter@h}",
        "channels: {hook: {url: json://ann:hunter@h: nter}}",
        "channels:\n\thook: json://ann:hunter@h/nter",
    ],
)
def test_the_address_of_a_channel_is_not_shown(channels: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse(f"{channels}\n{CHANNELS}", {}, source="n.yaml")
    assert "hunter" not in str(refused.value)
    assert "nter/" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["hunter-nter", "hunter:nter@host", "slack:hunter", "json://u:hu[nter@h", "slack://hunter"]
)
def test_an_address_that_apprise_does_not_accept_is_not_shown(url: str, tmp_path: Path) -> None:
    config = parse(f"channels: {{hook: {{url: {url!r}}}}}\n{CHANNELS}", {}, source=str(tmp_path))
    with pytest.raises(SettingsError, match="percent-encode") as refused:
        AppriseSender("hook", config.channels["hook"])
    assert "hu" not in str(refused.value)
    assert "nter" not in str(refused.value)
