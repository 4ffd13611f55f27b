"""``stream doctor``: check everything a worker depends on."""

import platform
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from itertools import chain

import click
import orjson

from stream.cli.findings import Finding, FindingLevel, show, worst
from stream.cli.kafka import admin_client, cluster_metadata
from stream.cli.options import SettingsCommand, with_settings
from stream.cli.record_times import record_time_findings
from stream.cli.retention_findings import RETENTION_KEY, declared_ms, retention_findings
from stream.cli.topic_configs import values_of
from stream.cli.topic_findings import topic_findings
from stream.clock import Clock, SystemClock
from stream.errors import StorageError, TopologyError
from stream.settings import Settings
from stream.storage.overview import Overview
from stream.storage.redis_facts import RedisFacts, diagnose

__all__ = ["all_findings", "doctor", "redis_findings"]

TIMEOUT_S = 5.0
CLOCK_TOLERANCE_S = 1.0
MEMORY_WARNING_SHARE = 0.8
OLDEST_REDIS = (6, 2)

_PACKAGES = (
    *("faust-streaming", "aiokafka", "confluent-kafka", "redis", "hiredis"),
    *("river", "numba", "numpy", "orjson", "msgspec", "uvloop"),
)


@click.command(cls=SettingsCommand)
@click.option("--json", "as_json", is_flag=True, help="A JSON array of findings.")
@click.option("--scan", is_flag=True, help="Read every stored profile, too, and name those that are damaged.")
@with_settings("Kafka", "Topics", "Redis", "Time")
@click.pass_context
def doctor(ctx: click.Context, settings: Settings, *, as_json: bool, scan: bool) -> None:
    """Check everything a worker depends on: packages, Kafka, topics, Redis, clocks.

    Each line is ok, warn or fail, with what to do. Exit status 1 if anything fails.
    """
    findings = all_findings(settings)
    if scan:
        from stream.cli.profile_scan import profile_findings  # reads compiled code, which takes seconds

        findings += profile_findings(settings)
    if as_json:
        click.echo(orjson.dumps([asdict(finding) for finding in findings], option=orjson.OPT_INDENT_2))
    else:
        show(findings)
    ctx.exit(1 if worst(findings) is FindingLevel.FAIL else 0)


def all_findings(settings: Settings) -> list[Finding]:
    """What the command finds without reading profiles."""
    return [*chain(_packages(), _kafka(settings), _redis(settings, SystemClock()))]


def _packages() -> Iterator[Finding]:
    installed, missing = [f"python {platform.python_version()}"], []
    for name in _PACKAGES:
        try:
            installed.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    yield Finding(FindingLevel.OK, "packages", ", ".join(installed))
    if missing:
        yield Finding(
            FindingLevel.FAIL, "packages", f"not installed: {', '.join(missing)}", "pip install customer-stream"
        )


def _kafka(settings: Settings) -> Iterator[Finding]:
    admin = admin_client(settings)
    try:
        metadata = cluster_metadata(settings, admin)
    except TopologyError as error:
        yield Finding(FindingLevel.FAIL, "kafka", "not reachable", str(error))
        return
    brokers = len(metadata.brokers)
    found = f"{brokers} broker{'s' * (brokers != 1)} at {settings.kafka_bootstrap}"
    if brokers < settings.replication:
        advice = f"the setting replication is {settings.replication}: topics cannot be created"
        yield Finding(FindingLevel.FAIL, "kafka", found, advice)
    elif brokers > 1 and settings.replication == 1:
        yield Finding(FindingLevel.WARN, "kafka", found, "the setting replication is 1: one lost broker loses events")
    else:
        yield Finding(FindingLevel.OK, "kafka", found)
    yield from topic_findings(settings, metadata)
    judged = (*settings.all_event_topics, settings.arrivals)
    yield from record_time_findings(admin, [topic for topic in judged if topic in metadata.topics])
    declared = [topic for topic in declared_ms(settings) if topic in metadata.topics]
    yield from retention_findings(settings, values_of(admin, declared, RETENTION_KEY))


def _redis(settings: Settings, clock: Clock) -> Iterator[Finding]:
    address = settings.masked()["redis_url"]
    try:
        nodes = diagnose(settings, timeout_s=TIMEOUT_S)
    except StorageError as error:
        yield Finding(FindingLevel.FAIL, f"redis {address}", "not reachable", str(error))
        return
    for number, facts in enumerate(nodes):
        subject = f"redis {address}" if len(nodes) == 1 else f"redis primary {number}"
        yield from redis_findings(settings, subject, facts, now_ms=clock.now_ms())
    yield from _placement(settings)


