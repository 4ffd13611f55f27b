import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stream.texts.confidence import Confidence


def _ece(confidence: np.ndarray, right: np.ndarray) -> float:
    bins = np.minimum((confidence * 15).astype(int), 14)
    gaps = [abs(confidence[bins == k].sum() - right[bins == k].sum()) for k in range(15)]
    return float(sum(gaps) / len(confidence))


def test_scores_that_are_too_sure_become_calibrated() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(6000, 5))
    p = np.exp(truth) / np.exp(truth).sum(1, keepdims=True)
    labels = np.array([rng.choice(5, p=row) for row in p])
    model = Confidence()
    given_p, raw = [], np.exp(4 * truth) / np.exp(4 * truth).sum(1, keepdims=True)
    for scores, label in zip(4 * truth, labels.tolist(), strict=True):
        given_p.append(model.probabilities(scores))
        model.learn(scores, label)
    calibrated = np.array(given_p)
    late = slice(1000, None)
    right = truth.argmax(1) == labels
    assert _ece(calibrated.max(1)[late], right[late]) < 0.025
    assert _ece(raw.max(1)[late], right[late]) > 0.2
    # the best probabilities are those of the truth itself
    assert (
        -np.log(calibrated[np.arange(6000), labels])[late].mean()
        < -np.log(p[np.arange(6000), labels])[late].mean() + 0.03
    )


_SCORES = arrays(np.float64, st.integers(1, 8), elements=st.floats(-50, 50))


@given(st.lists(st.tuples(_SCORES, st.integers(0, 7)), max_size=60), _SCORES)
def test_probabilities_add_up_and_keep_the_most_probable_category(
    learned: list[tuple[np.ndarray, int]], scores: np.ndarray
) -> None:
    model = Confidence()
    for earlier, label in learned:
        model.learn(earlier, label % len(earlier))
    p = model.probabilities(scores)
    assert np.isclose(p.sum(), 1.0)
    assert (p >= 0.0).all()
    assert np.isclose(p[scores.argmax()], p.max())
