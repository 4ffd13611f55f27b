"""The Kubernetes manifests are valid, grant few rights, and name only commands, settings and metrics that exist."""

from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from click.testing import CliRunner

from stream import metrics
from stream.cli import main
from stream.settings import Settings
from tests.deploy.manifests import KUBERNETES, containers, of_kind, rendered

VERSIONS = ("1.33", "1.37")
#: Kinds of other projects, whose schemas are not Kubernetes' own.
FOREIGN = {"ScaledObject"}
WORKLOADS = ("StatefulSet", "Deployment", "Job")
#: The content of the Secrets that the manifests need, from docs/deployment.md.
SECRETS = {
    "kafka": {"STREAM_KAFKA_SASL_USERNAME": "worker", "STREAM_KAFKA_SASL_PASSWORD": "secret"},
    "redis": {"STREAM_REDIS_URL": "rediss://worker:secret@redis.redis:6379/0"},
    "console": {"STREAM_REDIS_URL": "rediss://console:secret@redis.redis:6379/0"},
    "directory": {"STREAM_DIRECTORY_URL": "postgresql://stream:secret@postgres.postgres/stream"},
    "ingest": {"STREAM_INGEST_TOKEN": "0123456789abcdef"},
    "notify": {"STREAM_REDIS_URL": "rediss://notify:secret@redis.redis:6379/0", "NOTIFY_CRM_TOKEN": "secret"},
}

Manifest = dict[str, Any]


@pytest.fixture(scope="module", params=["base", "overlays/example"])
def objects(request: pytest.FixtureRequest) -> list[Manifest]:
    return rendered(KUBERNETES / request.param)


@pytest.fixture(scope="module")
def example() -> list[Manifest]:
    return rendered(KUBERNETES / "overlays" / "example")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_keeps_the_schema_of_its_kind(objects: list[Manifest], version: str) -> None:
    own = [found for found in objects if found["kind"] not in FOREIGN]
    assert {"StatefulSet", "Deployment", "Job", "PodDisruptionBudget", "NetworkPolicy"} <= {f["kind"] for f in own}
    for found in own:
        kubernetes_validate.validate(found, version, strict=True)


def test_the_schemas_notice_a_misspelt_field(objects: list[Manifest]) -> None:
    worker = named(objects, "worker")
    broken = {**worker, "spec": {**worker["spec"], "replica": 3}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[-1], strict=True)


def test_no_container_has_more_rights_than_it_needs(objects: list[Manifest]) -> None:
    for workload in of_kind(objects, *WORKLOADS):
        pod = workload["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        for container in containers(workload):
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"] is True
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert "memory" in container["resources"]["limits"]
            assert {"cpu", "memory"} == container["resources"]["requests"].keys()
            assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"]  # noqa: S108 - an emptyDir


def named(objects: list[Manifest], name: str) -> Manifest:
    (found,) = [found for found in of_kind(objects, "StatefulSet") if found["metadata"]["name"] == name]
    return found


def environment(objects: list[Manifest], container: Manifest) -> dict[str, str]:
    """The variables of a container, with the secrets as documented."""
    configured = {found["metadata"]["name"]: found["data"] for found in of_kind(objects, "ConfigMap")}
    variables: dict[str, str] = {}
    for source in container["envFrom"]:
        if "configMapRef" in source:
            variables |= configured[source["configMapRef"]["name"]]
        else:
            variables |= SECRETS[source["secretRef"]["name"]]
    for variable in container.get("env", []):
        variables[variable["name"]] = variable.get("value", "worker-0")
    return variables


def test_every_command_exists_and_its_settings_fit_together(example: list[Manifest], tmp_path: Path) -> None:
    certificate = tmp_path / "ca.crt"
    certificate.touch()
    for workload in of_kind(example, *WORKLOADS):
        for container in containers(workload):
            outcome = CliRunner().invoke(main, [*container["args"], "--help"])
            assert outcome.exit_code == 0, outcome.output
            variables = environment(example, container)
            mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
            for name, value in variables.items():
                if name.endswith("_FILE") and value.startswith("/etc/certificates/"):
                    assert "/etc/certificates" in mounted
                    variables[name] = str(certificate)
            settings = Settings.from_env(variables)
            assert settings.kafka_security_protocol == "SASL_SSL"
            assert settings.log_format == "json"
            assert settings.metrics_port == 9100
            assert bool(settings.redis_ca_file) == settings.redis_url.startswith("rediss://")


@pytest.mark.parametrize("name", ["worker", "trainer"])
def test_a_worker_is_a_static_member_by_the_name_of_its_pod(objects: list[Manifest], name: str) -> None:
    worker = named(objects, name)
    (container,) = containers(worker)
    (variable,) = [found for found in container["env"] if found["name"] == "STREAM_INSTANCE_ID"]
    assert variable["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    # longer than the 30 s after which the command itself gives up
    assert worker["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > 30


def test_probes_ask_for_pages_that_are_served(objects: list[Manifest]) -> None:
    served = {"metrics": {"/health/live"}, "http": {"/health/live", "/health/ready"}}
    for workload in of_kind(objects, "StatefulSet", "Deployment"):
        for container in containers(workload):
            pages = dict(served)
            if workload["kind"] == "StatefulSet" or workload["metadata"]["name"] == "console":
                pages["metrics"] = {"/health/live", "/health/ready", "/health/startup"}
            asked = [container[name]["httpGet"] for name in container if name.endswith("Probe")]
            assert len(asked) >= 2
            assert all(get["path"] in pages[get["port"]] for get in asked)
            assert {get["port"] for get in asked} <= {port["name"] for port in container["ports"]}


def test_selectors_choose_pods_that_exist(objects: list[Manifest]) -> None:
    labels = [w["spec"]["template"]["metadata"]["labels"] for w in of_kind(objects, *WORKLOADS)]
    chosen = [found["spec"]["selector"] for found in of_kind(objects, "Service")]
    chosen += [found["spec"]["selector"]["matchLabels"] for found in of_kind(objects, "PodDisruptionBudget")]
    policies = of_kind(objects, "NetworkPolicy")
    chosen += [found["spec"]["podSelector"].get("matchLabels", {}) for found in policies]
    for selector in chosen:
        assert any(selector.items() <= pod.items() for pod in labels), selector
    assert any(found["spec"]["podSelector"] == {} and "ingress" not in found["spec"] for found in policies)


def test_scaling_asks_for_a_metric_that_workers_have_and_leaves_the_number_of_replicas_alone(
    example: list[Manifest],
) -> None:
    (scaled,) = of_kind(example, "ScaledObject")
    worker = named(example, "worker")
    target = scaled["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("StatefulSet", worker["metadata"]["name"])
    assert "replicas" not in worker["spec"]
    (trigger,) = scaled["spec"]["triggers"]
    exposed = {sample.name for family in metrics.REGISTRY.collect() for sample in family.samples}
    exposed |= {family.name for family in metrics.REGISTRY.collect()}
    assert trigger["metadata"]["query"].removeprefix("sum(").removesuffix(")") in exposed
    assert scaled["spec"]["minReplicaCount"] <= scaled["spec"]["maxReplicaCount"]
    partitions = int(environment(example, containers(worker)[0])["STREAM_PARTITIONS"])
    assert scaled["spec"]["maxReplicaCount"] <= partitions


def test_no_secret_is_in_the_sources() -> None:
    for path in KUBERNETES.rglob("*.yaml"):
        for found in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            assert found["kind"] != "Secret" if "kind" in found else True, path
