"""The ranker of lists as an estimator of River."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pytest
from river import base, optim, utils

from stream.recommending.candidates import REPEAT
from stream.recommending.list_ranker import Floats, ListRanker
from stream.recommending.river_ranker import RiverListRanker

Lists = list[tuple[dict[Hashable, Any], dict[Hashable, Any]]]


def made_up(count: int, seed: int = 3) -> Lists:
    """Lists of nine candidates; one or two are chosen, and something that was no candidate."""
    rng = np.random.default_rng(seed)
    lists: Lists = []
    for _ in range(count):
        rows = rng.normal(size=(9, len(REPEAT))).tolist()
        x: dict[Hashable, Any] = {f"item-{k}": dict(zip(REPEAT, row, strict=True)) for k, row in enumerate(rows)}
        due = {name: of["due"] for name, of in x.items()}
        best = sorted(due, key=due.__getitem__)[: int(rng.integers(1, 3))]
        lists.append((x, {**dict.fromkeys(x, False), **dict.fromkeys(best, True), "something else": True}))
    return lists


def features(x: dict[Hashable, Any]) -> Floats:
    return np.array([[of[name] for name in REPEAT] for of in x.values()], np.float64)


def test_it_is_an_estimator_that_learns_and_predicts_as_the_ranker_of_the_shop() -> None:
    ranker, shops = RiverListRanker(REPEAT), ListRanker([*REPEAT.values()])
    assert isinstance(ranker, base.Estimator)
    for x, y in made_up(60):
        assert [*ranker.predict_one(x).values()] == shops.score_many(features(x)).tolist()
        chosen = [place for place, name in enumerate(x) if y[name]]
        shops.learn_many(features(x), chosen, sum(y.values()))
        ranker.learn_one(x, y)
    assert [*ranker.learned.values()] == shops.weights
    assert ranker.record == shops.record
    assert ranker.learned["due"] < -0.5


def test_its_steps_are_those_of_rivers_adagrad() -> None:
    ranker, optimiser = RiverListRanker(REPEAT), optim.AdaGrad(0.1, eps=0.0)
    # the squares of gradients begin with one
    optimiser.g2.update(dict.fromkeys(REPEAT, 1.0))
    weights: Any = utils.VectorDict(dict(REPEAT))
    for x, y in made_up(40, seed=9):
        powers = np.exp(features(x) @ [weights[name] for name in REPEAT])
        chosen = features(x)[[place for place, name in enumerate(x) if y[name]]]
        slope = (powers / powers.sum()) @ features(x) - chosen.mean(0)
        weights = optimiser.step(weights, utils.VectorDict(dict(zip(REPEAT, slope.tolist(), strict=True))))
        ranker.learn_one(x, y)
    assert ranker.learned == pytest.approx(dict(weights))


def test_a_clone_has_learned_nothing_and_an_empty_list_teaches_nothing() -> None:
    ranker = RiverListRanker(REPEAT)
    ranker.learn_one({}, {"tea": True})
    ranker.learn_one(*made_up(1)[0][:1], {})
    assert ranker.record.lists == 0
    assert ranker.predict_one({}) == {}
    ranker.learn_one(*made_up(1)[0])
    assert ranker.learned != REPEAT
    assert ranker.clone().learned == dict(REPEAT)
    assert RiverListRanker({"due": 2.0}).predict_one({"tea": {"due": 1.5, "else": 9.0}, "fig": {}}) == {
        "tea": 3.0,
        "fig": 0.0,
    }
