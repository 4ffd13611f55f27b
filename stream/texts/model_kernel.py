"""The steps of the linear model over the features of a text, compiled.

All its compiled functions are in this file: Numba compiles one anew when its own file has changed.

A model of C categories over B buckets, with room for more categories, has ``weights`` float32[B, C], ``occurrences``
uint16[B, C], ``squares`` and ``seen`` float32[B], ``biases`` and ``lengths`` float64[C]. The features of a text are
``buckets`` int64[m] and ``counts`` float64[m], of which the first ``words`` are of words. ``values`` float64[m]
are their weights in this text, ``scores`` float64[C] the scores of the categories.

Loops go over the *width*, the categories and some columns of zeros beside them, so that whole registers are taken, and
over four features at a time, in their order. So sums are those of the plain loops, bit for bit, on every processor.
"""

import math
from typing import Final

import numpy as np

from stream.compiling import jit_at_once

__all__ = ["entropy", "gains", "learn", "score"]

#: Share of naive Bayes in the scores; what is added to each count of a feature, and to the features of a category.
_NAIVE_BAYES, _SMOOTHING, _LENGTH_SMOOTHING = 0.2, 0.3, 300.0
_BIAS_RATE: Final = 0.3
#: The lengths of the words and of the characters of a text.
_OF_WORDS, _OF_CHARACTERS = 1.0, 0.8
#: Occurrences of a feature in a category beyond this number are not counted.
_MAX_OCCURRENCES: Final = 65_535
#: Of 1, 2, ... NumPy's own logarithms of arrays differ in the last digit between processors.
_LOGARITHMS: Final = np.array([math.log1p(count) for count in range(4096)])
#: What an occurrence adds to the weight of a feature which had 0, 1, ... before.
_GAINS: Final = np.array(
    [_NAIVE_BAYES * math.log((former + 1.0 + _SMOOTHING) / (former + _SMOOTHING)) for former in range(4096)]
)
_REGISTERS, _NARROW = 16, 4


@jit_at_once
def _logarithm(count):  # type: ignore[no-untyped-def]
    """Natural logarithm of 1 + ``count``, looked up for small whole numbers."""
    whole = np.int64(min(count, 1e9))
    if whole == count and whole < _LOGARITHMS.shape[0]:
        return _LOGARITHMS[whole]
    return np.log1p(count)


@jit_at_once
def _weigh_kind(buckets, counts, length, seen, most, values, known):  # type: ignore[no-untyped-def]
    square = 0.0
    for k in range(buckets.shape[0]):
        rarity = most - _logarithm(seen[buckets[k]])
        values[k] = _logarithm(counts[k]) * np.sqrt(max(rarity, 0.0))
        square += values[k] * values[k]
    factor = length / np.sqrt(square) if square > 0.0 else 0.0
    for k in range(buckets.shape[0]):
        values[k] *= factor
        known += values[k] if seen[buckets[k]] > 0.0 else 0.0
    return known


@jit_at_once
def _weigh(buckets, counts, words, seen, texts, values):  # type: ignore[no-untyped-def]
    """Write the weight of each feature to ``values``: log(1 + count) sqrt(idf), each of the two kinds normalised.

    ``seen``: in how many of the ``texts`` learned a bucket occurred. Returns the weight of those that occurred at all.
    """
    most = 1.0 + np.log1p(texts)
    known = _weigh_kind(buckets[:words], counts[:words], _OF_WORDS, seen, most, values[:words], 0.0)
    return _weigh_kind(buckets[words:], counts[words:], _OF_CHARACTERS, seen, most, values[words:], known)


