"""One label of logistic regression by the extended Kalman filter, compiled.

Gradient descent takes steps of one size in every direction. Here the covariance of the weights is carried along, so a
step is large where little is known and small where much is: one pass over the labels comes close to the refitted
maximum a posteriori estimate. Source of the update: Fahrmeir, "Posterior mode estimation by extended Kalman filtering
for multivariate dynamic generalized linear models", JASA 87 (1992), in the scalar case::

    p = sigmoid(w . z)      h = p (1 - p)      s = z . P z
    w += P z (y - p) / (1 + h s)               P -= h P z (P z)^T / (1 + h s)

Then the covariance goes a small way back to the prior, ``P += forgetting (P0 - P)``, so that the model goes on
following change. Unlike division by a forgetting factor this keeps ``P <= P0`` in every direction: inputs that are
silent for years do not make the model uncertain without bound, and wake to the prior.

A label may be of another horizon than the model's. Who orders at a constant rate is silent for ``power`` horizons with
probability ``p ** power``; of that, ``gain = power (1 - p) / (1 - p ** power)`` is the score relative to the logit's,
so ``h`` becomes ``p^power (1 - p^power) gain^2`` and the step ``gain`` times the residual.
"""

from typing import Final

import numpy as np

from stream.compiling import jit_at_once, jit_with_arrays
from stream.online_models.scaler_state import SCALE_FLOOR

__all__ = [
    "FORGETTING",
    "INTERCEPT_VARIANCE",
    "LEVERAGE_CAP",
    "PRIOR_VARIANCE",
    "complete_run",
    "complete_terms",
    "dot",
    "known_dot",
    "learn",
    "predict_then_learn",
    "predict_then_learn_run",
    "sigmoid",
    "standardise",
]

#: Of each weight of a standardised input: a deviation moves the log-odds by about 0.2 until labels say otherwise.
PRIOR_VARIANCE: Final = 0.05
#: Of the intercept: log-odds of any base rate are believed at once.
INTERCEPT_VARIANCE: Final = 10.0
#: Per label, if all of it is news; see `Label.novelty`. The memory is 1 / sqrt(FORGETTING x PRIOR_VARIANCE x
#: information of a label), some 80,000 labels; of overlapping horizons it is more of them.
FORGETTING: Final = 2e-8
#: A label whose standardised inputs have a squared length over this many times their number counts for less: the
#: expected length is the number itself. So no customer, however odd, moves its own logit by more than
#: LEVERAGE_CAP x PRIOR_VARIANCE x the number of inputs.
LEVERAGE_CAP: Final = 2.0
#: Logits beyond this are as good as certain; information is never counted as exactly none.
_MIN_INFORMATION: Final = 1e-6


@jit_at_once
def complete_terms(terms, pairs, centre, missing, relative, level):  # type: ignore[no-untyped-def]
    """Make the terms of inputs, which the beginning of ``terms`` holds; one that is ``missing`` becomes NaN.

    ``level`` is taken off the term at ``relative``; the end is the products of ``pairs``, each factor less ``centre``.
    """
    count = terms.shape[0] - pairs.shape[0]
    for k in range(count):
        if terms[k] == missing:
            terms[k] = np.nan
    terms[relative] -= level
    for k in range(pairs.shape[0]):
        terms[count + k] = (terms[pairs[k, 0]] - centre) * (terms[pairs[k, 1]] - centre)


@jit_at_once
def complete_run(terms, pairs, centre, missing, relative, levels):  # type: ignore[no-untyped-def]
    """`complete_terms` for each row."""
    for k in range(terms.shape[0]):
        complete_terms(terms[k], pairs, centre, missing, relative, levels[k])


@jit_at_once
def standardise(x, means, variances, z):  # type: ignore[no-untyped-def]
    """Write standardised inputs and, after them, the 1 that the intercept weighs to ``z``; one that is NaN is as 0."""
    count = x.shape[0]
    for j in range(count):
        z[j] = (x[j] - means[j]) / max(np.sqrt(variances[j]), SCALE_FLOOR)
        if np.isnan(x[j]):
            z[j] = 0.0
    z[count] = 1.0


@jit_at_once
def sigmoid(logit):  # type: ignore[no-untyped-def]
    """Probability of log-odds, without overflow."""
    if logit >= 0.0:
        return 1.0 / (1.0 + np.exp(-logit))
    e = np.exp(logit)
    return e / (1.0 + e)


@jit_at_once
def dot(a, b):  # type: ignore[no-untyped-def]
    """Sum of products."""
    # a plain loop: the order of a BLAS sum, and so its last bit, may differ from machine to machine
    total = 0.0
    for j in range(a.shape[0]):
        total += a[j] * b[j]
    return total


