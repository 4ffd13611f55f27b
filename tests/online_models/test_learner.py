import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.errors import SettingsError, SnapshotError
from stream.online_models.basis import ODDS_TERM
from stream.online_models.components.churn import Churn
from stream.online_models.components.purchases import Purchases, histories_of
from stream.online_models.example import Example, Label, Observation
from stream.online_models.label_run import inputs_of
from stream.online_models.learner import Learner, LearnerSettings
from stream.online_models.purchase_process import PurchaseProcess
from stream.online_models.snapshot import encode_snapshot
from tests.online_models.component_states import seen
from tests.online_models.made_up import DAY_MS, HORIZON_MS, START_MS, examples, label, observation, quantised

NOW_MS = 1_800_000_000_000
ROOT = Path(__file__).parents[2]


def learned(seed: int, count: int) -> Learner:
    learner = Learner()
    for example in examples(seed, count):
        assert learner.learn(example) is None
    return learner


def spread(found: list[Example]) -> list[Example]:
    """The same examples over a year instead of a few days."""
    step_ms = 365 * DAY_MS // max(len(found), 1)
    moved: list[Example] = []
    for position, example in enumerate(found):
        later = {"at_ms": example.at_ms + position * step_ms}
        if isinstance(example, Label):
            later["matured_at_ms"] = example.matured_at_ms + position * step_ms
        moved.append(msgspec.structs.replace(example, **later))
    return moved


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 2**32), st.integers(0, 800), st.integers(0, 800))
def test_stopping_and_resuming_changes_nothing(seed: int, before: int, after: int) -> None:
    whole = learned(seed, before + after)
    stopped = Learner()
    for position, example in enumerate(examples(seed, before + after)):
        if position == before:
            stopped = Learner.load(stopped.dump())
        stopped.learn(example)
    stopped = Learner.load(stopped.dump())
    assert encode_snapshot(stopped.snapshot(NOW_MS)) == encode_snapshot(whole.snapshot(NOW_MS))
    assert stopped.dump() == whole.dump()


def test_a_checkpoint_between_any_two_examples_changes_nothing() -> None:
    learner = Learner()
    for example in examples(3, 1_100):
        learner.learn(example)
        learner = Learner.load(learner.dump()) if learner.observations_seen in range(495, 510) else learner
    assert learner.dump() == learned(3, 1_100).dump()


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 2**32), st.lists(st.integers(0, 400), min_size=1, max_size=8), st.sampled_from([0.0, 14.0, 28.0]))
def test_examples_that_are_learned_by_runs_give_the_same_bits(seed: int, sizes: list[int], horizon_days: float) -> None:
    of = LearnerSettings(min_labels=100, min_class_labels=10, horizon_days=horizon_days)
    one_by_one, by_runs = Learner(of), Learner(of)
    # weeks pass between some of them, and several models have given the logits
    found = [
        msgspec.structs.replace(example, logit=position % 700 - 300, model_version=10 * position + position % 4)
        if isinstance(example, Label) and position % 3
        else example
        for position, example in enumerate(spread(seen(seed, sum(sizes))))
    ]
    begin = 0
    for size in sizes:
        by_runs.learn_run(found[begin : begin + size])
        begin += size
    by_runs.learn_run(found[begin:])
    for example in found:
        one_by_one.learn_checked(example)
    assert by_runs.dump() == one_by_one.dump()
    assert encode_snapshot(by_runs.snapshot(NOW_MS)) == encode_snapshot(one_by_one.snapshot(NOW_MS))


def test_a_label_meets_the_purchase_process_that_was_known_at_its_landmark() -> None:
    days = 28.0
    learner = Learner(LearnerSettings(horizon_days=days))
    known: dict[int, PurchaseProcess] = {}
    for example in spread([*examples(6, 1_500)]):
        if isinstance(example, Observation):
            known.setdefault(example.at_ms, learner.of(Purchases).process)
        learner.learn_checked(example)
    churn = learner.of(Churn)
    processes = churn.state().processes
    assert {past.since_ms: past.process for past in processes}.items() <= known.items()
    assert days / 7 < len(processes) <= days / 7 + 3, "those of the weeks whose labels may still come"
    assert len({past.process for past in processes}) > 1
    term = churn.championship.model("standard").state().regression
    assert 0 < term.counts[ODDS_TERM] <= term.labels
    labels = [label(quantised(purchase_days=1.1), churned=True, at_ms=past.since_ms + DAY_MS) for past in processes]
    inputs = inputs_of(labels)
    of = histories_of(inputs)
    alone = [float(past.process.no_order(of, days)[0]) for past in processes]
    assert churn._odds(labels, inputs) == pytest.approx(np.log(np.array(alone) / (1.0 - np.array(alone))))


