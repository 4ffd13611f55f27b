"""Redis over TLS: the servers that a client trusts, and its messages when it is refused."""

import asyncio
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from stream.errors import StorageError
from stream.settings import Settings
from stream.storage.connection import check_access, connect
from stream.storage.redis_facts import diagnose
from tests.field import ROOT
from tests.security.authority import Authority
from tests.security.redis_tls import SecureRedis
from tests.security.redis_users import PASSWORD, settings_of, users

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("redis_with_tls")]


def worker_says(settings: Settings) -> tuple[int, str]:
    """Exit status and output of a worker that is expected not to get far."""
    outcome = subprocess.run(
        [sys.executable, "-m", "stream", "worker"],
        cwd=ROOT,
        env={**{k: v for k, v in os.environ.items() if not k.startswith("STREAM_")}, **settings.to_env()},
        capture_output=True,
        text=True,
        timeout=60.0,
        check=False,
    )
    return outcome.returncode, outcome.stdout + outcome.stderr


WRONG = {
    "another authority": ({"redis_ca_file": "OTHER"}, "the server's certificate is refused"),
    "another host name": ({"redis_url": "HOST"}, "the server's certificate is refused"),
    "no authority": ({"redis_ca_file": ""}, "the server's certificate is refused"),
    "a wrong password": ({"redis_url": "PASSWORD"}, "check user and password in redis_url"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_redis_that_cannot_be_trusted_or_refuses_the_user_is_told_in_one_line(
    server: SecureRedis, authority: Authority, tmp_path: Path, case: str
) -> None:
    changed, expected = WRONG[case]
    values = {
        "OTHER": str(Authority(tmp_path / "other").ca_file),
        "HOST": server.url("worker", PASSWORD, host="127.0.0.1"),
        "PASSWORD": server.url("worker", PASSWORD + "-not"),
    }
    settings = settings_of(server, authority, **{name: values.get(value, value) for name, value in changed.items()})
    with pytest.raises(StorageError) as refusal:
        check_access(settings)
    (line,) = str(refusal.value).splitlines()
    assert line.startswith("Redis at rediss://worker:***@")
    assert expected in line
    assert PASSWORD not in line


def test_a_worker_that_redis_refuses_ends_at_once_with_one_line_and_status_1(
    server: SecureRedis, authority: Authority
) -> None:
    status, said = worker_says(settings_of(server, authority, redis_ca_file=""))
    assert status == 1
    (line,) = [line for line in said.splitlines() if line.startswith("stream: ")]
    assert "Traceback" not in said
    assert line.startswith("stream: Redis at rediss://worker:***@")
    assert "the server's certificate is refused" in line


def test_a_redis_that_is_away_is_waited_for() -> None:
    assert not check_access(Settings(redis_url="rediss://worker:secret@127.0.0.1:1/0"))


def test_a_certificate_of_the_client_is_sent_where_one_is_asked_for(authority: Authority, tmp_path: Path) -> None:
    identity = authority.client(tmp_path, "worker")
    with SecureRedis(tmp_path / "redis", authority, users("stream"), mutual=True) as server:
        bare = settings_of(server, authority)
        with pytest.raises(StorageError):
            diagnose(bare, timeout_s=5.0)
        mutual = replace(bare, redis_cert_file=str(identity.cert), redis_key_file=str(identity.key))
        check_access(mutual)
        assert asyncio.run(_ping(mutual))


async def _ping(settings: Settings) -> bool:
    client = connect(settings)
    try:
        return bool(await client.ping())
    finally:
        await client.aclose()
