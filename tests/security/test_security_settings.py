"""Settings of TLS and credentials: incomplete ones are refused before any connection."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stream.agents.kafka_access import FrankAdminClient
from stream.agents.security import broker_credentials
from stream.errors import SettingsError
from stream.settings import Settings


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "some.pem"
    path.touch()
    return str(path)


HALVES: list[tuple[dict[str, str], str]] = [
    ({"redis_ca_file": "FILE"}, "redis_ca_file has no effect without TLS: let redis_url begin with rediss://"),
    ({"redis_url": "rediss://h:1/0", "redis_cert_file": "FILE"}, "redis_cert_file and redis_key_file belong together"),
    ({"redis_url": "rediss://h:1/0", "redis_key_file": "FILE"}, "redis_cert_file and redis_key_file belong together"),
    ({"redis_url": "rediss://h:1/0", "redis_ca_file": "/nowhere.pem"}, "there is no such file"),
    ({"redis_url": "rediss://h:1/0?ssl_cert_reqs=none"}, "expected nothing after the database"),
    ({"redis_url": "rediss://h:1/0#x"}, "expected nothing after the database"),
    ({"kafka_ssl_ca_file": "FILE"}, "has no effect with kafka_security_protocol=PLAINTEXT"),
    ({"kafka_security_protocol": "SSL", "kafka_ssl_cert_file": "FILE"}, "belong together"),
    ({"kafka_security_protocol": "SASL_SSL", "kafka_sasl_username": "u"}, "needs kafka_sasl_mechanism"),
    ({"kafka_sasl_password": "secret"}, "has no effect with kafka_security_protocol=PLAINTEXT"),
]


@pytest.mark.parametrize(("given", "complaint"), HALVES)
def test_incomplete_settings_are_refused(file: str, given: dict[str, str], complaint: str) -> None:
    values: dict[str, Any] = {name: file if value == "FILE" else value for name, value in given.items()}
    with pytest.raises(SettingsError, match=complaint.replace(".", r"\.")) as refusal:
        Settings(**values)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("make", [broker_credentials, lambda settings: FrankAdminClient(settings.librdkafka())])
def test_an_invalid_certificate_file_is_reported_in_one_line(make: Callable[[Settings], object], file: str) -> None:
    Path(file).write_text("not a certificate", encoding="utf-8")
    with pytest.raises(SettingsError) as refusal:
        make(Settings(kafka_security_protocol="SSL", kafka_ssl_ca_file=file))
    (line,) = str(refusal.value).splitlines()
    assert "kafka_" in line


def test_files_for_redis_are_given_to_its_client_by_its_own_names(file: str) -> None:
    settings = Settings(redis_url="rediss://h:1/0", redis_ca_file=file, redis_cert_file=file, redis_key_file=file)
    assert settings.redis_tls() == dict.fromkeys(("ssl_ca_certs", "ssl_certfile", "ssl_keyfile"), file)
    assert Settings(redis_url="rediss://h:1/0").redis_tls() == {}
