"""``stream models``: an operator's view and decisions."""

import asyncio
import json
import os
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from stream.cli import main
from stream.cli.console_operations import ShopOperations
from stream.local.redis import EmbeddedRedis
from stream.online_models.learner import Learner, LearnerSettings
from stream.online_models.report import ModelReport, encode_report
from stream.online_models.snapshot import encode_snapshot
from stream.settings import Settings
from stream.storage.connection import connect
from stream.storage.keys import Keys
from stream.storage.model_store import Candidate, Checkpoint, ModelStore, Publication
from tests.online_models.made_up import examples

HOUR_MS = 3_600_000
Run = Callable[..., Result]


@pytest.fixture
def run(redis_server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch) -> Run:
    """``run("models", "list", STREAM_NAMESPACE="x")``: in this process, as importing the models takes seconds."""
    monkeypatch.setenv("STREAM_REDIS_URL", redis_server.url)
    return lambda *arguments, **variables: CliRunner().invoke(main, arguments, env=variables)


@pytest.fixture
def variables(redis_server: EmbeddedRedis, namespace: str) -> dict[str, str]:
    """Three saves of a trainer, two hours apart; the variables under which commands find them."""

    async def save() -> None:
        client = connect(Settings(redis_url=redis_server.url))
        store = ModelStore(client, Keys(namespace), "trainer")
        await store.claim()
        learner = Learner(LearnerSettings(min_labels=100, min_class_labels=10))
        for k, example in enumerate(examples(1, 900)):
            learner.learn(example)
            if k % 300 == 299:
                snapshots = {name: learner.snapshot(k * HOUR_MS, name) for name in learner.contenders()}
                candidates = {n: Candidate(s.churn.version, encode_snapshot(s)) for n, s in snapshots.items()}
                report = ModelReport(
                    created_at_ms=k * HOUR_MS,
                    labels=learner.labels_seen,
                    standings=learner.standings(),
                    versions=tuple(candidate.version for candidate in candidates.values()),
                )
                publication = Publication(learner.champion, candidates, encode_report(report), k * HOUR_MS)
                await store.save(Checkpoint(b"", k), {}, publication)
        await client.aclose()

    asyncio.run(save())
    return {"STREAM_NAMESPACE": namespace}


def test_models_are_listed_promoted_and_rolled_back(run: Run, variables: dict[str, str]) -> None:
    def listed() -> dict[str, object]:
        shown = run("models", "list", "--json", **variables)
        assert shown.exit_code == 0, shown.stderr
        found: dict[str, object] = json.loads(shown.stdout)
        return found

    before = listed()
    assert json.loads(run("models", "--json", **variables).stdout) == before
    assert run("models", "--json", "list", **variables).exit_code == 2
    assert [(model["name"], model["role"]) for model in before["models"]] == [  # type: ignore[attr-defined]
        ("standard", "champion"),
        ("quick", "challenger"),
        ("patient", "challenger"),
    ]
    promoted = run("models", "promote", "quick", "--by", "ann", **variables)
    assert promoted.exit_code == 0, promoted.stderr
    after = listed()
    assert (after["in_use"]["model"], after["pinned"], after["automatic"]) == ("quick", "quick", "standard")  # type: ignore[index]
    rolled_back = run("models", "rollback", **variables)
    assert rolled_back.exit_code == 0, rolled_back.stderr
    earlier = listed()
    assert earlier["frozen"]
    assert earlier["in_use"] == before["in_use"]
    assert [(d["by"], d["action"]) for d in earlier["decisions"]][-1] == ("ann", "promote")  # type: ignore[attr-defined]
    table = run("models", **variables)
    assert table.exit_code == 0, table.stderr
    assert "champion" in table.stdout
    assert "frozen" in table.stdout
    assert "promote quick" in table.stdout
    shown = ShopOperations(Settings.from_env({**variables, "STREAM_REDIS_URL": os.environ["STREAM_REDIS_URL"]}))
    found = shown.models()
    assert (found.mode, found.can_roll_back) == ("frozen", True)
    (used,) = [one.name for one in found.contenders if one.is_in_use]
    assert used == earlier["in_use"]["model"]  # type: ignore[index]
    assert [(one.by, one.action, one.model) for one in found.decisions][-1] == ("ann", "promote", "quick")
    shown.decide("promote", "patient", "bea")
    shown.decide("automatic", "", "bea")
    assert (shown.models().mode, shown.models().decisions[0].by) == ("automatic", "bea")


def test_an_impossible_decision_is_refused_with_the_choices(run: Run, variables: dict[str, str]) -> None:
    unknown = run("models", "promote", "nobody", **variables)
    assert (unknown.exit_code, unknown.stderr.count("\n")) == (1, 1)
    assert "there is no model 'nobody'; there are: patient, quick, standard" in unknown.stderr
    missing = run("models", "rollback", "--to", "7", **variables)
    assert missing.exit_code == 1
    assert "version 7 is not kept; kept versions: " in missing.stderr
    for decision in ("unfreeze", "automatic", "rollback"):
        empty = run("models", decision, STREAM_NAMESPACE="nothing-here")
        assert empty.exit_code == 1
        assert "there are no models yet" in empty.stderr
    assert "no models yet" in run("models", STREAM_NAMESPACE="nothing-here").stdout


def test_a_corrupt_model_is_neither_promoted_nor_gone_back_to(
    run: Run, variables: dict[str, str], redis_server: EmbeddedRedis, namespace: str
) -> None:
    async def damage() -> None:
        client = connect(Settings(redis_url=redis_server.url))
        keys = Keys(namespace)
        await client.hset(keys.candidates(), "quick", b'{"schema":"stream.model-snapshot/2","checksum":"0"}')
        await client.delete(keys.kept())
        await client.rpush(keys.kept(), b"garbage")
        await client.aclose()

    asyncio.run(damage())
    promoted = run("models", "promote", "quick", **variables)
    assert (promoted.exit_code, promoted.stderr.count("\n")) == (1, 1)
    assert "sealed" in promoted.stderr
    rolled_back = run("models", "rollback", **variables)
    assert rolled_back.exit_code == 1
    assert "1 kept snapshots are refused" in rolled_back.stderr