def _placement(settings: Settings) -> Iterator[Finding]:
    """Whether producers put customers where they belong, as far as workers have seen."""
    try:
        with Overview(settings) as overview:
            totals = overview.totals()
    except StorageError as error:
        yield Finding(FindingLevel.FAIL, "customers' keys", "the workers' totals cannot be read", str(error))
        return
    counters = totals.counters
    if totals.quarantined:
        advice = "see `stream quarantine list`; restore them from a backup, then `stream quarantine release ID`"
        found = f"{totals.quarantined:,} customers are set aside: their stored profile cannot be read"
        yield Finding(FindingLevel.WARN, "stored profiles", found, advice)
    if counters.forwarded == 0:
        yield Finding(FindingLevel.OK, "customers' keys", "every event taken in lay in the partition of its customer")
        return
    yield Finding(
        FindingLevel.WARN,
        "customers' keys",
        f"{counters.forwarded:,} of {counters.events_in:,} events lay in another partition than their customer's;"
        " workers sent them on",
        "a producer uses another partitioner: set murmur2_random in librdkafka clients (docs/producers.md)",
    )


def redis_findings(settings: Settings, subject: str, facts: RedisFacts, *, now_ms: int) -> Iterator[Finding]:
    """Judge one node: version, role, persistence, eviction, memory, clock."""
    release = tuple(int(part) for part in facts.version.split(".")[:2])
    if release < OLDEST_REDIS:
        oldest = ".".join(map(str, OLDEST_REDIS))
        yield Finding(FindingLevel.FAIL, subject, f"version {facts.version}", f"upgrade to {oldest} or later")
    elif facts.role != "master":
        yield Finding(FindingLevel.FAIL, subject, f"is a {facts.role}", "point redis_url at the primary")
    elif facts.cluster != settings.redis_cluster:
        is_one = "is" if facts.cluster else "is not"
        advice = f"set redis_cluster to {str(facts.cluster).lower()}"
        yield Finding(FindingLevel.FAIL, subject, f"{is_one} part of a cluster", advice)
    else:
        yield Finding(FindingLevel.OK, subject, f"version {facts.version}")
    yield from _durability(subject, facts)
    yield _clock(subject, (now_ms - facts.clock_ms) / 1000)


def _durability(subject: str, facts: RedisFacts) -> Iterator[Finding]:
    if not facts.append_only:
        advice = "a crash of Redis loses all since its last snapshot, replayed from Kafka while that keeps it: "
        yield Finding(FindingLevel.WARN, subject, "no append-only file", f"{advice}set appendonly yes")
    elif facts.append_fsync == "no":
        advice = "set appendfsync everysec or always"
        yield Finding(FindingLevel.WARN, subject, "append-only file, synced when the system likes", advice)
    else:
        yield Finding(FindingLevel.OK, subject, f"append-only file, appendfsync {facts.append_fsync or 'not told'}")
    if facts.append_only and facts.load_truncated == "yes":
        advice = "after two crashes half a step can be stored: set aof-load-truncated no, see docs/reliability.md"
        yield Finding(FindingLevel.WARN, subject, "aof-load-truncated yes", advice)
    if facts.eviction_policy != "noeviction":
        advice = "evicted keys are lost customers: set maxmemory-policy noeviction"
        level = FindingLevel.FAIL if facts.max_memory else FindingLevel.WARN
        yield Finding(level, subject, f"maxmemory-policy {facts.eviction_policy or 'not told'}", advice)
    else:
        yield Finding(FindingLevel.OK, subject, "maxmemory-policy noeviction")
    if facts.max_memory:
        share = facts.used_memory / facts.max_memory
        found = f"{share:.0%} of {facts.max_memory / 2**20:,.0f} MiB used"
        full = share > MEMORY_WARNING_SHARE
        yield Finding(
            FindingLevel.WARN if full else FindingLevel.OK,
            subject,
            found,
            "at 100% workers stop: raise maxmemory" if full else "",
        )


def _clock(subject: str, ahead_s: float) -> Finding:
    found = f"clock differs by {abs(ahead_s):.1f} s"
    if abs(ahead_s) > CLOCK_TOLERANCE_S:
        advice = "synchronise the clocks (NTP): alerts of silent customers come so much too early or too late"
        return Finding(FindingLevel.WARN, subject, found, advice)
    return Finding(FindingLevel.OK, subject, found)