@jit_at_once
def _width(categories, weights):  # type: ignore[no-untyped-def]
    return min((categories + _REGISTERS - 1) // _REGISTERS * _REGISTERS, weights.shape[1])


@jit_at_once
def _fetch(buckets, weights, width):  # type: ignore[no-untyped-def]
    """Read a number of each cache line of the features' rows; returns their sum, which nobody needs.

    No cache holds the table. Reads that wait for nothing are under way together, which saves a twentieth of all.
    """
    read = np.float32(0.0)
    if width > _NARROW:
        for k in range(buckets.shape[0]):
            row = weights[buckets[k]]
            for c in range(0, width, _REGISTERS):
                read += row[c]
            read += row[width - 1]  # a row need not begin with a line
    return read


@jit_at_once
def _add_rows(buckets, values, weights, scores):  # type: ignore[no-untyped-def]
    """Add the rows of the features, times their values, to ``scores`` float64[width]."""
    count = buckets.shape[0]
    if scores.shape[0] == _NARROW:
        s0, s1, s2, s3 = scores[0], scores[1], scores[2], scores[3]
        for k in range(count):
            bucket, value = buckets[k], values[k]
            s0 += value * weights[bucket, 0]
            s1 += value * weights[bucket, 1]
            s2 += value * weights[bucket, 2]
            s3 += value * weights[bucket, 3]
        scores[0], scores[1], scores[2], scores[3] = s0, s1, s2, s3
        return
    whole = count // 4 * 4
    for k in range(0, whole, 4):
        row0, row1 = weights[buckets[k]], weights[buckets[k + 1]]
        row2, row3 = weights[buckets[k + 2]], weights[buckets[k + 3]]
        v0, v1, v2, v3 = values[k], values[k + 1], values[k + 2], values[k + 3]
        for c in range(scores.shape[0]):
            scores[c] = scores[c] + v0 * row0[c] + v1 * row1[c] + v2 * row2[c] + v3 * row3[c]
    for k in range(whole, count):
        row, value = weights[buckets[k]], values[k]
        for c in range(scores.shape[0]):
            scores[c] += value * row[c]


@jit_at_once
def _begin(known, log_lengths, biases, offsets, scores):  # type: ignore[no-untyped-def]
    """Write what the categories score without the features of a text to ``scores``.

    A feature that no example had speaks for no category, whatever their lengths.
    """
    scores[:] = 0.0
    for c in range(log_lengths.shape[0]):
        scores[c] = biases[c] - known * _NAIVE_BAYES * log_lengths[c]
    for c in range(min(offsets.shape[0], log_lengths.shape[0])):
        scores[c] += offsets[c]


@jit_at_once
def score(buckets, counts, words, offsets, seen, texts, weights, biases, lengths, categories):  # type: ignore[no-untyped-def]
    """The weights of the features of a text, ``values``, and the ``scores`` of the first ``categories``.

    ``offsets`` float64[at most C]: what is known of the first categories without an example.
    """
    values = np.empty(buckets.shape[0])
    width = _width(categories, weights)
    room = np.empty(width + 1)
    scores = room[:width]
    room[width] = _fetch(buckets, weights, width)  # kept, or the compiler would leave the reads out
    known = _weigh(buckets, counts, words, seen, texts, values)
    _begin(known, np.log(lengths[:categories] + _LENGTH_SMOOTHING), biases, offsets, scores)
    _add_rows(buckets, values, weights, scores)
    return values, scores[:categories]


@jit_at_once
def _subtract_rows(buckets, sizes, residuals, weights):  # type: ignore[no-untyped-def]
    """Take ``residuals`` float64[width], times the size of each feature, from its row."""
    count = buckets.shape[0]
    if residuals.shape[0] == _NARROW:
        r0, r1, r2, r3 = residuals[0], residuals[1], residuals[2], residuals[3]
        for k in range(count):
            bucket, size = buckets[k], sizes[k]
            weights[bucket, 0] -= size * r0
            weights[bucket, 1] -= size * r1
            weights[bucket, 2] -= size * r2
            weights[bucket, 3] -= size * r3
        return
    whole = count // 4 * 4
    for k in range(0, whole, 4):
        row0, row1 = weights[buckets[k]], weights[buckets[k + 1]]
        row2, row3 = weights[buckets[k + 2]], weights[buckets[k + 3]]
        size0, size1, size2, size3 = sizes[k], sizes[k + 1], sizes[k + 2], sizes[k + 3]
        for c in range(residuals.shape[0]):
            row0[c] -= size0 * residuals[c]
            row1[c] -= size1 * residuals[c]
            row2[c] -= size2 * residuals[c]
            row3[c] -= size3 * residuals[c]
    for k in range(whole, count):
        row, size = weights[buckets[k]], sizes[k]
        for c in range(residuals.shape[0]):
            row[c] -= size * residuals[c]


@jit_at_once
def _step(buckets, values, scores, categories, label, rate, weights, squares, biases, bias_square):  # type: ignore[no-untyped-def]
    """One step of AdaGrad, with one step size a feature; ``values`` become these, ``scores`` the residuals p - y.

    Returns the squared gradients of the biases. Source: Duchi, Hazan, Singer, "Adaptive subgradient methods for online
    learning", JMLR 12 (2011); here the squared gradients ``squares`` are summed over the classes of a feature.
    """
    residuals = scores[:categories]
    most, whole = residuals.max(), 0.0
    for c in range(categories):
        residuals[c] = np.exp(residuals[c] - most)
        whole += residuals[c]
    for c in range(categories):
        residuals[c] /= whole
    residuals[label] -= 1.0
    total = 0.0
    for c in range(categories):
        total += residuals[c] * residuals[c]
    for k in range(buckets.shape[0]):
        bucket, value = buckets[k], values[k]
        squares[bucket] += value * value * total
        values[k] = rate * value / np.sqrt(squares[bucket])
    _subtract_rows(buckets, values, scores, weights)
    bias_square += total
    size = _BIAS_RATE * rate / np.sqrt(bias_square)
    for c in range(categories):
        biases[c] -= size * residuals[c]
    return bias_square


@jit_at_once
def _count(buckets, label, seen, occurrences, lengths, weights):  # type: ignore[no-untyped-def]
    """Count the features of an example, for their rarity and for multinomial naive Bayes.

    Each weight includes `_NAIVE_BAYES` log(1 + occurrences / smoothing), which is that of naive Bayes.
    """
    for k in range(buckets.shape[0]):
        bucket = buckets[k]
        seen[bucket] += 1.0
        former = np.int64(occurrences[bucket, label])
        if former < _MAX_OCCURRENCES:
            occurrences[bucket, label] = former + 1
            if former < _GAINS.shape[0]:
                weights[bucket, label] += _GAINS[former]
            else:
                weights[bucket, label] += _NAIVE_BAYES * np.log((former + 1.0 + _SMOOTHING) / (former + _SMOOTHING))
    lengths[label] += buckets.shape[0]


@jit_at_once
def learn(  # type: ignore[no-untyped-def]
    examples,
    buckets,
    counts,
    offsets,
    categories,
    rate,
    texts,
    seen,
    weights,
    squares,
    occurrences,
    biases,
    lengths,
    bias_square,
):
    """Learn an example, and earlier ones again.

    ``examples`` int64[n, 3]: where the features of each end, how many are of words, its label. ``offsets`` float64[n,
    at most C]: as those of `score`. Returns the scores of the first example before the steps, and ``bias_square``
    after them.
    """
    log_lengths = np.log(lengths[:categories] + _LENGTH_SMOOTHING)
    width = _width(categories, weights)
    scores = np.empty(width)
    all_values = np.empty(buckets.shape[0])
    before = np.empty(categories + 1)
    start = 0
    for k in range(examples.shape[0]):
        end, words, label = examples[k]
        own, values = buckets[start:end], all_values[start:end]
        before[categories] = _fetch(own, weights, width)  # as in `score`
        known = _weigh(own, counts[start:end], words, seen, texts, values)
        _begin(known, log_lengths, biases, offsets[k], scores)
        _add_rows(own, values, weights, scores)
        if k == 0:
            before[:categories] = scores[:categories]
        bias_square = _step(own, values, scores, categories, label, rate, weights, squares, biases, bias_square)
        start = end
    # last: a score to calibrate by must be that of a text that is not known yet
    _count(buckets[: examples[0, 0]], examples[0, 2], seen, occurrences, lengths, weights)
    return before[:categories], bias_square


@jit_at_once
def gains(buckets, counts, values, chosen, p, seen, weights, lengths):  # type: ignore[no-untyped-def]
    """How much one occurrence of each feature speaks for category ``chosen`` against the others, float64[m].

    ``p`` float64[C]: probabilities of the categories.
    """
    log_lengths = np.log(lengths[: p.shape[0]] + _LENGTH_SMOOTHING)
    found = np.empty(buckets.shape[0])
    for k in range(buckets.shape[0]):
        row = weights[buckets[k]]
        share = _NAIVE_BAYES if seen[buckets[k]] > 0.0 else 0.0
        mean = 0.0
        for c in range(p.shape[0]):
            mean += p[c] * (row[c] - share * log_lengths[c])
        found[k] = values[k] / max(counts[k], 1.0) * (row[chosen] - share * log_lengths[chosen] - mean)
    return found


@jit_at_once
def entropy(counts):  # type: ignore[no-untyped-def]
    """Entropy (nats) of the shares of ``counts`` float64[C]."""
    total = counts.sum()
    found = 0.0
    for count in counts:
        if count > 0.0:
            found -= count / total * np.log(count / total)
    return found
