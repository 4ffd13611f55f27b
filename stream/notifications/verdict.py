"""What notifying achieves, in one sentence in money, or why that cannot be said."""

from collections.abc import Callable
from typing import Final

from stream.notifications.effect import MIN_CUSTOMERS, EffectReport
from stream.reporting.words import ENGLISH, Words, to_say

__all__ = ["verdict"]

#: By whether those who were notified spent more, and whether it may be chance.
_BROUGHT: Final = {
    (True, False): to_say(
        "Notifying %(notified)s customers brought %(money)s more in %(days)s days"
        " (between %(low)s and %(high)s with 95 %% certainty)."
    ),
    (True, True): to_say(
        "Notifying %(notified)s customers brought %(money)s more in %(days)s days, which may be chance"
        " (between %(low)s and %(high)s with 95 %% certainty)."
    ),
    (False, False): to_say(
        "Notifying %(notified)s customers brought %(money)s less in %(days)s days"
        " (between %(low)s and %(high)s with 95 %% certainty)."
    ),
    (False, True): to_say(
        "Notifying %(notified)s customers brought %(money)s less in %(days)s days, which may be chance"
        " (between %(low)s and %(high)s with 95 %% certainty)."
    ),
}


def verdict(report: EffectReport, money: Callable[[float], str], words: Words = ENGLISH) -> str:
    """The sentence with which `stream effect` begins. ``money`` writes an amount.

    The difference in spend per customer times the customers notified, with its 95 % interval. Groups of fewer than
    `MIN_CUSTOMERS` are too small to say anything: then it tells how many there are.
    """
    everyone, days = report.everyone, f"{report.horizon_days:.0f}"
    notified, held_out = everyone.notified.customers, everyone.held_out.customers
    counts = {"notified": words.number(notified), "held_out": words.number(held_out), "days": days}
    if not notified and not held_out:
        if not report.pending:
            return words.gettext("Nobody to compare yet.")
        return words.ngettext(
            "Nobody to compare yet: %(num)s customer waits for the end of %(days)s days.",
            "Nobody to compare yet: %(num)s customers wait for the end of their %(days)s days.",
            report.pending,
            days=days,
        )
    if not held_out:
        return words.gettext(
            "Nobody was held out, so it cannot be known what notifying %(notified)s customers brought: set a hold_out"
            " share in the notification file.",
            **counts,
        )
    if min(notified, held_out) < MIN_CUSTOMERS:
        return words.gettext(
            "Too few customers to know: %(notified)s notified and %(held_out)s held out have had their %(days)s days;"
            " at least %(least)s of each are needed before the figures mean anything.",
            least=words.number(MIN_CUSTOMERS),
            **counts,
        )
    spend = everyone.spend
    if spend.estimate is None or spend.low is None or spend.high is None:
        return words.gettext("The spend of the groups cannot be compared.")
    total, low, high = (notified * figure for figure in (spend.estimate, spend.low, spend.high))
    sentence = _BROUGHT[total >= 0, not spend.excludes_zero]
    return words.gettext(sentence, money=money(abs(total)), low=money(low), high=money(high), **counts)
