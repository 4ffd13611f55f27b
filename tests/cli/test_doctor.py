"""The doctor's findings in good and bad installations."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from stream.cli.doctor import redis_findings
from stream.cli.findings import Finding, FindingLevel, worst
from stream.cli.retention_findings import declared_ms, retention_findings
from stream.errors import StorageError
from stream.local.broker import EmbeddedBroker
from stream.local.redis import EmbeddedRedis
from stream.settings import Settings
from stream.storage.redis_facts import RedisFacts, diagnose

Run = Callable[..., "subprocess.CompletedProcess[str]"]

GOOD = RedisFacts(
    version="7.4.1",
    role="master",
    cluster=False,
    append_only=True,
    append_fsync="everysec",
    load_truncated="no",
    eviction_policy="noeviction",
    used_memory=10 * 2**20,
    max_memory=100 * 2**20,
    clock_ms=1_000_000,
)


def judge(facts: RedisFacts, settings: Settings | None = None) -> list[Finding]:
    return list(redis_findings(settings or Settings(), "redis", facts, now_ms=1_000_000))


def test_a_good_redis_has_no_findings() -> None:
    assert worst(judge(GOOD)) is FindingLevel.OK


@pytest.mark.parametrize(
    ("facts", "level", "advice"),
    [
        (replace(GOOD, version="5.0.14"), FindingLevel.FAIL, "upgrade to 6.2"),
        (replace(GOOD, role="slave"), FindingLevel.FAIL, "point redis_url at the primary"),
        (replace(GOOD, cluster=True), FindingLevel.FAIL, "set redis_cluster to true"),
        (replace(GOOD, append_only=False), FindingLevel.WARN, "appendonly yes"),
        (replace(GOOD, append_fsync="no"), FindingLevel.WARN, "appendfsync everysec"),
        (replace(GOOD, load_truncated="yes"), FindingLevel.WARN, "aof-load-truncated no"),
        (replace(GOOD, eviction_policy="allkeys-lru"), FindingLevel.FAIL, "maxmemory-policy noeviction"),
        (
            replace(GOOD, eviction_policy="allkeys-lru", max_memory=0),
            FindingLevel.WARN,
            "maxmemory-policy noeviction",
        ),
        (replace(GOOD, used_memory=90 * 2**20), FindingLevel.WARN, "raise maxmemory"),
        (replace(GOOD, clock_ms=1_000_000 - 2_000), FindingLevel.WARN, "synchronise"),
        (replace(GOOD, clock_ms=1_000_000 + 301_000), FindingLevel.WARN, "too early or too late"),
    ],
)
def test_each_fault_of_redis_is_found_with_its_remedy(facts: RedisFacts, level: FindingLevel, advice: str) -> None:
    bad = [finding for finding in judge(facts) if finding.level is not FindingLevel.OK]
    assert [finding.level for finding in bad] == [level]
    assert advice in bad[0].advice


def test_a_hidden_configuration_is_no_failure() -> None:
    assert worst(judge(replace(GOOD, append_fsync="", load_truncated=""))) is FindingLevel.OK


def test_a_running_redis_tells_how_it_is_configured(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path, appendonly=False, maxmemory="64mb") as server:
        (facts,) = diagnose(Settings(redis_url=server.url), timeout_s=5)
    assert not facts.append_only
    assert facts.eviction_policy == "noeviction"
    assert facts.max_memory == 64 * 2**20
    assert facts.role == "master"


def test_an_absent_redis_is_a_storage_error() -> None:
    with pytest.raises(StorageError, match="ConnectionError"):
        diagnose(Settings(redis_url="redis://127.0.0.1:1/0"), timeout_s=1)


def test_a_single_redis_is_not_taken_for_a_cluster(redis_server: EmbeddedRedis) -> None:
    with pytest.raises(StorageError):
        diagnose(Settings(redis_url=redis_server.url, redis_cluster=True), timeout_s=5)


def test_a_complete_installation_is_status_0(run: Run) -> None:
    assert run("topics", "create").returncode == 0
    done = run("doctor")
    assert done.returncode == 0, done.stdout
    assert "fail" not in done.stdout
    assert "packages: python 3." in done.stdout
    assert "event topics: the times of records are the broker's" in done.stdout
    assert "retention: 4 topics keep records as long as declared" in done.stdout
    # the embedded broker has made them so; another setting is another retention
    longer = run("doctor", STREAM_TEXT_KEEP_DAYS="80")
    assert "feedback-texts: keeps records 90 days, declared is 80 days" in longer.stdout
    assert run("topics", "retain").returncode == 0


def test_topics_that_keep_records_longer_or_shorter_than_declared_are_named() -> None:
    settings = Settings(keep_events_days=90, keep_dead_letters_days=30, text_keep_days=10)
    declared = declared_ms(settings)
    assert "alerts" not in declared
    kept = {name: str(milliseconds) for name, milliseconds in declared.items()}
    assert [finding.level for finding in retention_findings(settings, kept)] == [FindingLevel.OK]
    changed = {"events.click": "-1", "feedback-texts": str(11 * 86_400_000), "events.consent": str(7 * 86_400_000)}
    found = {one.subject: one for one in retention_findings(settings, {**kept, **changed})}
    assert found.keys() == {"retention", *(f"retention {name}" for name in changed)}
    assert found["retention events.click"].found == "keeps records for ever, declared is 90 days"
    assert "stays longer" in found["retention feedback-texts"].advice
    assert "too early" in found["retention events.consent"].advice
    assert [*retention_findings(settings, {})] == []


def test_event_topics_whose_records_have_producers_times_are_named(
    run: Run, broker: EmbeddedBroker, topic_prefix: str
) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    by_hand = [f"{topic_prefix}arrivals", f"{topic_prefix}events.email"]
    of_producers = {"message.timestamp.type": "CreateTime"}
    for created in admin.create_topics([NewTopic(name, 3, 1, config=of_producers) for name in by_hand]).values():
        created.result(20)
    assert run("topics", "create").returncode == 0
    done = run("doctor")
    assert done.returncode == 0, done.stdout
    found = [line for line in done.stdout.splitlines() if line.startswith("warn  event topics")]
    assert found == [f"warn  event topics: the times of records are the producers' in {', '.join(by_hand)}"]
    assert "message.timestamp.type=LogAppendTime" in done.stdout


def test_missing_topics_and_servers_are_status_1(run: Run) -> None:
    done = run("doctor", "--json", STREAM_REDIS_URL="redis://:s3cret@127.0.0.1:1/0")
    assert done.returncode == 1
    failures = {item["subject"] for item in json.loads(done.stdout) if item["level"] == "fail"}
    assert "redis redis://:***@127.0.0.1:1/0" in failures
    assert any(subject.endswith("events.click") for subject in failures)
    assert "s3cret" not in done.stdout
