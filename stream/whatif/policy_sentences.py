"""The comparison of two policies in sentences."""

from collections.abc import Iterator

from stream.reporting.writing import Writing
from stream.whatif.comparison import WhatIf

__all__ = ["bias_line", "summary_line"]

#: Fewer judged alerts than this say little.
_FEW = 30


def summary_line(found: WhatIf, writing: Writing) -> str:
    """What changes, in one sentence."""
    if not (found.added or found.removed or found.moved):
        return "Both policies give the same alerts."
    a_week, value = found.difference.a_week, found.difference.value_right_a_week
    more = "more" if (a_week.estimate or 0.0) >= 0 else "fewer"
    text = f"The new policy gives {abs(a_week.estimate or 0.0):,.1f} {more} alerts a week"
    if not value.excludes_zero:
        return f"{text}; whether that reaches more money at risk cannot be told from chance."
    gain = value.estimate or 0.0
    word = "more" if gain >= 0 else "less"
    return f"{text}, and they reach {writing.about(abs(gain))} {word} a week of customers who then really lapsed."


def bias_line(found: WhatIf) -> Iterator[str]:
    """What to be careful about."""
    for name, side in (("old", found.old), ("new", found.new)):
        if side.touched:
            share = f"{side.touched:,} of {side.judged:,}"
            yield f"biased: {share} judged alerts of the {name} policy are of customers who were contacted after them"
        if side.judged < _FEW:
            yield f"few: only {side.judged:,} alerts of the {name} policy can be judged by this log"
