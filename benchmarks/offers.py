"""How well offers are chosen: ``python -m benchmarks.offers simulate`` and ``... hillstrom FILE``.

``simulate`` plays a shop with known effects (`benchmarks.offer_world`): the regret of each policy is what the best
offers would have brought more, in money. LinUCB of River and, where it is installed, of MABWiser is played with several
widths of its bound, and judged by the one that is best afterwards. The growth of a regret is the slope of its logarithm
against that of the time, over the second half of the time on a log scale: below 1 it is sublinear.

``hillstrom`` reads K. Hillstrom's e-mail test (2008; 64,000 customers, three randomised arms) as CSV. The policy goes
through it once: it decides about a customer by what it has learned of those before, then learns from what was really
done to the customer, with the propensity of 1/3 with which that was drawn. What it would have chosen is judged by
inverse propensities and doubly robustly, against each arm alone on the same customers.

With ``--ceiling`` it is also shown what is to be found at all: gradient boosting for each arm, fitted to four fifths of
all customers and judged on the last, in turn, chooses the e-mail with the larger chance of a visit.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.offer_policies import MabwiserLinUcb, Policy, RiverLinUcb, Thompson
from benchmarks.offer_world import COSTS, best_gain, gain, visitors
from stream.alerts.intervals import Interval
from stream.offering.off_policy import doubly_robust, inverse_propensity, self_normalised
from stream.offering.uplift import NOTHING, WHOLE, WORTH, UpliftSums, contrasts, quantised, uplifts_of

__all__ = ["Replayed", "cross_fitted", "growth", "played", "replayed"]

Floats = npt.NDArray[np.float64]

_WIDTHS: Final = (0.5, 1.0, 2.0, 8.0)
_EMAILS: Final = {"Mens E-Mail": "mens", "Womens E-Mail": "womens", "No E-Mail": NOTHING}
_INPUTS: Final = 8
_REFIT_EVERY: Final = 100
_THIRDS: Final = {NOTHING: WHOLE - 2 * (WHOLE // 3), "mens": WHOLE // 3, "womens": WHOLE // 3}


def played(policy: Policy, decisions: int, seed: int) -> tuple[Floats, list[tuple[str, str]]]:
    """The regret after each decision (money), and the kind of customer and the arm of each."""
    regrets, arms = np.empty(decisions), []
    for number, visitor in enumerate(visitors(decisions, seed)):
        arm = policy.pull(visitor)
        policy.learn(visitor, arm, ordered=visitor.orders(arm))
        regrets[number] = best_gain(visitor) - gain(visitor, arm)
        arms.append((visitor.kind, arm))
    return np.cumsum(regrets), arms


def growth(regret: Floats) -> float:
    """The exponent with which a regret grows: the slope of log regret against log time from the root of the time on."""
    times = np.unique(np.geomspace(math.sqrt(len(regret)), len(regret), 40).astype(int))
    return float(np.polyfit(np.log(times), np.log(np.maximum(regret[times - 1], 1e-9)), 1)[0])


class Replayed(NamedTuple):
    """One pass; each is (n,).

    ``target``: the arm that the policy would have chosen, ``arm`` the one that was, ``visit`` what came of it.
    ``expected``: by arm, what was expected of it before.
    """

    target: Sequence[str]
    arm: Sequence[str]
    visit: Floats
    expected: Mapping[str, Floats]


def replayed(test: pd.DataFrame) -> Replayed:
    """Go through Hillstrom's test once, in the order of the rows; offers cost nothing and a visit is worth 1."""
    arms = test["segment"].map(_EMAILS).tolist()
    visits = test["visit"].to_numpy(np.float64)
    contexts = [*map(quantised, _inputs_of(test))]
    offers, sums = ["mens", "womens"], UpliftSums()
    baseline = _Baseline()
    uplifts = uplifts_of([], offers, _INPUTS)
    targets: list[str] = []
    expected: dict[str, list[float]] = {arm: [] for arm in _THIRDS}
    for number, (context, arm) in enumerate(zip(contexts, arms, strict=True)):
        if number % _REFIT_EVERY == 0:
            uplifts = uplifts_of([(1.0, sums)], offers, _INPUTS)
            baseline.refit()
        gains = {NOTHING: 0.0, **dict(zip(offers, uplifts.at(context)[0].tolist(), strict=True))}
        targets.append(max(gains, key=gains.__getitem__))
        without = baseline.of(context)
        for name, more in gains.items():
            expected[name].append(without + more)
        baseline.learn(context, arm, visits[number])
        contrast = contrasts(arm, _THIRDS)
        sums.add(context, contrast)
        sums.label(context, contrast, WORTH * int(visits[number]))
    return Replayed(targets, arms, visits, {arm: np.asarray(values) for arm, values in expected.items()})


