"""``stream topics create`` and ``stream topics describe``."""

import time
from dataclasses import asdict

import click
import orjson
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from stream.agents.kafka_access import FrankAdminClient
from stream.cli.findings import Finding, FindingLevel, show, worst
from stream.cli.kafka import admin_client, cluster_metadata
from stream.cli.options import SettingsCommand, with_settings
from stream.cli.retention_findings import RETENTION_KEY, declared_ms
from stream.cli.topic_configs import values_of
from stream.cli.topic_findings import topic_findings
from stream.errors import TopologyError
from stream.settings import Settings

__all__ = ["create_topics", "retain_topics", "topics"]

CREATE_TIMEOUT_S = 30.0
VISIBLE_TIMEOUT_S = 30.0
POLL_INTERVAL_S = 0.1


@click.group()
def topics() -> None:
    """Create or describe the topics."""


@topics.command(cls=SettingsCommand)
@with_settings("Kafka", "Topics", "Worker", "Privacy")
def create(settings: Settings) -> None:
    """Create the topics that do not exist; check those that do. Running it again changes nothing."""
    created = create_topics(settings)
    click.echo(f"created {', '.join(created)}" if created else "all topics exist", err=True)
    _report([*topic_findings(settings, cluster_metadata(settings))], as_json=False)


@topics.command(cls=SettingsCommand)
@click.option("--json", "as_json", is_flag=True, help="A JSON array of findings.")
@with_settings("Kafka", "Topics")
def describe(settings: Settings, *, as_json: bool) -> None:
    """Compare the topics with what the program needs. Exit status 1 if it cannot work with them."""
    _report([*topic_findings(settings, cluster_metadata(settings))], as_json=as_json)


@topics.command(cls=SettingsCommand)
@with_settings("Kafka", "Topics", "Worker", "Privacy")
def retain(settings: Settings) -> None:
    """Let the topics keep records for as long as the settings keep_..._days and text_keep_days say.

    What is older is deleted by the brokers. Topics that no setting limits stay as they are.
    """
    changed = retain_topics(settings)
    click.echo(f"changed {', '.join(changed)}" if changed else "all topics keep records as long as declared", err=True)


def retain_topics(settings: Settings) -> list[str]:
    """Let the topics that exist keep records as the settings say; returns those that were changed.

    Raises `TopologyError` when the broker refuses.
    """
    admin = admin_client(settings)
    declared = declared_ms(settings)
    existing = cluster_metadata(settings, admin).topics
    kept = values_of(admin, [name for name in declared if name in existing], RETENTION_KEY)
    others = {name: declared[name] for name, value in kept.items() if int(value) != declared[name]}
    resources = [_retaining(name, milliseconds) for name, milliseconds in others.items()]
    for resource, outcome in (admin.incremental_alter_configs(resources) if resources else {}).items():
        try:
            outcome.result(CREATE_TIMEOUT_S)
        except KafkaException as error:
            raise TopologyError(f"topic {resource.name} was not changed: {error.args[0].str()}") from error
    return [*others]


def _retaining(name: str, milliseconds: int) -> ConfigResource:
    entry = ConfigEntry(RETENTION_KEY, str(milliseconds), incremental_operation=AlterConfigOpType.SET)
    return ConfigResource(ResourceType.TOPIC, name, incremental_configs=[entry])


def create_topics(settings: Settings) -> list[str]:
    """Create the missing ones of `Settings.topics` and wait until every broker's metadata can show them.

    Returns the names of those created. Raises `TopologyError` when the broker refuses.
    """
    admin = admin_client(settings)
    existing = cluster_metadata(settings, admin).topics
    missing = [
        NewTopic(name, count, settings.replication, config=_topic_config(settings, name))
        for name, count in settings.topics.items()
        if name not in existing
    ]
    created = []
    for name, outcome in (admin.create_topics(missing) if missing else {}).items():
        try:
            outcome.result(CREATE_TIMEOUT_S)
        except KafkaException as error:
            if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:  # another process was faster
                continue
            raise TopologyError(f"topic {name} was not created: {error.args[0].str()}") from error
        created.append(name)
    _wait_until_visible(settings, admin)
    return created


def _topic_config(settings: Settings, name: str) -> dict[str, str]:
    config = {}
    retention_ms = declared_ms(settings).get(name)
    if retention_ms is not None:
        config[RETENTION_KEY] = str(retention_ms)
    if name in {settings.customers, settings.assignments, settings.privacy_requests, settings.recommendations}:
        # The newest record of each customer, id or request stays for readers that begin at the start of the topic.
        config["cleanup.policy"] = "compact"
    if settings.replication > 1:
        # One replica may be down without stopping producers that ask for all acknowledgements.
        config["min.insync.replicas"] = str(settings.replication - 1)
    # What is published carries its own time. By the time of its records, which producers of events set to the
    # same, the broker would delete replayed history as soon as it arrives.
    config["message.timestamp.type"] = "LogAppendTime"
    return config


def _wait_until_visible(settings: Settings, admin: FrankAdminClient) -> None:
    deadline = time.monotonic() + VISIBLE_TIMEOUT_S
    while missing := {*settings.topics} - {*cluster_metadata(settings, admin).topics}:
        if time.monotonic() > deadline:
            raise TopologyError(
                f"the broker accepted topics that it does not show after {VISIBLE_TIMEOUT_S:g} s: {missing}"
            )
        time.sleep(POLL_INTERVAL_S)


def _report(findings: list[Finding], *, as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps([asdict(finding) for finding in findings], option=orjson.OPT_INDENT_2))
    else:
        show(findings)
    if worst(findings) is FindingLevel.FAIL:
        raise TopologyError("the topics are not what the program needs")
