"""The steps of the linear model over the features of a text, compiled.

All compiled functions of the model are in this file: Numba compiles a function anew when its own file has changed. They
are no part of the core's kernel.

A model of C categories over B buckets, with room for more categories, has ``weights`` float32[B, C], ``occurrences``
uint16[B, C], ``squares`` and ``seen`` float32[B], ``biases`` and ``lengths`` float64[C]. The features of a text are
``buckets`` int64[m] and ``counts`` float64[m], of which the first ``words`` are of words. ``values`` float64[m]
are their weights in this text, ``scores`` float64[C] the scores of the categories.
"""

from typing import Final

import numba
import numpy as np

__all__ = ["LENGTH_SMOOTHING", "NAIVE_BAYES", "calibrate", "entropy", "learn", "score", "sharpen", "step"]

#: Share of naive Bayes in the scores; what is added to each count of a feature, and to the features of a category.
NAIVE_BAYES, LENGTH_SMOOTHING = 0.2, 300.0
_SMOOTHING: Final = 0.3
_BIAS_RATE: Final = 0.3
#: The lengths of the words and of the characters of a text.
_OF_WORDS, _OF_CHARACTERS = 1.0, 0.8
#: Occurrences of a feature in a category beyond this number are not counted.
_MAX_OCCURRENCES: Final = 65_535
#: Of 1, 2, ...
_LOGARITHMS: Final = np.log1p(np.arange(4096.0))
_EPSILON: Final = 1e-9


@numba.njit(cache=True)
def _logarithm(count):  # type: ignore[no-untyped-def]
    """Natural logarithm of 1 + ``count``, looked up for small whole numbers."""
    whole = np.int64(min(count, 1e9))
    if whole == count and whole < _LOGARITHMS.shape[0]:
        return _LOGARITHMS[whole]
    return np.log1p(count)


@numba.njit(cache=True)
def _weigh(buckets, counts, words, seen, texts, values):  # type: ignore[no-untyped-def]
    """Write the weight of each feature to ``values``: log(1 + count) sqrt(idf), each of the two kinds normalised.

    ``seen``: in how many of the ``texts`` learned a bucket occurred. Returns the weight of those that occurred at all.
    """
    word_square, character_square = 0.0, 0.0
    most = 1.0 + np.log1p(texts)
    for k in range(buckets.shape[0]):
        rarity = most - _logarithm(seen[buckets[k]])
        values[k] = _logarithm(counts[k]) * np.sqrt(max(rarity, 0.0))
        if k < words:
            word_square += values[k] * values[k]
        else:
            character_square += values[k] * values[k]
    for_word = _OF_WORDS / np.sqrt(word_square) if word_square > 0.0 else 0.0
    for_character = _OF_CHARACTERS / np.sqrt(character_square) if character_square > 0.0 else 0.0
    known = 0.0
    for k in range(buckets.shape[0]):
        values[k] *= for_word if k < words else for_character
        if seen[buckets[k]] > 0.0:
            known += values[k]
    return known


@numba.njit(cache=True)
def score(  # type: ignore[no-untyped-def]
    buckets, counts, words, offsets, seen, texts, weights, biases, lengths, values, scores
):
    """Weigh the features of a text, and write the scores of the categories.

    ``offsets`` float64[at most C]: what is known of the first categories without an example. A feature that no example
    had speaks for no category, whatever their ``lengths``.
    """
    known = _weigh(buckets, counts, words, seen, texts, values)
    for c in range(scores.shape[0]):
        scores[c] = biases[c] - known * NAIVE_BAYES * np.log(lengths[c] + LENGTH_SMOOTHING)
        if c < offsets.shape[0]:
            scores[c] += offsets[c]
    for k in range(buckets.shape[0]):
        row, value = weights[buckets[k]], values[k]
        for c in range(scores.shape[0]):
            scores[c] += value * row[c]


