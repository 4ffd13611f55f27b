"""Champion and challengers: which scores, when that changes, and the effect of drift."""

import math
from collections.abc import Sequence
from itertools import cycle

import numpy as np
import pytest
from msgspec.json import encode

from stream.features.registry import COLUMN, DAY_MS, FEATURES, INPUT_SCALE
from stream.online_models.alarms import LossAlarm
from stream.online_models.champion import Championship
from stream.online_models.churn import ChurnModel
from stream.online_models.contenders import ROSTER
from stream.online_models.label_run import LabelRun
from stream.online_models.lead import MIN_LABELS
from stream.online_models.open_weeks import OPEN_WEEKS
from stream.online_models.tally import log_loss_of

_ACTIVE = [COLUMN[name] for name in ("days_since_purchase", "purchases_90d", "spend_28d")]
PER_WEEK = 200
#: Labels of the new regime, and how many of them the recovery may take.
_REGIME, _SETTLING = 5_500, 2_500

START_MS, WEEK_MS = 1_700_000_000_000, 7 * DAY_MS
Labels = list[tuple[list[int], bool]]


def labels(seed: int, count: int, direction: float = 1.0) -> Labels:
    """Customers whose log-odds of churn are ``direction`` times a made-up law of three features."""
    generator = np.random.default_rng(seed)
    z = generator.normal(0.0, 1.0, (count, len(FEATURES)))
    logit = -0.5 + direction * (1.5 * z[:, _ACTIVE[0]] - 1.2 * z[:, _ACTIVE[1]] + 0.8 * z[:, _ACTIVE[2]])
    churned = generator.random(count) < 1.0 / (1.0 + np.exp(-logit))
    inputs = ((z * 0.5 + 3.0) * INPUT_SCALE).astype(int)
    return list(zip(inputs.tolist(), churned.tolist(), strict=True))


def odds_of(position: int) -> float:
    """Log-odds of the purchase process, unrelated to the labels; of some customers they are not known."""
    return math.nan if position % 5 == 0 else (position % 7 - 3) / 10


def play(
    championship: Championship, examples: Labels, first: int = 0
) -> tuple[list[float], list[tuple[int, LossAlarm]]]:
    """Losses of the champion of the moment, and alarms by position; the examples are those from number ``first`` on."""
    losses, alarms = [], []
    for k, (inputs, churned) in enumerate(examples):
        at_ms = START_MS + (first + k) * WEEK_MS // PER_WEEK
        risk = championship.model(championship.champion).predict_proba_one(inputs)
        losses.append(log_loss_of(risk, churned=churned))
        found = championship.learn_one(inputs, churned=churned, matured_at_ms=at_ms, odds=odds_of(first + k))
        alarms += [(k, alarm) for alarm in found]
    return losses, alarms


def losses_of_a_new_model(examples: Labels) -> list[float]:
    """Predict then learn, starting with an untrained model."""
    model, losses = ChurnModel(), []
    for inputs, churned in examples:
        losses.append(log_loss_of(model.predict_proba_one(inputs), churned=churned))
        model.learn_one(inputs, churned=churned)
    return losses


def test_the_first_of_the_roster_is_champion_and_stays_while_nothing_changes() -> None:
    championship = Championship()
    champions = set()
    examples = labels(1, 4_000)
    for first in range(0, 4_000, 100):
        assert play(championship, examples[first : first + 100], first)[1] == []
        champions.add(championship.champion)
    assert champions == {next(iter(ROSTER))}
    assert [standing.name for standing in championship.standings()] == list(ROSTER)
    assert all(standing.labels == 4_000 and standing.restarts == 0 for standing in championship.standings())