class _Baseline:
    """Least squares of the visits of those who got nothing, for the model of the doubly robust estimate."""

    def __init__(self) -> None:
        self._gram: Floats = np.eye(_INPUTS)
        self._moment: Floats = np.zeros(_INPUTS)
        self._fitted: Floats = np.zeros(_INPUTS)

    def refit(self) -> None:
        self._fitted = np.asarray(np.linalg.solve(self._gram, self._moment), np.float64)

    def of(self, context: Sequence[int]) -> float:
        return float(np.asarray(context) @ self._fitted)

    def learn(self, context: Sequence[int], arm: str, visit: float) -> None:
        if arm == NOTHING:
            x = np.asarray(context, np.float64)
            self._gram += np.outer(x, x)
            self._moment += x * visit


def _inputs_of(test: pd.DataFrame) -> Floats:
    is_so = [
        test["mens"],
        test["womens"],
        test["newbie"],
        test["zip_code"] == "Rural",
        test["channel"] == "Web",
    ]
    numbers = [(test["recency"] - 6.0) / 6.0, np.log1p(test["history"]) / 3.0 - 1.6]
    return np.column_stack([np.ones(len(test)), *numbers, *is_so]).astype(np.float64)


def _judge(found: Replayed) -> None:
    arm, target = np.asarray(found.arm), np.asarray(found.target)
    thirds = np.full(len(arm), 1 / 3)
    policies: dict[str, npt.NDArray[np.str_]] = {"the policy": target}
    policies |= {f"always {name}": np.full(len(arm), name) for name in _THIRDS}
    of_chosen = np.choose(_places(arm), [*found.expected.values()])
    print(f"{'visits of 100 customers':<18}{'IPS':>24}{'self-normalised':>24}{'doubly robust':>24}")
    for name, wanted in policies.items():
        agrees = (wanted == arm).astype(np.float64)
        of_target = np.choose(_places(wanted), [*found.expected.values()])
        estimates = (
            inverse_propensity(found.visit, thirds, agrees),
            self_normalised(found.visit, thirds, agrees),
            doubly_robust(found.visit, thirds, agrees, of_chosen, of_target),
        )
        print(f"{name:<23}" + "".join(f"{_shown(one):>24}" for one in estimates))
    print("the policy less the arm alone, on the same customers")
    for name in _THIRDS:
        wanted = policies[f"always {name}"]
        more = (target == arm).astype(np.float64) - (wanted == arm)
        of_target = np.choose(_places(target), [*found.expected.values()])
        of_wanted = np.choose(_places(wanted), [*found.expected.values()])
        simple = inverse_propensity(found.visit, thirds, more)
        robust = doubly_robust(found.visit, thirds, more, of_chosen, of_target - of_wanted)
        print(f"{name:<23}{_shown(simple):>24}{'':>24}{_shown(robust):>24}")
    shares = {name: float(np.mean(target == name)) for name in _THIRDS}
    print("it would have chosen " + ", ".join(f"{name}: {share:.1%}" for name, share in shares.items()))