@numba.njit(cache=True)
def step(buckets, values, scores, label, rate, weights, squares, biases, bias_square):  # type: ignore[no-untyped-def]
    """One step of AdaGrad, with one step size a feature; ``scores`` become the residuals p - y.

    Returns the squared gradients of the biases. Source: Duchi, Hazan, Singer, "Adaptive subgradient methods for online
    learning", JMLR 12 (2011); here the squared gradients ``squares`` are summed over the classes of a feature.
    """
    _softmax(scores, 1.0)
    scores[label] -= 1.0
    total = 0.0
    for c in range(scores.shape[0]):
        total += scores[c] * scores[c]
    for k in range(buckets.shape[0]):
        bucket, value = buckets[k], values[k]
        squares[bucket] += value * value * total
        size = rate * value / np.sqrt(squares[bucket])
        row = weights[bucket]
        for c in range(scores.shape[0]):
            row[c] -= size * scores[c]
    bias_square += total
    for c in range(scores.shape[0]):
        biases[c] -= _BIAS_RATE * rate / np.sqrt(bias_square) * scores[c]
    return bias_square


@numba.njit(cache=True)
def learn(buckets, label, seen, occurrences, lengths, weights):  # type: ignore[no-untyped-def]
    """Count the features of an example, for their rarity and for multinomial naive Bayes.

    Each weight includes `NAIVE_BAYES` log(1 + occurrences / smoothing), which is that of naive Bayes.
    """
    for k in range(buckets.shape[0]):
        bucket = buckets[k]
        seen[bucket] += 1.0
        former = occurrences[bucket, label]
        if former < _MAX_OCCURRENCES:
            occurrences[bucket, label] = former + 1
            weights[bucket, label] += NAIVE_BAYES * np.log((former + 1.0 + _SMOOTHING) / (former + _SMOOTHING))
    lengths[label] += buckets.shape[0]


@numba.njit(cache=True)
def entropy(counts):  # type: ignore[no-untyped-def]
    """Entropy (nats) of the shares of ``counts`` float64[C]."""
    total = counts.sum()
    found = 0.0
    for count in counts:
        if count > 0.0:
            found -= count / total * np.log(count / total)
    return found


@numba.njit(cache=True)
def _softmax(scores, sharpness):  # type: ignore[no-untyped-def]
    """Scores become probabilities; returns the position of the largest."""
    top = scores.argmax()
    most, total = scores[top], 0.0
    for c in range(scores.shape[0]):
        scores[c] = np.exp((scores[c] - most) * sharpness)
        total += scores[c]
    for c in range(scores.shape[0]):
        scores[c] /= total
    return top


@numba.njit(cache=True)
def calibrate(scores, sharpness, shift, slope):  # type: ignore[no-untyped-def]
    """Scores become probabilities: a softmax of ``sharpness`` times them, then Platt scaling of the largest.

    Its log-odds u become ``shift + slope u``, the others keep their proportions, and it stays the largest.
    """
    top = _softmax(scores, sharpness)
    if scores.shape[0] == 1 or (shift == 0.0 and slope == 1.0):
        return
    confidence = min(max(scores[top], _EPSILON), 1.0 - _EPSILON)
    logit = shift + slope * np.log(confidence / (1.0 - confidence))
    wanted = 1.0 / (1.0 + np.exp(-logit))
    scores[top] = 0.0
    rest, second = scores.sum(), scores.max()
    if rest <= 0.0:
        scores[top] = 1.0
        return
    wanted = min(max(wanted, second / (rest + second)), 1.0 - _EPSILON)
    for c in range(scores.shape[0]):
        scores[c] *= (1.0 - wanted) / rest
    scores[top] = wanted


@numba.njit(cache=True)
def sharpen(scores, sharpness, label):  # type: ignore[no-untyped-def]
    """What calibration learns from, of the scores times ``sharpness`` less the largest.

    Returns the position of the largest and its softmax, mean and variance of the scores by their softmax, and the
    score of ``label``.
    """
    p = scores.copy()
    top = _softmax(p, sharpness)
    mean, square = 0.0, 0.0
    for c in range(scores.shape[0]):
        z = (scores[c] - scores[top]) * sharpness
        mean += p[c] * z
        square += p[c] * z * z
    return top, p[top], mean, square - mean * mean, (scores[label] - scores[top]) * sharpness
