"""docker-compose.yml is valid, grants few rights, and names only commands, settings and files that exist."""

import re
from collections.abc import Mapping
from typing import Any

import compose_spec
import pytest
import yaml
from click.testing import CliRunner

from stream.cli import main
from stream.settings import Settings
from tests.field import ROOT

TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
OWN = ("topics", "worker", "trainer", "directory", "console", "ingest", "notify")


def interpolated(text: str) -> str:
    """Every ``${NAME:-default}`` as its default, as in an environment without any of them."""
    assert not re.search(r"\$\{\w+\}|\$\w", text), "a variable without a default"
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


@pytest.fixture(scope="module")
def services() -> Mapping[str, Any]:
    loaded = yaml.safe_load(interpolated(TEXT))["services"]
    assert isinstance(loaded, dict)
    return loaded


def parsed(text: str) -> "compose_spec.PyCompose":
    # merge keys are YAML's, not Compose's: PyYAML resolves them
    compose = compose_spec.PyCompose.from_yaml(yaml.safe_dump(yaml.safe_load(text)))
    compose.validate()
    return compose


def test_the_file_keeps_the_compose_specification() -> None:
    names = parsed(interpolated(TEXT)).service_names()
    assert {*OWN, "kafka", "redis", "prometheus", "alertmanager", "grafana"} == {*names}


@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        ("restart: unless-stopped", "restat: unless-stopped", "restat"),
        ("service_healthy", "service_helthy", "service_helthy"),
        ("stop_grace_period: 40s", "stop_grace_period: a-while", "a-while"),
    ],
)
def test_the_specification_notices_a_mistake(good: str, bad: str, complaint: str) -> None:
    assert good in TEXT
    with pytest.raises(ValueError, match=complaint):
        parsed(interpolated(TEXT).replace(good, bad, 1))


@pytest.mark.parametrize("name", OWN)
def test_every_command_exists_and_its_settings_fit_together(services: Mapping[str, Any], name: str) -> None:
    service = services[name]
    outcome = CliRunner().invoke(main, [*service["command"], "--help"])
    assert outcome.exit_code == 0, outcome.output
    settings = Settings.from_env(service["environment"])
    assert settings.kafka_bootstrap == "kafka:9092"
    assert settings.redis_url.startswith("redis://redis:")


def test_every_service_is_restarted_limited_and_without_privileges(services: Mapping[str, Any]) -> None:
    for name, service in services.items():
        assert service["restart"] == ("on-failure" if name == "topics" else "unless-stopped"), name
        assert "memory" in service["deploy"]["resources"]["limits"], name
        assert not service.get("privileged"), name
        if name in OWN:
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]
            assert service["security_opt"] == ["no-new-privileges:true"]
        else:
            assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+[\w.-]*", service["image"]), f"{name} is not pinned"


def test_only_addresses_of_this_machine_are_published(services: Mapping[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published.keys() == {"kafka", "console", "ingest", "prometheus", "alertmanager", "grafana"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_what_a_service_waits_for_has_a_health_check_or_ends(services: Mapping[str, Any]) -> None:
    for service in services.values():
        depended = service.get("depends_on", {})
        for other, how in depended.items() if isinstance(depended, dict) else ():
            condition = how["condition"]
            if condition == "service_healthy":
                assert "healthcheck" in services[other], other
            else:
                assert condition == "service_completed_successfully"
                assert services[other]["restart"] == "on-failure", other


def test_directory_and_console_share_a_volume_that_the_image_gives_to_their_user(services: Mapping[str, Any]) -> None:
    volumes = [services[name]["volumes"] for name in ("directory", "console")]
    assert volumes[0] == volumes[1]
    path = volumes[0][0].partition(":")[2]
    assert {services[name]["environment"]["STREAM_DATA_DIR"] for name in ("directory", "console")} == {path}
    made = re.search(r"install --directory --owner stream --group stream --mode 700 (\S+)", DOCKERFILE)
    assert made is not None
    assert made[1] == path


def test_redis_keeps_every_key_over_a_crash(services: Mapping[str, Any]) -> None:
    command = services["redis"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--aof-load-truncated"] == "no"
    assert options["--maxmemory-policy"] == "noeviction"
    assert options["--maxmemory"] != "0"


def test_every_file_that_is_mounted_or_read_exists(services: Mapping[str, Any]) -> None:
    for name, service in services.items():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("."):
                assert (ROOT / source).exists(), f"{name}: {volume}"
        for file in service.get("env_file", []):
            assert file["required"] is False
            assert (ROOT / f"{file['path']}.example").is_file(), f"{name}: {file}"


def test_every_process_has_the_keys_that_all_must_share_and_the_console_its_own(services: Mapping[str, Any]) -> None:
    read = {name: [file["path"] for file in services[name].get("env_file", [])] for name in OWN}
    assert {name for name, files in read.items() if "deploy/keys.env" in files} == {*OWN} - {"topics"}
    assert read["console"] == ["deploy/keys.env", "deploy/console.env"]


def test_examples_of_secrets_name_settings_that_their_services_accept(services: Mapping[str, Any]) -> None:
    for name in OWN:
        values = dict(services[name]["environment"])
        for file in services[name].get("env_file", []):
            text = (ROOT / f"{file['path']}.example").read_text(encoding="utf-8")
            values |= {
                line.removesuffix("="): "" for line in text.splitlines() if re.fullmatch(r"STREAM_[A-Z_]+=", line)
            }
        assert Settings.from_env(values) == Settings.from_env(services[name]["environment"])


def test_examples_of_secrets_hold_none() -> None:
    for path in (ROOT / "deploy").glob("*.env.example"):
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
        assert lines
        assert all(re.fullmatch(r"[A-Z_]+=", line) for line in lines), path
    assert "/deploy/*.env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