def test_asking_for_a_snapshot_changes_nothing() -> None:
    learner = learned(4, 1_300)
    before = learner.dump()
    learner.snapshot(NOW_MS)
    assert learner.dump() == before


def test_versions_count_what_was_learned() -> None:
    learner = learned(5, 4_500)
    seen = list(examples(5, 4_500))
    labels = sum(isinstance(example, Label) for example in seen)
    snapshot = learner.snapshot(NOW_MS)
    assert snapshot.churn.labels_seen == learner.labels_seen == labels
    assert {learner.snapshot(NOW_MS, name).churn.version for name in learner.contenders()} == {
        10 * labels + position for position in range(3)
    }
    assert snapshot.segments is not None
    assert snapshot.segments.version == learner.observations_seen == len(seen) - labels
    assert snapshot.created_at_ms == NOW_MS


def test_stream_time_is_the_latest_landmark_or_maturity() -> None:
    learner = Learner()
    learner.learn(observation(quantised(), START_MS + 5))
    assert learner.stream_time_ms == START_MS + 5
    learner.learn(label(quantised(), churned=True, at_ms=START_MS))
    assert learner.stream_time_ms == START_MS + HORIZON_MS
    learner.learn(observation(quantised(), START_MS))
    assert learner.stream_time_ms == START_MS + HORIZON_MS


def test_an_invalid_example_changes_nothing() -> None:
    learner = learned(6, 200)
    before = learner.dump()
    good = label(quantised(), churned=True, risk=0.5)
    for bad in (
        msgspec.structs.replace(good, x=[0]),
        msgspec.structs.replace(good, x=[40_000, *good.x[1:]]),
        msgspec.structs.replace(good, risk=float("nan")),
        msgspec.structs.replace(good, spend=float("inf")),
        msgspec.structs.replace(good, matured_at_ms=good.at_ms),
        Observation(example_id="o", customer_id="c", at_ms=START_MS, x=[]),
    ):
        assert learner.learn(bad) is not None
    assert learner.dump() == before


def test_a_damaged_checkpoint_is_refused() -> None:
    value = bytearray(learned(7, 100).dump())
    for damaged in (b"", b"null", bytes(value[:-1]), bytes(value).replace(b"tenure", b"stature")):
        with pytest.raises(SnapshotError):
            Learner.load(damaged)
    value[len(value) // 2] ^= 1
    with pytest.raises(SnapshotError):
        Learner.load(bytes(value))


def test_a_snapshot_is_no_checkpoint() -> None:
    with pytest.raises(SnapshotError, match="learner-checkpoint"):
        Learner.load(encode_snapshot(learned(8, 100).snapshot(NOW_MS)))


def test_a_checkpoint_stays_small() -> None:
    assert len(learned(9, 6_000).dump()) < 400_000


def test_another_process_learns_the_same_bits() -> None:
    """Hashing of strings differs between processes; no sum may depend on it."""
    program = (
        "import hashlib, sys; sys.path.insert(0, sys.argv[1])\n"
        "from tests.online_models.made_up import examples\n"
        "from stream.online_models.learner import Learner\n"
        "learner = Learner()\n"
        "for example in examples(10, 1300): learner.learn(example)\n"
        "print(hashlib.sha256(learner.dump()).hexdigest())\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program, str(ROOT)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            timeout=100,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"min_labels": -1}, {"segments": 0}, {"segments": 99}, {"half_life_examples": 0.0}, {"horizon_days": -1.0}],
)
def test_impossible_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        LearnerSettings(**wrong)
