"""The ranker against its loss, and against what it should learn."""

import math

import numpy as np
import pytest

from stream.recommending.list_ranker import LIST_LENGTH, ListRanker, ndcg


def loss(weights: list[float], features: np.ndarray, chosen: list[int]) -> float:
    scores = features @ np.array(weights)
    return float(np.log(np.exp(scores).sum()) - scores[chosen].mean())


def test_a_step_goes_against_the_gradient_of_the_cross_entropy() -> None:
    random = np.random.default_rng(4)
    features, chosen = random.normal(size=(12, 3)), [2, 5]
    ranker = ListRanker([0.3, -0.2, 0.5])
    slopes = []
    for k in range(3):
        up, down = [*ranker.weights], [*ranker.weights]
        up[k] += 1e-6
        down[k] -= 1e-6
        slopes.append((loss(up, features, chosen) - loss(down, features, chosen)) / 2e-6)
    before = np.array(ranker.weights)
    ranker.learn_many(features, chosen, 2)
    expected = before - 0.1 * np.array(slopes) / np.sqrt(1.0 + np.array(slopes) ** 2)
    assert ranker.weights == pytest.approx(expected, abs=1e-5)


def test_it_learns_which_feature_says_what_is_chosen() -> None:
    random = np.random.default_rng(5)
    ranker = ListRanker([1.0, 0.0])
    for _ in range(600):
        features = random.normal(size=(30, 2))
        ranker.learn_many(features, [int(np.argmax(features[:, 1]))], 1)
    assert ranker.weights[1] > 2 * abs(ranker.weights[0])
    assert ranker.record.lists == 600
    assert ranker.record.hits > 500


def test_the_first_weights_score_while_their_lists_are_better() -> None:
    random = np.random.default_rng(7)
    ranker = ListRanker([1.0, 0.0])
    for _ in range(300):
        features = random.normal(size=(30, 2))
        # the first of the list is right, and what is learned from the second feature is chance
        ranker.learn_many(features, [int(np.argmax(features[:, 0]))], 1)
    assert ranker.first == [1.0, 0.0]
    assert ranker.weights[1] != 0.0
    features = random.normal(size=(400, 2))
    assert ranker.lead < 0.0
    assert ranker.score_many(features) == pytest.approx(features[:, 0])
    assert ranker.record.ndcg > 295.0
    # from now on the second feature is right, which only the learned weights can say
    for _ in range(600):
        features = random.normal(size=(30, 2))
        ranker.learn_many(features, [int(np.argmax(features[:, 1]))], 1)
    assert ranker.lead > 0.0
    assert ranker.score_many(features) == pytest.approx(features @ np.array(ranker.weights))


def test_figures_are_those_of_the_definition() -> None:
    random = np.random.default_rng(6)
    scores, chosen = random.normal(size=40), [0, 7, 9]
    # the place of each that was chosen: how many have a better score
    places = [int((scores > scores[k]).sum()) + 1 for k in chosen]
    gain = sum(1 / math.log2(place + 1) for place in places if place <= LIST_LENGTH)
    expected = gain / sum(1 / math.log2(place + 1) for place in (1, 2, 3))
    value, is_hit = ndcg(scores, chosen, 3)
    assert value == pytest.approx(expected)
    assert is_hit == (gain > 0)
    assert ndcg(scores, [], 3) == (0.0, False)