@jit_at_once
def known_dot(a, b):  # type: ignore[no-untyped-def]
    """Sum of products over the entries of ``b`` that are not NaN."""
    total = 0.0
    for j in range(b.shape[0]):
        if not np.isnan(b[j]):
            total += a[j] * b[j]
    return total


@jit_at_once
def learn(x, churned, power, counts, forgetting, means, variances, weights, covariance, z, pz):  # type: ignore[no-untyped-def]
    """One label. All arrays are changed in place; ``counts``: the values of each input so far. NaN is no value.

    ``power``: the label's horizon over the model's, see the module.
    """
    count = x.shape[0]
    for j in range(count):
        if not np.isnan(x[j]):
            counts[j] += 1
            before = means[j]
            means[j] += (x[j] - before) / counts[j]
            variances[j] += ((x[j] - before) * (x[j] - means[j]) - variances[j]) / counts[j]
    standardise(x, means, variances, z)
    length = dot(z, z) - 1.0
    weight = min(1.0, LEVERAGE_CAP * count / length) if length > 0.0 else 1.0
    risk = sigmoid(dot(weights, z))
    gain = 1.0
    if power != 1.0:
        silent = risk**power
        gain = power * (1.0 - risk) / max(1.0 - silent, _MIN_INFORMATION)
        risk = silent
    information = weight * max(risk * (1.0 - risk), _MIN_INFORMATION) * gain * gain
    # the covariance is symmetric: by its rows every sum has the terms of `dot` in their order, and four grow at a time
    pz[:] = 0.0
    for j in range(count + 1):
        row, value = covariance[j], z[j]
        for i in range(count + 1):
            pz[i] += row[i] * value
    spread = 1.0 + information * dot(z, pz)
    step = weight * (churned - risk) * gain / spread
    shrink = information / spread
    kept = 1.0 - forgetting
    for i in range(count + 1):
        weights[i] += step * pz[i]
        # both halves by rows, as they lie in memory; the terms of an entry are those of its mirror image
        row, prior = covariance[i], INTERCEPT_VARIANCE if i == count else PRIOR_VARIANCE
        here, mirrored = shrink * pz[i], pz[i]
        own = row[i]
        for j in range(i):
            row[j] = kept * (row[j] - here * pz[j])
        for j in range(i + 1, count + 1):
            row[j] = kept * (row[j] - shrink * pz[j] * mirrored)
        row[i] = own + (forgetting * (prior - own) - kept * shrink * pz[i] * pz[i])


@jit_at_once
def predict_then_learn(  # type: ignore[no-untyped-def]
    share,
    x,
    churned,
    power,
    forgetting,
    counts,
    means,
    variances,
    weights,
    covariance,
    z,
    pz,
    simple_x,
    simple_counts,
    simple_means,
    simple_variances,
    simple_weights,
    simple_covariance,
    simple_z,
    simple_pz,
):
    """The logit of two regressions, of which the simple one has the ``share``; then both learn the label, see `learn`.

    One call for what is three, each of which costs more than its arithmetic.
    """
    standardise(x, means, variances, z)
    standardise(simple_x, simple_means, simple_variances, simple_z)
    logit = (1.0 - share) * dot(weights, z) + share * dot(simple_weights, simple_z)
    learn(x, churned, power, counts, forgetting, means, variances, weights, covariance, z, pz)
    learn(
        simple_x,
        churned,
        power,
        simple_counts,
        forgetting,
        simple_means,
        simple_variances,
        simple_weights,
        simple_covariance,
        simple_z,
        simple_pz,
    )
    return logit


@jit_with_arrays
def predict_then_learn_run(risks, shares, x, churned, powers, forgetting, learned, simple_x, simple_learned):  # type: ignore[no-untyped-def]
    """`predict_then_learn` for each label of a run; writes the predicted probabilities of churn to ``risks``.

    ``x``, ``simple_x``: a row for each label; ``learned``, ``simple_learned``: counts, means, variances, weights,
    covariance and both scratch arrays.
    """
    counts, means, variances, weights, covariance, z, pz = learned
    s_counts, s_means, s_variances, s_weights, s_covariance, s_z, s_pz = simple_learned
    for k in range(x.shape[0]):
        logit = predict_then_learn(
            shares[k],
            x[k],
            churned[k],
            powers[k],
            forgetting[k],
            counts,
            means,
            variances,
            weights,
            covariance,
            z,
            pz,
            simple_x[k],
            s_counts,
            s_means,
            s_variances,
            s_weights,
            s_covariance,
            s_z,
            s_pz,
        )
        risks[k] = sigmoid(logit)
