"""The comparison of two policies in sentences."""

from collections.abc import Iterator

from stream.reporting.words import ENGLISH, Words, to_say
from stream.reporting.writing import Writing
from stream.whatif.comparison import WhatIf

__all__ = ["bias_line", "summary_line"]

#: Fewer judged alerts than this say little.
_FEW = 30
_SAYS = {
    (True, True): to_say(
        "The new policy gives %(alerts)s more alerts a week, and they reach %(money)s more a week of customers who then"
        " really lapsed."
    ),
    (True, False): to_say(
        "The new policy gives %(alerts)s more alerts a week, and they reach %(money)s less a week of customers who then"
        " really lapsed."
    ),
    (False, True): to_say(
        "The new policy gives %(alerts)s fewer alerts a week, and they reach %(money)s more a week of customers who"
        " then really lapsed."
    ),
    (False, False): to_say(
        "The new policy gives %(alerts)s fewer alerts a week, and they reach %(money)s less a week of customers who"
        " then really lapsed."
    ),
}
_SAYS_ONLY = {
    True: to_say(
        "The new policy gives %(alerts)s more alerts a week; whether that reaches more money at risk cannot be told"
        " from chance."
    ),
    False: to_say(
        "The new policy gives %(alerts)s fewer alerts a week; whether that reaches more money at risk cannot be told"
        " from chance."
    ),
}
_BIASED = {
    "old": to_say(
        "Biased: %(touched)s of %(judged)s judged alerts of the old policy are of customers who were contacted"
        " after them."
    ),
    "new": to_say(
        "Biased: %(touched)s of %(judged)s judged alerts of the new policy are of customers who were contacted"
        " after them."
    ),
}
_LITTLE = {
    "old": to_say("Few: only %(judged)s alerts of the old policy can be judged by this log."),
    "new": to_say("Few: only %(judged)s alerts of the new policy can be judged by this log."),
}


def summary_line(found: WhatIf, writing: Writing, words: Words = ENGLISH) -> str:
    """What changes, in one sentence."""
    if not (found.added or found.removed or found.moved):
        return words.gettext("Both policies give the same alerts.")
    a_week, value = found.difference.a_week, found.difference.value_right_a_week
    has_more = (a_week.estimate or 0.0) >= 0
    alerts = writing.number(abs(a_week.estimate or 0.0), 1)
    if not value.excludes_zero:
        return words.gettext(_SAYS_ONLY[has_more], alerts=alerts)
    gain = value.estimate or 0.0
    return words.gettext(_SAYS[has_more, gain >= 0], alerts=alerts, money=writing.about(abs(gain)))


def bias_line(found: WhatIf, words: Words = ENGLISH) -> Iterator[str]:
    """What to be careful about."""
    for name, side in (("old", found.old), ("new", found.new)):
        judged = words.number(side.judged)
        if side.touched:
            yield words.gettext(_BIASED[name], touched=words.number(side.touched), judged=judged)
        if side.judged < _FEW:
            yield words.gettext(_LITTLE[name], judged=judged)