def cross_fitted(test: pd.DataFrame, seed: int, folds: int = 5) -> Replayed:
    """What boosted trees choose that know all customers but a fifth, for that fifth, in turn."""
    # it takes a second to import, and is rarely asked for
    trees: Any = import_module("sklearn.ensemble").HistGradientBoostingClassifier
    arms, visits = test["segment"].map(_EMAILS).to_numpy(), test["visit"].to_numpy(np.float64)
    inputs, fold = _inputs_of(test), np.random.default_rng(seed).integers(0, folds, len(test))
    expected = {arm: np.empty(len(test)) for arm in _THIRDS}
    for arm, chances in expected.items():
        for part in range(folds):
            model = trees(
                max_iter=60, learning_rate=0.05, max_leaf_nodes=8, min_samples_leaf=300, l2_regularization=10.0
            )
            known = (arms == arm) & (fold != part)
            model.fit(inputs[known], visits[known])
            chances[fold == part] = model.predict_proba(inputs[fold == part])[:, 1]
    best = np.array([*expected])[np.argmax(np.stack([*expected.values()]), 0)]
    return Replayed(best.tolist(), arms.tolist(), visits, expected)


def _places(arms: npt.NDArray[np.str_]) -> npt.NDArray[np.int64]:
    return np.asarray([[*_THIRDS].index(arm) for arm in arms], np.int64)


def _shown(interval: Interval) -> str:
    if interval.estimate is None or interval.high is None:
        return "-"
    return f"{100 * interval.estimate:.2f} ± {100 * (interval.high - interval.estimate):.2f}"


def _simulate(decisions: int, seeds: int) -> None:
    policies: dict[str, Callable[[int], Policy]] = {"the policy": Thompson}
    policies |= {f"River LinUCB, {width:g}": _of_width(RiverLinUcb, width) for width in _WIDTHS}
    try:
        MabwiserLinUcb(1.0)
    except ImportError:
        print("MABWiser is not installed: pip install mabwiser")
    else:
        policies |= {f"MABWiser LinUCB, {width:g}": _of_width(MabwiserLinUcb, width) for width in _WIDTHS}
    print(f"{'regret (money)':<24}{'at a quarter':>14}{'at the end':>12}{'per seed':>28}{'growth':>8}{'to loyal':>10}")
    for name, make in policies.items():
        runs = [played(make(seed), decisions, seed) for seed in range(seeds)]
        ends = [float(regret[-1]) for regret, _ in runs]
        quarter = float(np.mean([regret[decisions // 4] for regret, _ in runs]))
        exponent = float(np.mean([growth(regret) for regret, _ in runs]))
        late = [arm for _, arms in runs for kind, arm in arms[decisions // 2 :] if kind == "loyal"]
        offered = sum(arm in COSTS for arm in late) / len(late)
        each = ", ".join(f"{end:,.0f}" for end in ends)
        print(
            f"{name:<24}{quarter:>14,.0f}{np.mean(ends):>12,.0f}{each:>28}{exponent:>8.2f}{offered:>12.2%}", flush=True
        )


def _of_width(policy: Callable[[float], Policy], width: float) -> Callable[[int], Policy]:
    """What begins such a policy; it has no luck of its own, so the seed does not matter."""
    return lambda _: policy(width)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    simulate = kinds.add_parser("simulate")
    simulate.add_argument("--decisions", type=int, default=20_000)
    simulate.add_argument("--seeds", type=int, default=5)
    hillstrom = kinds.add_parser("hillstrom")
    hillstrom.add_argument("file")
    hillstrom.add_argument("--ceiling", action="store_true", help="what boosted trees find that know all the others")
    chosen = parser.parse_args()
    if chosen.kind == "simulate":
        _simulate(chosen.decisions, chosen.seeds)
    else:
        test = pd.read_csv(chosen.file)
        _judge(replayed(test))
        for seed in range(3 if chosen.ceiling else 0):
            print(f"\nboosted trees, cross-fitted, seed {seed}")
            _judge(cross_fitted(test, seed))


if __name__ == "__main__":
    main()