def test_after_a_change_of_regime_the_loss_recovers_to_that_of_a_model_that_knows_nothing_else() -> None:
    championship = Championship()
    before = 20 * PER_WEEK
    _, alarms = play(championship, labels(2, before))
    assert alarms == []
    new_regime = labels(3, _REGIME, direction=-1.0)
    losses, alarms = play(championship, new_regime, before)
    assert alarms[0][0] <= (OPEN_WEEKS + 1) * PER_WEEK, "the change was noticed too late"
    assert np.mean(losses[:200]) > 1.5 * np.mean(losses[_SETTLING:]), "there was no change to recover from"
    fresh = losses_of_a_new_model(new_regime)
    assert np.mean(losses[_SETTLING:]) <= 1.05 * np.mean(fresh[_SETTLING:])
    assert championship.champion != next(iter(ROSTER))
    restarted = {standing.name: standing.restarts for standing in championship.standings()}
    assert restarted[next(iter(ROSTER))] == 1, "the dethroned champion knows the old regime only"


def test_a_challenger_is_not_crowned_for_a_short_run_of_luck() -> None:
    championship = Championship({"weak": 0.0, "strong": 1.0})
    examples = labels(4, int(MIN_LABELS) - 1)
    play(championship, examples)
    assert championship.champion == "weak"


def test_a_challenger_that_is_as_good_is_not_crowned() -> None:
    championship = Championship({"first": 1.0, "twin": 1.0})
    play(championship, labels(5, 2_500))
    assert championship.champion == "first"


@pytest.mark.parametrize("stop", [0, 1, 700, 1_500])
def test_a_restored_championship_continues_unchanged(stop: int) -> None:
    examples = labels(6, 1_000) + labels(7, 700, direction=-1.0)
    whole, stopped = Championship(), Championship()
    play(whole, examples)
    play(stopped, examples[:stop])
    resumed = Championship.from_state(stopped.state())
    play(resumed, examples[stop:], stop)
    assert resumed.state() == whole.state()


def test_a_contender_that_is_new_begins_and_one_that_is_gone_is_forgotten() -> None:
    before = Championship({"old": 1.0, "both": 1.0})
    play(before, labels(8, 50))
    after = Championship.from_state(before.state(), {"both": 1.0, "new": 2.0})
    assert after.names() == ("both", "new")
    assert after.champion == "both"
    assert [standing.labels for standing in after.standings()] == [50, 0]


def test_recent_figures_are_those_of_the_labels() -> None:
    championship = Championship({"only": 1.0})
    examples = labels(9, 1_500)
    losses, _ = play(championship, examples)
    recent = championship.standings()[0].recent
    assert recent.log_loss == pytest.approx(np.mean(losses), rel=0.1)
    assert recent.auc is not None
    assert 0.75 < recent.auc < 0.95
    assert recent.examples == pytest.approx(1_350, rel=0.05)


def by_run(examples: Labels, sizes: Sequence[int], championship: Championship) -> None:
    """Learn labels by runs of these sizes, over and over."""
    count = len(examples)
    at = START_MS + np.arange(count) * WEEK_MS // PER_WEEK
    ones, zeros = np.ones(count), np.zeros(count, np.int64)
    run = LabelRun(
        inputs=np.array([inputs for inputs, _ in examples], np.int16),
        churned=np.array([churned for _, churned in examples], np.float64),
        weeks=at // WEEK_MS,
        levels=0.0 * ones,
        odds=np.array([odds_of(k) for k in range(count)]),
        novelty=ones,
        powers=ones,
        logits=zeros,
        has_logit=zeros > 0,
        versions=zeros,
        horizons=zeros,
    )
    done, chosen = 0, cycle(sizes)
    while done < count:
        learned = championship.learn_run(run.part(done, min(done + next(chosen), count)))
        if not learned:
            inputs, churned = examples[done]
            championship.learn_one(inputs, churned=churned, matured_at_ms=int(at[done]), odds=odds_of(done))
        done += learned or 1


def test_labels_that_are_learned_by_runs_give_the_same_champion_and_the_same_bits() -> None:
    seen = labels(2, 12 * PER_WEEK) + labels(3, _REGIME, direction=-1.0)
    one_by_one, by_runs = Championship(), Championship()
    _, alarms = play(one_by_one, seen)
    by_run(seen, (1, 7, 1_000, 333), by_runs)
    assert alarms
    assert one_by_one.champion != next(iter(ROSTER)), "nobody was dethroned in the midst of a run"
    assert by_runs.champion == one_by_one.champion
    assert encode(by_runs.state()) == encode(one_by_one.state())
