"""What models, and sums over customers, keep of one person whom an erasure has taken out of everything else.

By the name of the component of the learner, or of the projection; a test asks for each. ``at_most`` says how large the
trace is, which follows from how each learns. Tests hold the steps of ``churn`` and ``value`` to it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

__all__ = ["TRACES", "LearnedTrace"]


class LearnedTrace(NamedTuple):
    """``keeps``: what there is of one person. ``at_most``: how much of it, or how much that changes for others."""

    keeps: str
    at_most: str


_COUNTS: Final = "sums over the examples of all customers"
_A_SHARE: Final = "as many examples as the person has weeks with the shop, each with the weight of any other"

TRACES: Final[Mapping[str, LearnedTrace]] = MappingProxyType(
    {
        "churn": LearnedTrace(
            "weights of logistic regressions, and how sure they are",
            "a label moves the log-odds of another customer by at most the geometric mean of what both were unsure of "
            "(variance of the log-odds), which falls with the labels of all; a person has one for each week with the "
            "shop",
        ),
        "value": LearnedTrace(
            "weights of two regressions, and sums of what was expected and what came",
            "a label moves a weight by at most 0.1, and from 2,500 buyers on 0.002, times three times the standardised "
            "input: steps are bounded, and so are residuals",
        ),
        "purchases": LearnedTrace(
            "four parameters; the row of the person in the sample of 4,096 customers is deleted",
            "until the next weekly fit, which is without the person",
        ),
        "segments": LearnedTrace(
            "six centroids, and the newest 2,000 observations as numbers without ids",
            "an observation moves the nearest centroid by 0.2 % of the distance; the numbers are gone after "
            "2,000 newer ones",
        ),
        "evaluation": LearnedTrace(_COUNTS, _A_SHARE),
        "drift": LearnedTrace(_COUNTS, _A_SHARE),
        "levels": LearnedTrace("a mean of all customers", "half of it fades in 14 days"),
        "rhythm": LearnedTrace(
            "how many customers stand how many weeks after an order", "one customer in each week, for 104 weeks"
        ),
        "stakes": LearnedTrace("the level of what is at stake", _A_SHARE),
        "rfm": LearnedTrace("histograms of recency, frequency and money", "one customer in each"),
        "leads": LearnedTrace(
            "how many persons with like contacts there were in a week, and when they ordered",
            "one person in each of at most 130 weeks",
        ),
        "recommendations": LearnedTrace(
            "how many customers bought an item, and what was bought after it; weights of two rankers",
            "one customer of an item, half of which fades in 60 days; a ranker learns from an order with a step of at "
            "most 0.1 for each weight",
        ),
        "classification": LearnedTrace(
            "weights of words; of at most 2,000 labelled texts for each model the numbers of their words, without ids",
            "a text moves a weight by at most the step size each time that it is learned, at most nine times; the "
            "numbers are replaced by those of other texts by chance",
        ),
        "offers": LearnedTrace("sums of what decisions brought, by week", "the decisions about the person, each once"),
    }
)
